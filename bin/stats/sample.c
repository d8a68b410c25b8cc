#include "stats.h"

#include "disk/at.h"
#include "things/procs.h"
#include "words/timefmt.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define MAX_FILE (1 << 20)

static bool read_in(const char *dir, const char *file, struct buf *b)
{
    cleanup_free char *path = xasprintf("%s/%s", dir, file);
    return at_read(AT_FDCWD, path, MAX_FILE, b) == 0 && b->len > 0;
}

/* The one number of a file; "max" counts as none. */
static bool number_in(const char *dir, const char *file, uint64_t *ret)
{
    cleanup(buf_free) struct buf b = BUF_INIT;
    return read_in(dir, file, &b) && sscanf(b.s, "%" SCNu64, ret) == 1;
}

/* Behind a word at the beginning of a line. */
static bool field_of(const char *text, const char *word, uint64_t *ret)
{
    size_t n = strlen(word);
    for (const char *l = text; l && *l; l = strchr(l, '\n'), l += l != NULL)
        if (strncmp(l, word, n) == 0 && l[n] == ' ')
            return sscanf(l + n, "%" SCNu64, ret) == 1;
    return false;
}

/* ---- of the cgroup ---- */

static char *cgroup_dir(const struct roots *r, const struct ctr *c)
{
    cleanup(buf_free) struct buf b = BUF_INIT;
    cleanup_free char *file = xasprintf("%s/cgroup", c->id);
    if (at_read(r->run, file, 4096, &b) < 0 || !b.len)
        return NULL;
    b.s[strcspn(b.s, "\n")] = '\0';
    return buf_take(&b);
}

static bool cpu_of(const char *dir, struct sample *s)
{
    cleanup(buf_free) struct buf b = BUF_INIT;
    uint64_t us;
    if (!read_in(dir, "cpu.stat", &b) || !field_of(b.s, "usage_usec", &us))
        return false;
    s->cpu_ns = us * 1000;
    return true;
}

/* «8:0 rbytes=1 wbytes=2 …» for each device. */
static bool blocks_of(const char *dir, struct sample *s)
{
    cleanup(buf_free) struct buf b = BUF_INIT;
    uint64_t n;
    if (access(dir, F_OK) < 0 || !read_in(dir, "io.stat", &b))
        return false;
    for (const char *p = b.s; (p = strchr(p, ' ')); p++) {
        if (sscanf(p, " rbytes=%" SCNu64, &n) == 1)
            s->block_in += n;
        else if (sscanf(p, " wbytes=%" SCNu64, &n) == 1)
            s->block_out += n;
    }
    return true;
}

static void pressure_of(const char *dir, struct sample *s)
{
    static const char *const files[] = {"cpu.pressure", "memory.pressure", "io.pressure"};
    for (size_t i = 0; i < 3; i++) {
        cleanup(buf_free) struct buf b = BUF_INIT;
        s->pressure[i] = -1;
        if (dir &&
            (!read_in(dir, files[i], &b) || sscanf(b.s, "some avg10=%lf", &s->pressure[i]) != 1))
            s->pressure[i] = -1;
    }
}

/* ---- of the processes ---- */

static void io_of(pid_t pid, struct sample *s)
{
    cleanup(buf_free) struct buf b = BUF_INIT;
    char dir[32];
    uint64_t n;
    snprintf(dir, sizeof dir, "/proc/%d", pid);
    if (!read_in(dir, "io", &b))
        return;
    if (field_of(b.s, "read_bytes:", &n))
        s->block_in += n;
    if (field_of(b.s, "write_bytes:", &n))
        s->block_out += n;
}

/* What the cgroup has told already. */
struct known {
    bool cpu, memory, blocks, pids;
};

static void add_up(pid_t first, const struct known *k, struct procs *all, struct sample *s)
{
    struct err ignored = ERR_INIT;
    cleanup(procs_free) struct procs own = {0};
    uint64_t tick = UINT64_C(1000000000) / (uint64_t)sysconf(_SC_CLK_TCK);
    if (k->cpu && k->memory && k->blocks && k->pids)
        return;
    if (!all->n)
        procs_read(all);
    if (procs_of(all, first, &own, &ignored) < 0)
        return;
    for (size_t i = 0; i < own.n; i++) {
        s->cpu_ns += k->cpu ? 0 : own.v[i].ticks * tick;
        s->memory += k->memory ? 0 : own.v[i].rss * 1024;
        s->pids += k->pids ? 0 : own.v[i].threads;
        if (!k->blocks)
            io_of(own.v[i].pid, s);
    }
}

/* ---- the rest ---- */

static uint64_t memory_there(void)
{
    cleanup(buf_free) struct buf b = BUF_INIT;
    uint64_t kib = 0;
    return read_in("/proc", "meminfo", &b) && field_of(b.s, "MemTotal:", &kib) ? kib * 1024 : 0;
}

/* «  eth0: RXBYTES 7 more TXBYTES …», of all but lo. */
static void network_of(pid_t pid, struct sample *s)
{
    cleanup(buf_free) struct buf b = BUF_INIT;
    char dir[32], ns[40];
    struct stat ours, its;
    uint64_t in, out;
    snprintf(dir, sizeof dir, "/proc/%d/net", pid);
    snprintf(ns, sizeof ns, "/proc/%d/ns/net", pid);
    s->has_net = stat("/proc/self/ns/net", &ours) == 0 && stat(ns, &its) == 0 &&
                 ours.st_ino != its.st_ino && read_in(dir, "dev", &b);
    for (char *l = s->has_net ? b.s : NULL; l && *l; l = strchr(l, '\n'), l += l != NULL) {
        const char *name = l + strspn(l, " "), *colon = strchr(l, ':');
        if (!colon || str_starts(name, "lo:"))
            continue;
        if (sscanf(colon + 1, "%" SCNu64 " %*u %*u %*u %*u %*u %*u %*u %" SCNu64, &in, &out) == 2) {
            s->net_in += in;
            s->net_out += out;
        }
    }
}

/* One that was made later (things/pause.h) knows nothing of before. */
static bool is_adopted(const struct roots *r, const struct ctr *c)
{
    cleanup_free char *file = xasprintf("%s/adopted", c->id);
    return at_exists(r->run, file);
}

void stats_sample(const struct roots *r, const struct ctr *c, struct procs *all, struct sample *ret)
{
    struct ctr_status st;
    struct sample s = {.at_ns = timefmt_to_ns(timefmt_clock())};
    ctr_status(r, c, &st);
    cleanup_free char *dir = ctr_is_up(&st) ? cgroup_dir(r, c) : NULL;
    pressure_of(dir, &s);
    if (ctr_is_up(&st)) {
        struct known k = {0};
        uint64_t limit;
        s.started_ns = st.started_ns;
        s.limit = memory_there();
        if (dir && number_in(dir, "memory.max", &limit) && limit < s.limit)
            s.limit = limit;
        bool whole = dir && !is_adopted(r, c);
        k.cpu = whole && cpu_of(dir, &s);
        k.memory = whole && number_in(dir, "memory.current", &s.memory);
        k.blocks = whole && blocks_of(dir, &s);
        k.pids = dir && number_in(dir, "pids.current", &s.pids);
        add_up(st.pid, &k, all, &s);
        network_of(st.pid, &s);
    }
    *ret = s;
}
