/*
 * Pausing: where the container has a cgroup v2 of its own, or one can be made for it, the kernel's
 * freezer holds it; elsewhere (cgroup v1, a login session that nothing was delegated to) every
 * process of its PID namespace is stopped by SIGSTOP, which the processes could notice.
 *
 *   run/<id>/paused   "freezer" or "signal": how; written first, removed last
 *
 *   run/<id>/adopted  its cgroup was made for it when it ran already; where its processes came from
 *                     as long as not all of them are over
 *
 * The file «paused» is a hint: a container is paused when the kernel says so too.
 */
#ifndef POD_THINGS_PAUSE_H
#define POD_THINGS_PAUSE_H

#include "things/ctr.h"

/* c must run, or be paused: podman's sentences when it does not. */
int ctr_pause(const struct roots *r, const struct ctr *c, struct err *e);
int ctr_unpause(const struct roots *r, const struct ctr *c, struct err *e);

/*
 * The directory of its cgroup; one is made, and all its processes moved there, when it has none.
 * NULL with the reason where that cannot be. controllers: what it must have, ending with NULL.
 */
char *ctr_cgroup(const struct roots *r, const struct ctr *c, const struct ctr_status *s,
                 const char *const *controllers, struct err *e);

#endif
