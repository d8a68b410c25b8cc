/*
 * Images as the container side needs them: found by name, with what `run` must know, fast.
 *
 * The lookup reads one small file, own/cache/image-<hash of the name>, which is valid as long as
 * images.json and layers.json are the very files it was made from (device, inode, size, mtime
 * in nanoseconds); otherwise it reads the store (things/store.h) and writes the cache anew.
 * So `run` costs the same with one image and with a thousand.
 */
#ifndef POD_THINGS_IMAGE_H
#define POD_THINGS_IMAGE_H

#include "disk/roots.h"
#include "plain/buf.h"
#include "plain/err.h"
#include "plain/str.h"
#include "words/json.h"

#include <stdbool.h>

struct image {
    char id[65];
    char *name; /* the normalised name it was found by, or its first name; "" when it has none */
    struct strv lowers; /* "l/<link>" below graph/overlay, top layer first */
    json_t *config;     /* the whole OCI/Docker image configuration; owned */
};
#define IMAGE_INIT                                                                                 \
    {                                                                                              \
        0                                                                                          \
    }

/*
 * name: anything a person types: short name, name:tag, name@digest, id or unique id prefix.
 * Not found: «NAME: image not known», code 125.
 */
int image_find(const struct roots *r, const char *name, struct image *ret, struct err *e);
void image_free(struct image *img);

/*
 * Reads a regular file of the image without mounting it: layers from the top down, whiteouts and
 * opaque directories honoured, no symbolic link followed, at most max bytes appended to b.
 * -1 with errno ENOENT when the image has no such plain file.
 */
int image_read_file(const struct roots *r, const struct strv *lowers, const char *path, size_t max,
                    struct buf *b);

/*
 * Is there certainly nothing at that absolute path? Directories are looked up in the same way;
 * where a symbolic link is met, the answer is no.
 */
bool image_lacks(const struct roots *r, const struct strv *lowers, const char *path);

#endif
