#include "top.h"

#include "disk/at.h"
#include "words/units.h"

#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/sysmacros.h>
#include <time.h>
#include <unistd.h>

#define MAX_ARGS 65536
#define NANO     1000000000LL

/* ---- ids: the host's number, the container's, and what either calls it ---- */

static bool map_id(const char *map, unsigned host, unsigned *ret)
{
    unsigned in, out, n;
    int used;
    while (sscanf(map, "%u %u %u%n", &in, &out, &n, &used) == 3) {
        if (host >= out && host - out < n) {
            *ret = in + (host - out);
            return true;
        }
        map += used;
    }
    return false;
}

/* NAME:x:ID in passwd and group alike. */
static void add_name(struct buf *out, const char *text, unsigned id)
{
    for (const char *l = text; l && *l; l = strchr(l, '\n') ? strchr(l, '\n') + 1 : NULL) {
        char name[64];
        unsigned found;
        if (sscanf(l, "%63[^:\n]:%*[^:\n]:%u", name, &found) == 2 && found == id) {
            buf_adds(out, name);
            return;
        }
    }
    buf_addf(out, "%u", id);
}

static void inside(struct buf *out, const struct buf *map, const struct buf *names, unsigned host)
{
    unsigned id;
    if (map_id(buf_str(map), host, &id))
        add_name(out, buf_str(names), id);
    else
        buf_adds(out, "?");
}

static void c_user(const struct proc *p, const struct view *v, struct buf *out)
{
    inside(out, &v->uid_map, &v->passwd, p->euid);
}
static void c_ruser(const struct proc *p, const struct view *v, struct buf *out)
{
    inside(out, &v->uid_map, &v->passwd, p->uid);
}
static void c_group(const struct proc *p, const struct view *v, struct buf *out)
{
    inside(out, &v->gid_map, &v->group, p->egid);
}
static void c_rgroup(const struct proc *p, const struct view *v, struct buf *out)
{
    inside(out, &v->gid_map, &v->group, p->gid);
}
static void c_huser(const struct proc *p, const struct view *v, struct buf *out)
{
    const struct passwd *pw = getpwuid(p->euid);
    (void)v;
    if (pw)
        buf_adds(out, pw->pw_name);
    else
        buf_addf(out, "%u", p->euid);
}
static void c_hgroup(const struct proc *p, const struct view *v, struct buf *out)
{
    const struct group *gr = getgrgid(p->egid);
    (void)v;
    if (gr)
        buf_adds(out, gr->gr_name);
    else
        buf_addf(out, "%u", p->egid);
}

/* ---- numbers ---- */

static void c_pid(const struct proc *p, const struct view *v, struct buf *out)
{
    (void)v;
    buf_addf(out, "%d", p->in_ctr);
}
static void c_ppid(const struct proc *p, const struct view *v, struct buf *out)
{
    (void)v;
    buf_addf(out, "%d", p->parent_in_ctr);
}
static void c_hpid(const struct proc *p, const struct view *v, struct buf *out)
{
    (void)v;
    buf_addf(out, "%d", p->pid);
}
static void c_pgid(const struct proc *p, const struct view *v, struct buf *out)
{
    (void)v;
    buf_addf(out, "%d", p->pgid == p->pid ? p->in_ctr : p->pgid);
}
static void c_nice(const struct proc *p, const struct view *v, struct buf *out)
{
    (void)v;
    buf_addf(out, "%ld", p->nice);
}
static void c_vsz(const struct proc *p, const struct view *v, struct buf *out)
{
    (void)v;
    buf_addf(out, "%llu", (unsigned long long)p->vsz);
}
static void c_rss(const struct proc *p, const struct view *v, struct buf *out)
{
    (void)v;
    buf_addf(out, "%llu", (unsigned long long)p->rss);
}
static void c_state(const struct proc *p, const struct view *v, struct buf *out)
{
    (void)v;
    buf_addc(out, p->state);
}

/* ---- time ---- */

static int64_t from_ticks(uint64_t ticks)
{
    return (int64_t)ticks * (NANO / sysconf(_SC_CLK_TCK));
}

static int64_t age(const struct proc *p)
{
    struct timespec now;
    clock_gettime(CLOCK_BOOTTIME, &now);
    int64_t ns = now.tv_sec * NANO + now.tv_nsec - from_ticks(p->start);
    return ns > 0 ? ns : 0;
}

static void c_etime(const struct proc *p, const struct view *v, struct buf *out)
{
    (void)v;
    units_duration_text(out, age(p));
}
static void c_time(const struct proc *p, const struct view *v, struct buf *out)
{
    (void)v;
    units_duration_text(out, from_ticks(p->ticks) / NANO * NANO);
}
static void c_pcpu(const struct proc *p, const struct view *v, struct buf *out)
{
    double whole = (double)age(p);
    (void)v;
    buf_addf(out, "%.3f", whole > 0 ? 100.0 * (double)from_ticks(p->ticks) / whole : 0.0);
}

/* ---- text ---- */

static void c_comm(const struct proc *p, const struct view *v, struct buf *out)
{
    (void)v;
    buf_adds(out, p->comm);
}

/* The payload's words: what could move a terminal's cursor is shown as a question mark. */
static void c_args(const struct proc *p, const struct view *v, struct buf *out)
{
    char path[64];
    cleanup(buf_free) struct buf b = BUF_INIT;
    (void)v;
    snprintf(path, sizeof path, "/proc/%d/cmdline", p->pid);
    if (at_read(AT_FDCWD, path, MAX_ARGS, &b) < 0 || !b.len) {
        buf_addf(out, "[%s]", p->comm);
        return;
    }
    for (size_t i = 0; i < b.len; i++) {
        unsigned char c = (unsigned char)b.s[i];
        if (c || i + 1 < b.len)
            buf_addc(out, (char)(c == 0 ? ' ' : c < ' ' || c == 127 ? '?' : c));
    }
}

static void c_tty(const struct proc *p, const struct view *v, struct buf *out)
{
    unsigned major = (unsigned)p->tty >> 8 & 0xfff;
    unsigned minor = ((unsigned)p->tty & 0xff) | ((unsigned)p->tty >> 12 & 0xfff00);
    (void)v;
    if (!p->tty)
        buf_addc(out, '?');
    else if (major >= 136 && major <= 143)
        buf_addf(out, "pts/%u", minor + (major - 136) * 256);
    else
        buf_addf(out, "tty%u", minor);
}

static const struct column columns[] = {
    {"args", "COMMAND", c_args},    {"comm", "COMMAND", c_comm},    {"etime", "ELAPSED", c_etime},
    {"group", "GROUP", c_group},    {"hgroup", "HGROUP", c_hgroup}, {"hpid", "HPID", c_hpid},
    {"huser", "HUSER", c_huser},    {"nice", "NI", c_nice},         {"pcpu", "%CPU", c_pcpu},
    {"pgid", "PGID", c_pgid},       {"pid", "PID", c_pid},          {"ppid", "PPID", c_ppid},
    {"rgroup", "RGROUP", c_rgroup}, {"rss", "RSS", c_rss},          {"ruser", "RUSER", c_ruser},
    {"state", "STATE", c_state},    {"stime", "TIME", c_time},      {"time", "TIME", c_time},
    {"tty", "TTY", c_tty},          {"user", "USER", c_user},       {"vsz", "VSZ", c_vsz},
};

/* ps(1)'s own spellings too. */
const struct column *column_find(const char *name)
{
    static const char *const aliases[][2] = {
        {"%c", "comm"},  {"%a", "args"},   {"%p", "pid"},   {"%P", "ppid"}, {"%u", "user"},
        {"%U", "ruser"}, {"%g", "rgroup"}, {"%G", "group"}, {"%n", "nice"}, {"%r", "pgid"},
        {"%t", "etime"}, {"%x", "time"},   {"%y", "tty"},   {"%z", "vsz"},  {"%C", "pcpu"}};
    for (size_t i = 0; i < sizeof aliases / sizeof *aliases; i++)
        if (strcmp(aliases[i][0], name) == 0)
            name = aliases[i][1];
    for (size_t i = 0; i < sizeof columns / sizeof *columns; i++)
        if (strcasecmp(columns[i].name, name) == 0)
            return &columns[i];
    return NULL;
}
