/* How much disk things take. Sizes of layers come from their records. */
#ifndef POD_BIN_STORE_USAGE_H
#define POD_BIN_STORE_USAGE_H

#include "store/room.h"

struct usage {
    int64_t total, active, size, reclaimable;
};

void usage_images(const struct store *s, struct usage *ret);
/* Layers that belong to no image and no container. */
void usage_unused_layers(const struct store *s, struct usage *ret);
void usage_containers(const struct roots *r, struct usage *ret);
void usage_volumes(const struct roots *r, struct usage *ret);
/* Bytes that would go with this image alone. */
int64_t usage_unique(const struct store *s, const json_t *img);
/* Bytes allocated to the files below dir/name, as far as we may look. */
int64_t usage_of_tree(int dir, const char *name);
/* What is in a volume. */
int64_t usage_of_volume(const struct roots *r, const char *name);

#endif
