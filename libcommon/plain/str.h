/* Small things with C strings that the C library leaves out. */
#ifndef POD_PLAIN_STR_H
#define POD_PLAIN_STR_H

#include "plain/buf.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

bool str_eq(const char *a, const char *b); /* NULL equals only NULL */
bool str_starts(const char *s, const char *prefix);
bool str_ends(const char *s, const char *suffix);
bool str_in(const char *s, const char *const *list); /* list ends with NULL */

/* A whole decimal number, no sign, no blanks, within [0, max]. 0, or -1 and *ret untouched. */
int str_u64(const char *s, uint64_t max, uint64_t *ret);
/* Likewise with an optional minus. */
int str_i64(const char *s, int64_t min, int64_t max, int64_t *ret);

/* A list of owned strings that always ends with NULL, so .v is an argv. */
struct strv {
    char **v;
    size_t n;
};
#define STRV_INIT                                                                                  \
    {                                                                                              \
        0                                                                                          \
    }
void strv_add(struct strv *l, const char *s); /* copies s */
void strv_addf(struct strv *l, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void strv_take(struct strv *l, char *s);                 /* owns s from now on */
void strv_split(struct strv *l, const char *s, char by); /* adds the pieces, empty ones too */
bool strv_has(const struct strv *l, const char *s);
void strv_sort(struct strv *l);
void strv_sort_unique(struct strv *l);
void strv_free(struct strv *l);

/* Edits that turn a into b: insert, delete, replace, swap of neighbours. For «did you mean». */
unsigned str_distance(const char *a, const char *b);

/* Copies without ever cutting in silence: 0, or -1 when it does not fit (dst is then ""). */
int str_copy(char *dst, size_t size, const char *src);

#endif
