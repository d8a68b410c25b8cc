/* --filter KEY=VALUE on containers, as podman's users write it. */
#ifndef POD_THINGS_CTR_FILTER_H
#define POD_THINGS_CTR_FILTER_H

#include "things/ctr.h"

/* Podman's sentence for a key or value that is none. Looks up what before= and since= name. */
int ctr_filter_check(const struct roots *r, const struct strv *filters, struct err *e);
/* Values of one key are alternatives (of label all must hold), different keys must all hold. */
bool ctr_filter_match(const struct roots *r, const struct strv *filters, const struct ctr *c,
                      const struct ctr_status *s);
/* Does one of them have that key? */
bool ctr_filter_has(const struct strv *filters, const char *key);

#endif
