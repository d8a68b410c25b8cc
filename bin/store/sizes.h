/*
 * How big images are, without layers.json: own/cache/sizes has a line "ID BYTES" for each, and is
 * valid as long as the store's lists are the very files that its first line names.
 */
#ifndef POD_BIN_STORE_SIZES_H
#define POD_BIN_STORE_SIZES_H

#include "store/room.h"

struct sizes {
    json_t *by_id; /* image id → bytes */
};
/* Reads layers into s when the cache is void. */
int sizes_load(struct store *s, struct sizes *ret, struct err *e);
int64_t sizes_of(const struct sizes *z, const json_t *img); /* -1: a layer is missing */
void sizes_free(struct sizes *z);

#endif
