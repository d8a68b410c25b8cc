/* --filter of pod images. Values of one key are alternatives, but for labels; keys narrow. */
#ifndef POD_BIN_STORE_FILTER_H
#define POD_BIN_STORE_FILTER_H

#include "store/room.h"

struct filter;
/* filters: "KEY=VALUE" each. Podman's sentences for what cannot be understood. */
int filter_compile(const struct store *s, const struct strv *filters, struct filter **ret,
                   struct err *e);
bool filter_match(const struct filter *f, json_t *img);
/* Does the pattern (shell wildcards) or name match one of the image's names? */
bool filter_reference(const json_t *img, const char *pattern);
void filter_free(struct filter *f);

#endif
