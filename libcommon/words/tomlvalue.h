/* The values of TOML and the reader's state; only words/toml.c has a use for this. */
#ifndef POD_WORDS_TOMLVALUE_H
#define POD_WORDS_TOMLVALUE_H

#include "plain/buf.h"
#include "plain/err.h"

#include <jansson.h>

enum { TOML_MAX_DEPTH = 16 }; /* of nested values, and parts of a key */

struct toml {
    const char *what, *p, *end;
    int line;
    int nest;             /* arrays and inline tables around p */
    json_t *root, *table; /* the document; where plain keys go now */
    json_t *marks;        /* see toml.c */
    struct err *e;
};

int toml_fail(struct toml *t, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void toml_mark(struct toml *t, const json_t *v, const char *mark);
void toml_blanks(struct toml *t);
/* key = value into table, up to behind the value */
int toml_assign(struct toml *t, json_t *table);
/* A bare or quoted key. */
int toml_key_part(struct toml *t, struct buf *ret);
/* A new reference in *ret. */
int toml_value(struct toml *t, json_t **ret);

#endif
