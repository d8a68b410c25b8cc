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

/* One --change, «INSTRUCTION arguments» of a Containerfile, into an image's "config" object. */
int commit_change(json_t *config, const char *text, struct err *e);
/* What parent has at key, made by json_object or json_array where it has none; borrowed. */
json_t *commit_child(json_t *parent, const char *key, json_t *(*make)(void));
/* {"NAME": {}}, as configurations list ports and volumes. */
void commit_put_key(json_t *config, const char *key, const char *name);

#endif
