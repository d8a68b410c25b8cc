/* Ending containers: the stop signal, patience, then SIGKILL. */
#ifndef POD_THINGS_STOP_H
#define POD_THINGS_STOP_H

#include "things/ctr.h"

/* Tells the monitor that no restart is wanted and sends the container's stop signal (or sig, if >
 * 0). */
int stop_begin(const struct roots *r, const struct ctr *c, int sig, struct err *e);
/*
 * Waits up to seconds (< 0: the container's own stop timeout) from now on, then kills it for good.
 * *ret_killed says whether that was needed. 0 when it has ended.
 */
int stop_finish(const struct roots *r, const struct ctr *c, int64_t seconds, bool *ret_killed,
                struct err *e);

/*
 * Ends the container (force: when it runs, else a running one is refused with code 2), takes its
 * lock and removes it. seconds as above; 0 kills at once. volumes: with its anonymous volumes.
 */
int ctr_remove(const struct roots *r, struct ctr *c, bool force, bool volumes, int64_t seconds,
               struct err *e);

#endif
