/* `inspect` of a container, in podman's shape; each file makes some of its objects. */
#ifndef POD_INSPECT_INSPECT_H
#define POD_INSPECT_INSPECT_H

#include "things/ctr.h"

/* container.c: the whole; a new reference. */
json_t *inspect_container(const struct roots *r, const struct ctr *c);

/* config.c: what was asked for and does not concern the host. */
json_t *inspect_config(const json_t *rec);
/* host.c: what concerns it, resources above all. */
json_t *inspect_host_config(const struct roots *r, const struct ctr *c);
/* network.c */
json_t *inspect_network(const struct roots *r, const struct ctr *c);
json_t *inspect_ports(const json_t *rec);
/* mounts.c: "Mounts", and "Binds" as they could be typed again. */
json_t *inspect_mounts(const struct roots *r, const json_t *rec);
json_t *inspect_binds(const json_t *rec);

/* A copy of the member, or of nothing. `otherwise` is consumed. */
json_t *inspect_copy(const json_t *o, const char *key, json_t *otherwise);

#endif
