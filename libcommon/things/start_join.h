/* Namespaces of other containers that a container joins when it starts. */
#ifndef POD_THINGS_START_JOIN_H
#define POD_THINGS_START_JOIN_H

#include "things/ctr.h"

struct joins {
    json_t *spaces; /* OCI type → path */
    char owner[65]; /* the container whose network it is; "" */
    pid_t shm;      /* whose /dev/shm is ours too; 0: nobody's */
    bool ends_pod;  /* with the last member's end the pod shall end */
};
void joins_free(struct joins *j);

/* Those that its own options name. */
int join_named(const struct roots *r, const struct ctr *c, struct joins *joined, struct err *e);
/* A member starts the pod's infra container when it does not run, then joins what is shared. */
int join_pod(const struct roots *r, const struct ctr *c, struct joins *joined, struct err *e);

#endif
