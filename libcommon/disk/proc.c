#include "disk/proc.h"

#include "disk/at.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* The state and what follows it. The command's name may hold anything, even parentheses. */
static char *read_stat(pid_t pid, struct buf *b)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/stat", pid);
    if (pid <= 0 || at_read(AT_FDCWD, path, 4096, b) < 0)
        return NULL;
    char *p = b->s ? strrchr(b->s, ')') : NULL;
    return p && p[1] == ' ' ? p + 2 : NULL;
}

bool proc_is_stopped(pid_t pid)
{
    cleanup(buf_free) struct buf b = BUF_INIT;
    const char *p = read_stat(pid, &b);
    return p && *p == 'T';
}

uint64_t proc_birth(pid_t pid)
{
    cleanup(buf_free) struct buf b = BUF_INIT;
    char *p = pid <= 0 || (kill(pid, 0) < 0 && errno == ESRCH) ? NULL : read_stat(pid, &b);
    if (!p || *p == 'Z' || *p == 'X')
        return 0;
    for (int field = 3; field < 22; field++) {
        p = strchr(p, ' ');
        if (!p++)
            return 0;
    }
    return strtoull(p, NULL, 10);
}

int64_t proc_began(uint64_t birth)
{
    struct timespec now, up;
    long ticks = sysconf(_SC_CLK_TCK);
    clock_gettime(CLOCK_REALTIME, &now);
    clock_gettime(CLOCK_BOOTTIME, &up);
    int64_t booted = (int64_t)(now.tv_sec - up.tv_sec) * 1000000000 + now.tv_nsec - up.tv_nsec;
    return booted + (int64_t)(birth / (uint64_t)ticks) * 1000000000 +
           (int64_t)(birth % (uint64_t)ticks) * (1000000000 / ticks);
}
