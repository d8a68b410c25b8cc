/* Processes of a container, as /proc shows them from outside. */
#ifndef POD_THINGS_PROCS_H
#define POD_THINGS_PROCS_H

#include "plain/err.h"

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct proc {
    pid_t pid, ppid, pgid, in_ctr, parent_in_ctr; /* the last two: as the container numbers them */
    unsigned uid, euid, gid, egid, threads;
    char state, comm[64];
    long nice;
    int tty;
    uint64_t start, ticks; /* clock ticks since boot; used */
    uint64_t vsz, rss;     /* KiB */
    uint64_t pidns;        /* inode of its PID namespace; 0: it may not be seen */
};
struct procs {
    struct proc *v;
    size_t n;
};

/* Every process that there is. */
void procs_read(struct procs *ret);
void procs_free(struct procs *p);

/* Those of the container whose first process that is, by their start. */
int procs_of(const struct procs *all, pid_t first, struct procs *ret, struct err *e);

#endif
