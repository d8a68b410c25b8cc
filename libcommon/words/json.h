/* Short ways through jansson values. Missing or of the wrong type reads as the default. */
#ifndef POD_WORDS_JSON_H
#define POD_WORDS_JSON_H

#include "plain/err.h"
#include "plain/str.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

/* Borrowed strings; "" when absent. */
const char *jx_str(const json_t *o, const char *key);
/* NULL when absent or not a string. */
const char *jx_str0(const json_t *o, const char *key);
int64_t jx_int(const json_t *o, const char *key, int64_t otherwise);
bool jx_bool(const json_t *o, const char *key);
/* Adds each string of the array (or the one string) at key. */
void jx_strv(const json_t *o, const char *key, struct strv *ret);
json_t *jx_from_strv(const struct strv *l);
/* Takes value; drops it when it is NULL or an empty array/object/string, so that records stay
 * small. */
void jx_set(json_t *o, const char *key, json_t *value);
void jx_set_str(json_t *o, const char *key, const char *s); /* nothing for NULL or "" */

/* NAME=VALUE into the array "env" of an OCI process, in the place of one of that name. */
void jx_put_env(json_t *process, const char *text);

/* Reads and parses; the message names the file. max in bytes. 0 and a new reference in *ret. */
int jx_load(int dir, const char *path, size_t max, json_t **ret, struct err *e);
/* Parses bytes from a stranger: duplicate keys are refused, depth is jansson's limit. */
int jx_parse(const char *what, const char *p, size_t n, json_t **ret, struct err *e);

void jx_cleanup(json_t **p);
#define cleanup_json __attribute__((__cleanup__(jx_cleanup))) json_t *

#endif
