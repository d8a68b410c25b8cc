/* Giving up what unpacking does not need, in the stages that pod-unpack.c lists. */
#ifndef UNPACK_CONFINE_H
#define UNPACK_CONFINE_H

#include "plain/err.h"

#include <stddef.h>

/*
 * Own network, IPC, UTS and mount namespaces; the directory keep[0] becomes the root; every
 * descriptor but 0-3 and the others of keep (-1: none) is closed; limits; capabilities. For a
 * process without threads.
 */
int confine_process(const int *keep, size_t nkeep, struct err *e);
/* The system calls that are left, for all threads; any other ends the process. */
int confine_calls(struct err *e);

#endif
