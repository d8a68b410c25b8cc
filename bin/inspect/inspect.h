/* What `podman container inspect` shows, key for key; what we have nothing to say of is empty. */
#ifndef POD_BIN_INSPECT_H
#define POD_BIN_INSPECT_H

#include "things/ctr.h"

/* container.c: one container, whole. size: SizeRw and SizeRootFs too. */
json_t *inspect_container(const struct roots *r, const struct ctr *c, bool size, struct err *e);

json_t *inspect_config(const json_t *rec); /* config.c */
json_t *inspect_host(const struct roots *r, const struct ctr *c,
                     const struct ctr_status *s);    /* host.c */
void inspect_blkio(const json_t *limits, json_t *o); /* blkio.c */
json_t *inspect_mounts(const json_t *rec);           /* mounts.c */
json_t *inspect_binds(const json_t *rec);            /* mounts.c */
json_t *inspect_tmpfs(const json_t *rec);            /* mounts.c */
/* network.c */
json_t *inspect_network(const struct roots *r, const struct ctr *c);
json_t *inspect_ports(const json_t *rec);

/* A copy, or empty when there is none. Takes empty. */
json_t *or_empty(const json_t *v, json_t *empty);

#endif
