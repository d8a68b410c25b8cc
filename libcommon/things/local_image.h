/*
 * Images that were made here, not pulled: a new layer over those of an image, or alone. Their
 * manifests name the layers by what they are uncompressed, as every engine does for images that no
 * registry has seen.
 */
#ifndef POD_THINGS_LOCAL_IMAGE_H
#define POD_THINGS_LOCAL_IMAGE_H

#include "things/staged.h"

struct local_image {
    struct new_layer *layer; /* staged; taken over on success */
    char top[65];            /* layer that it stands on; "" for none */
    const json_t *config;    /* image configuration, the new layer in it; borrowed */
    const char *name;        /* normalised; NULL for none */
    bool docker;             /* Docker's media types instead of OCI's */
};
/* The caller holds store_hold(). */
int local_image_save(const struct roots *r, struct local_image *img, char ret_id[65],
                     struct err *e);

#endif
