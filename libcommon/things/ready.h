/*
 * What systemd is told of a start, by the record's "sdnotify" (--sdnotify):
 *   container (or none)  the container is given NOTIFY_SOCKET, and says itself that it is ready
 *   conmon               we say so once it runs
 *   healthy              we say so once its health check does
 *   ignore               nobody does
 * In the second and third the main process is the monitor.
 */
#ifndef POD_THINGS_READY_H
#define POD_THINGS_READY_H

#include "things/ctr.h"

/* Before its monitor: NOTIFY_SOCKET is in our environment only if the container is to have it. */
void ready_prepare(const struct ctr *c);
/* Once it runs. */
void ready_say(const struct roots *r, const struct ctr *c);
/* Is it to be healthy first? */
bool ready_waits(const struct ctr *c);
/* With healthy: waits, and says so; -1 when the container ended before. */
int ready_wait(const struct roots *r, const struct ctr *c, struct err *e);
/* The same by a process of its own, for whoever has more to do. It has no session_fd (-1: none). */
void ready_wait_beside(const struct roots *r, const struct ctr *c, int session_fd);

#endif
