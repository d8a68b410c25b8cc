/* What the kernel says of a process. */
#ifndef POD_DISK_PROC_H
#define POD_DISK_PROC_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/*
 * Start time in clock ticks since boot: with the pid it names one process for ever (until the
 * next boot). 0 when there is no such process or it is a zombie.
 */
uint64_t proc_birth(pid_t pid);
/* A birth as the time of day, in nanoseconds since 1970. */
int64_t proc_began(uint64_t birth);
/* Does a signal keep it from running (state T)? */
bool proc_is_stopped(pid_t pid);

#endif
