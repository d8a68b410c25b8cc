/* A child that becomes another program at once. */
#ifndef POD_PLAIN_BEGET_H
#define POD_PLAIN_BEGET_H

#include <sys/types.h>

/*
 * Calls `become` with arg in a child: another program from there on, or ended with what it returns.
 * We go on when one of both is so. It uses our memory, so that no page of ours is copied, and must
 * leave alone what we still need. It begins with all signals blocked: none of our handlers is to
 * run there. The child's pid; -1: errno.
 */
pid_t beget(int (*become)(void *), void *arg);

#endif
