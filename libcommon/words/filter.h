/* --filter KEY=VALUE: what containers, pods and volumes ask of a value in the same way. */
#ifndef POD_WORDS_FILTER_H
#define POD_WORDS_FILTER_H

#include <jansson.h>
#include <stdbool.h>

/* The key, the caller's, and where its value begins ("" without one). "label!=x" has "label!". */
char *filter_key(const char *filter, const char **ret_value);
/* A POSIX extended regular expression, anywhere in text; one that is none is looked for as is. */
bool filter_like(const char *text, const char *pattern);
/* Is want, KEY or KEY=VALUE, among the members of labels? */
bool filter_label(const json_t *labels, const char *want);
/* Go's words for true and false; 0, or -1 when it is neither. */
int filter_truth(const char *value, bool *ret);

#endif
