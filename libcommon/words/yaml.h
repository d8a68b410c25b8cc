/*
 * YAML as the JSON that it means (YAML 1.2, «JSON Schema», and octal numbers of 1.1): one
 * document of mappings with plain keys. The grammar is libyaml's.
 */
#ifndef POD_WORDS_YAML_H
#define POD_WORDS_YAML_H

#include "words/json.h"

#include <stddef.h>

/*
 * what: for the message. A document that is too deep, or that aliases blow up, is refused. A new
 * reference in *ret.
 */
int yaml_parse(const char *what, const char *p, size_t n, json_t **ret, struct err *e);

#endif
