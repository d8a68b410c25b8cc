/*
 * TOML 1.0 without dates, read into a jansson object: the language of registries.conf,
 * storage.conf and containers.conf.
 *
 * Strict: a key set twice, a table opened twice or a line that is not understood is an error
 * that names the line, because a setting dropped in silence is worse than a refusal.
 */
#ifndef POD_WORDS_TOML_H
#define POD_WORDS_TOML_H

#include "plain/err.h"

#include <jansson.h>
#include <stddef.h>

/* what names the input in messages: «what:LINE: …». A new reference in *ret. */
int toml_parse(const char *what, const char *p, size_t n, json_t **ret, struct err *e);

/* Reads a file of at most 1 MiB. A missing file is errno ENOENT in e->sys. */
int toml_load(const char *path, json_t **ret, struct err *e);

#endif
