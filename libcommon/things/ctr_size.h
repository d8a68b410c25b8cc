/* How much containers have written. */
#ifndef POD_THINGS_CTR_SIZE_H
#define POD_THINGS_CTR_SIZE_H

#include "disk/roots.h"
#include "plain/err.h"
#include "plain/str.h"

#include <stdint.h>

struct ctr_size {
    int64_t written; /* bytes of the files in its own layer */
    int64_t image;   /* bytes of its image; 0 when that is gone */
};
/*
 * For each pair of container id and image id one entry of ret. Looks at all layers at once, in a
 * child that is root of the user's ids: what the payload closed to others counts too.
 */
int ctr_sizes(const struct roots *r, const struct strv *ids, const struct strv *images,
              struct ctr_size *ret, struct err *e);

#endif
