#include "disk/proc.h"

#include "disk/at.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

uint64_t proc_birth(pid_t pid)
{
    char path[64];
    cleanup(buf_free) struct buf b = BUF_INIT;
    snprintf(path, sizeof path, "/proc/%d/stat", pid);
    if (pid <= 0 || (kill(pid, 0) < 0 && errno == ESRCH) || at_read(AT_FDCWD, path, 4096, &b) < 0)
        return 0;
    /* the command name may hold anything: fields are counted behind its closing parenthesis */
    char *p = b.s ? strrchr(b.s, ')') : NULL;
    if (!p || p[1] != ' ' || p[2] == 'Z' || p[2] == 'X')
        return 0;
    for (int field = 2; field < 22; field++) {
        p = strchr(p + 1, ' ');
        if (!p)
            return 0;
    }
    return strtoull(p + 1, NULL, 10);
}
