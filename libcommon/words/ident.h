/* Identifiers and names of containers, pods and images' short forms. */
#ifndef POD_WORDS_IDENT_H
#define POD_WORDS_IDENT_H

#include <stdbool.h>
#include <stddef.h>

#define IDENT_LEN 64

/* 64 random hex digits; never all decimal digits at the start of 12, so that a short id is no
 * number. */
void ident_new(char ret[IDENT_LEN + 1]);
/* [a-zA-Z0-9][a-zA-Z0-9_.-]*, as podman: what a container, pod or volume may be called. */
bool ident_name_ok(const char *name);
/* adjective_noun, for a container nobody named. */
void ident_random_name(char *out, size_t size);

#endif
