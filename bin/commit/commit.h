/* What an image that is made from a container says of itself. */
#ifndef COMMIT_COMMIT_H
#define COMMIT_COMMIT_H

#include "things/ctr.h"
#include "things/image.h"
#include "words/digest.h"

struct commit_opts {
    const char *author, *message, *format, *iidfile;
    struct strv change;
    bool quiet, pause, squash, include_volumes;
};

/*
 * The image configuration (OCI image-spec, «Image Configuration»): the base image's with the
 * container's ways of running in it, the new layer and what --change says. *ret: the caller's.
 */
int commit_config(const struct ctr *c, const struct image *base, const struct commit_opts *o,
                  const struct digest *layer, json_t **ret, struct err *e);

#endif
