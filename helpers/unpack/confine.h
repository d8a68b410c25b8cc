/* Giving up what unpacking does not need, in the stages that pod-unpack.c lists. */
#ifndef UNPACK_CONFINE_H
#define UNPACK_CONFINE_H

#include "plain/err.h"

/*
 * Own network, IPC, UTS and mount namespaces; dir becomes the root; every descriptor but 0-3 and
 * split is closed; limits; capabilities. For a process without threads.
 */
int confine_process(int dir, int split, struct err *e);
/* The system calls that are left, for all threads; any other ends the process. */
int confine_calls(struct err *e);

#endif
