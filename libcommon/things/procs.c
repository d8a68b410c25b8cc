#include "things/procs.h"

#include "disk/at.h"
#include "plain/buf.h"

#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define MAX_FILE 65536

static bool read_proc(pid_t pid, const char *file, struct buf *b)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/%s", pid, file);
    return at_read(AT_FDCWD, path, MAX_FILE, b) == 0 && b->len > 0;
}

static void parse_stat(const char *text, struct proc *p)
{
    const char *open = strchr(text, '('), *close = strrchr(text, ')');
    uint64_t utime = 0, stime = 0;
    if (!open || !close || close < open)
        return;
    snprintf(p->comm, sizeof p->comm, "%.*s", (int)(close - open - 1), open + 1);
    sscanf(close + 1,
           " %c %d %d %*d %d %*d %*u %*u %*u %*u %*u %" SCNu64 " %" SCNu64
           " %*d %*d %*d %ld %*d %*d %" SCNu64,
           &p->state, &p->ppid, &p->pgid, &p->tty, &utime, &stime, &p->nice, &p->start);
    p->ticks = utime + stime;
}

/* The last number of NSpid is the one inside. */
static void parse_status(const char *text, struct proc *p)
{
    const char *l;
    if ((l = strstr(text, "\nUid:")))
        sscanf(l + 5, "%u %u", &p->uid, &p->euid);
    if ((l = strstr(text, "\nGid:")))
        sscanf(l + 5, "%u %u", &p->gid, &p->egid);
    if ((l = strstr(text, "\nVmSize:")))
        sscanf(l + 8, "%" SCNu64, &p->vsz);
    if ((l = strstr(text, "\nVmRSS:")))
        sscanf(l + 7, "%" SCNu64, &p->rss);
    if ((l = strstr(text, "\nThreads:")))
        sscanf(l + 9, "%u", &p->threads);
    p->in_ctr = p->pid;
    if ((l = strstr(text, "\nNSpid:")))
        for (l += 7; *l && *l != '\n';) {
            char *end;
            long n = strtol(l, &end, 10);
            if (end == l)
                break;
            p->in_ctr = (pid_t)n;
            l = end;
        }
}

static uint64_t namespace_of(pid_t pid)
{
    char path[64];
    struct stat st;
    snprintf(path, sizeof path, "/proc/%d/ns/pid", pid);
    return stat(path, &st) == 0 ? st.st_ino : 0;
}

static bool read_one(pid_t pid, struct proc *ret)
{
    cleanup(buf_free) struct buf stat = BUF_INIT, status = BUF_INIT;
    struct proc p = {.pid = pid};
    if (!read_proc(pid, "stat", &stat) || !read_proc(pid, "status", &status))
        return false;
    p.pidns = namespace_of(pid);
    parse_stat(stat.s, &p);
    parse_status(status.s, &p);
    *ret = p;
    return true;
}

static const struct proc *find(const struct proc *all, size_t n, pid_t pid)
{
    for (size_t i = 0; i < n; i++)
        if (all[i].pid == pid)
            return &all[i];
    return NULL;
}

static bool descends(const struct proc *all, size_t n, const struct proc *p, pid_t first)
{
    for (size_t steps = 0; p && steps < n; steps++) {
        if (p->pid == first)
            return true;
        p = find(all, n, p->ppid);
    }
    return false;
}

static int by_start(const void *a, const void *b)
{
    const struct proc *x = a, *y = b;
    return x->start != y->start ? (x->start < y->start ? -1 : 1) : x->pid - y->pid;
}

void procs_read(struct procs *ret)
{
    size_t room = 0;
    struct procs all = {0};
    DIR *d = opendir("/proc");
    for (struct dirent *de; d && (de = readdir(d));) {
        pid_t pid = (pid_t)atoi(de->d_name);
        if (pid <= 0)
            continue;
        if (all.n == room) {
            room = room ? 2 * room : 256;
            all.v = xrealloc(all.v, room * sizeof *all.v);
        }
        all.n += read_one(pid, &all.v[all.n]);
    }
    if (d)
        closedir(d);
    *ret = all;
}

void procs_free(struct procs *p)
{
    free(p->v);
    *p = (struct procs){0};
}

int procs_of(const struct procs *all, pid_t first, struct procs *ret, struct err *e)
{
    uint64_t theirs = namespace_of(first);
    bool shared = theirs == namespace_of(getpid()); /* --pid host: its namespace tells nothing */
    struct procs mine = {.v = xcalloc(all->n + 1, sizeof *mine.v)};
    for (size_t i = 0; i < all->n; i++) {
        const struct proc *p = &all->v[i];
        if (shared ? descends(all->v, all->n, p, first) : p->pidns && p->pidns == theirs)
            mine.v[mine.n++] = *p;
    }
    for (size_t i = 0; i < mine.n; i++) {
        const struct proc *parent = find(mine.v, mine.n, mine.v[i].ppid);
        mine.v[i].parent_in_ctr = parent ? parent->in_ctr : 0;
    }
    if (!mine.n) {
        procs_free(&mine);
        return err_set(e, 0, "the container has just ended");
    }
    qsort(mine.v, mine.n, sizeof *mine.v, by_start);
    *ret = mine;
    return 0;
}
