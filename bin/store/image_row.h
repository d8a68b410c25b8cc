/* An image under one of its names, as pod images shows it. */
#ifndef POD_BIN_STORE_IMAGE_ROW_H
#define POD_BIN_STORE_IMAGE_ROW_H

#include "store/room.h"

/* A row before it is one. */
struct item {
    json_t *img;
    char *repo, *tag;
    int64_t size;
    struct timespec created;
    size_t index; /* where it was: equal ones keep their order */
};

/*
 * dear: with what has to be read from the image's own files and from containers (ParentId,
 * Labels, Containers).
 */
json_t *image_row(const struct store *s, const struct item *it, bool no_trunc, bool dear);

#endif
