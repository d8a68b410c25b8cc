/* The loopback interface of the network namespace that we are in. */
#ifndef POD_PLAIN_LOOPBACK_H
#define POD_PLAIN_LOOPBACK_H

/* Brings lo up; -1: errno. It gets 127.0.0.1 and ::1 by that. */
int loopback_up(void);

#endif
