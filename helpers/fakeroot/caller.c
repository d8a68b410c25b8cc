#include "fakeroot.h"

#include "disk/at.h"
#include "plain/buf.h"
#include "plain/fdio.h"
#include "plain/str.h"
#include "words/userns.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MAX_STATUS 16384
#define MAX_MAP    4096

/* The number in this base behind "NAME:" of status. */
static bool field(const char *status, const char *name, int base, uint64_t *ret)
{
    const char *at = strstr(status, name);
    char *end;
    if (!at)
        return false;
    at += strlen(name);
    *ret = strtoull(at, &end, base);
    return end != at;
}

bool caller_open(pid_t pid, struct caller *ret)
{
    cleanup(buf_free) struct buf b = BUF_INIT;
    uint64_t caps, mask, process, parent;
    char number[16];
    snprintf(number, sizeof number, "%d", pid);
    cleanup_fd int dir = openat(proc_dir, number, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (dir < 0 || at_read(dir, "status", MAX_STATUS, &b) < 0 ||
        !field(buf_str(&b), "\nCapEff:", 16, &caps) || !field(buf_str(&b), "\nUmask:", 8, &mask) ||
        !field(buf_str(&b), "\nTgid:", 10, &process) || !field(buf_str(&b), "\nPPid:", 10, &parent))
        return false;
    int mem = openat(dir, "mem", O_RDWR | O_CLOEXEC);
    *ret = (struct caller){.process = (pid_t)process,
                           .parent = (pid_t)parent,
                           .mem = mem,
                           .dir = fd_take(&dir),
                           .caps = caps,
                           .umask = (mode_t)mask};
    return true;
}

void caller_close(struct caller *c)
{
    close(c->dir);
    if (c->mem >= 0)
        close(c->mem);
}

bool caller_can(const struct caller *c, int cap)
{
    return c->caps & (UINT64_C(1) << cap);
}

int64_t caller_id(const struct caller *c, char kind)
{
    cleanup(buf_free) struct buf b = BUF_INIT;
    return at_read(c->dir, kind == 'u' ? "uid_map" : "gid_map", MAX_MAP, &b) == 0
               ? userns_only_id(buf_str(&b))
               : -1;
}

struct owner caller_user(const struct caller *c)
{
    int64_t uid = caller_id(c, 'u'), gid = caller_id(c, 'g');
    return (struct owner){uid < 0 ? 0 : (uint32_t)uid, gid < 0 ? 0 : (uint32_t)gid};
}

/* Up to each page's end: what follows the string may not be there. */
int caller_string(const struct caller *c, uint64_t at, char *out, size_t size)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE), n = 0;
    while (n < size) {
        size_t some = page - (size_t)((at + n) & (page - 1));
        if (some > size - n)
            some = size - n;
        ssize_t got = pread(c->mem, out + n, some, (off_t)(at + n));
        if (got <= 0)
            return -EFAULT;
        if (memchr(out + n, '\0', (size_t)got))
            return 0;
        n += (size_t)got;
    }
    return -ENAMETOOLONG;
}

int caller_put(const struct caller *c, uint64_t at, uint32_t value)
{
    return pwrite(c->mem, &value, sizeof value, (off_t)at) == sizeof value ? 0 : -EFAULT;
}
