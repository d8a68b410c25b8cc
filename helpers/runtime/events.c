/*
 * events: what the container's cgroup (version 2) has counted, a line of JSON at every interval or
 * once, in the form that runc gave it; and a line when the kernel has killed for want of memory.
 */
#include "rt.h"

#include "disk/at.h"
#include "plain/buf.h"
#include "plain/fdio.h"
#include "words/units.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define MAX_FILE    (1 << 20)
#define INTERVAL_NS (5 * INT64_C(1000000000))

static bool read_in(const char *dir, const char *file, struct buf *b)
{
    cleanup_free char *path = xasprintf("%s/%s", dir, file);
    return at_read(AT_FDCWD, path, MAX_FILE, b) == 0 && b->len > 0;
}

/* The one number of a file; -1: there is none. */
static int64_t number(const char *dir, const char *file)
{
    cleanup(buf_free) struct buf b = BUF_INIT;
    int64_t n;
    return read_in(dir, file, &b) && sscanf(b.s, "%" SCNd64, &n) == 1 ? n : -1;
}

static void put(json_t *into, const char *key, int64_t n)
{
    json_object_set_new(into, key, json_integer(n < 0 ? 0 : n));
}

/* «KEY NUMBER» in each line. */
static json_t *flat(const char *dir, const char *file)
{
    json_t *all = json_object();
    cleanup(buf_free) struct buf b = BUF_INIT;
    if (!read_in(dir, file, &b))
        return all;
    for (char *save = NULL, *l = strtok_r(b.s, "\n", &save); l; l = strtok_r(NULL, "\n", &save)) {
        char *value = strchr(l, ' ');
        if (!value)
            continue;
        *value++ = '\0';
        json_object_set_new(all, l, json_integer(strtoll(value, NULL, 10)));
    }
    return all;
}

static json_t *cpu(const char *dir)
{
    cleanup_json stat = flat(dir, "cpu.stat");
    json_t *usage = json_object(), *throttling = json_object();
    put(usage, "total", jx_int(stat, "usage_usec", 0) * 1000);
    put(usage, "kernel", jx_int(stat, "system_usec", 0) * 1000);
    put(usage, "user", jx_int(stat, "user_usec", 0) * 1000);
    put(throttling, "periods", jx_int(stat, "nr_periods", 0));
    put(throttling, "throttledPeriods", jx_int(stat, "nr_throttled", 0));
    put(throttling, "throttledTime", jx_int(stat, "throttled_usec", 0) * 1000);
    return json_pack("{s:o, s:o}", "usage", usage, "throttling", throttling);
}

/* Without a limit: 0. */
static json_t *amount(const char *dir, const char *current, const char *max, const char *peak)
{
    json_t *o = json_object();
    put(o, "usage", number(dir, current));
    put(o, "limit", number(dir, max));
    if (peak && number(dir, peak) >= 0)
        put(o, "max", number(dir, peak));
    return o;
}

static json_t *memory(const char *dir)
{
    json_t *raw = flat(dir, "memory.stat"), *o = json_object();
    cleanup_json events = flat(dir, "memory.events");
    json_t *usage = amount(dir, "memory.current", "memory.max", "memory.peak");
    put(usage, "failcnt", jx_int(events, "max", 0));
    put(o, "cache", jx_int(raw, "file", 0));
    json_object_set_new(o, "usage", usage);
    json_object_set_new(o, "swap", amount(dir, "memory.swap.current", "memory.swap.max", NULL));
    json_object_set_new(o, "raw", raw);
    return o;
}

/* «8:0 rbytes=1 wbytes=2 rios=3 wios=4 …» for each device. */
static json_t *blkio(const char *dir)
{
    static const char *const what[][3] = {{" rbytes=", "Read", "ioServiceBytesRecursive"},
                                          {" wbytes=", "Write", "ioServiceBytesRecursive"},
                                          {" rios=", "Read", "ioServicedRecursive"},
                                          {" wios=", "Write", "ioServicedRecursive"}};
    json_t *o = json_object();
    cleanup(buf_free) struct buf b = BUF_INIT;
    unsigned major, minor;
    if (!read_in(dir, "io.stat", &b))
        return o;
    for (char *save = NULL, *l = strtok_r(b.s, "\n", &save); l; l = strtok_r(NULL, "\n", &save)) {
        if (sscanf(l, "%u:%u", &major, &minor) != 2)
            continue;
        for (size_t i = 0; i < sizeof what / sizeof *what; i++) {
            const char *value = strstr(l, what[i][0]);
            json_t *list = json_object_get(o, what[i][2]);
            if (!list)
                json_object_set_new(o, what[i][2], list = json_array());
            if (value)
                json_array_append_new(
                    list, json_pack("{s:i, s:i, s:s, s:I}", "major", major, "minor", minor, "op",
                                    what[i][1], "value",
                                    (json_int_t)strtoll(value + strlen(what[i][0]), NULL, 10)));
        }
    }
    return o;
}

static int say(json_t *line, struct err *e)
{
    int r = json_dumpf(line, stdout, JSON_COMPACT | JSON_PRESERVE_ORDER);
    json_decref(line);
    putchar('\n');
    return r < 0 || fflush(stdout) ? err_sys(e, "cannot write to standard output") : 0;
}

static int say_stats(const struct rt *rt, const char *dir, struct err *e)
{
    json_t *pids = json_object();
    put(pids, "current", number(dir, "pids.current"));
    put(pids, "limit", number(dir, "pids.max"));
    return say(json_pack("{s:s, s:s, s:{s:o, s:o, s:o, s:o, s:{}}}", "type", "stats", "id", rt->id,
                         "data", "cpu", cpu(dir), "memory", memory(dir), "pids", pids, "blkio",
                         blkio(dir), "hugetlb"),
               e);
}

static int64_t kills(const char *dir)
{
    cleanup_json events = flat(dir, "memory.events");
    return jx_int(events, "oom_kill", 0);
}

static int64_t now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * INT64_C(1000000000) + t.tv_nsec;
}

static int follow(const struct rt *rt, const struct state *s, int64_t interval, struct err *e)
{
    cleanup_fd int first = (int)syscall(SYS_pidfd_open, s->pid, 0);
    cleanup_fd int watch = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
    cleanup_free char *file = xasprintf("%s/memory.events", s->cgroup);
    char drained[4096];
    struct pollfd fds[2] = {{.fd = first, .events = POLLIN}, {.fd = watch, .events = POLLIN}};
    if (watch >= 0)
        (void)inotify_add_watch(watch, file, IN_MODIFY);
    int64_t before = kills(s->cgroup), next = now_ns() + interval;
    while (first >= 0 && !(fds[0].revents & POLLIN)) {
        int64_t left = next - now_ns(), ms = left > 0 ? (left + 999999) / 1000000 : 0;
        if (poll(fds, 2, ms > INT32_MAX ? INT32_MAX : (int)ms) < 0 && errno != EINTR)
            return err_sys(e, "cannot wait for events");
        while (read(watch, drained, sizeof drained) > 0)
            ;
        for (int64_t after = kills(s->cgroup); before < after; before++)
            if (say(json_pack("{s:s, s:s}", "type", "oom", "id", rt->id), e) < 0)
                return -1;
        if (now_ns() < next || (fds[0].revents & POLLIN))
            continue;
        next = now_ns() + interval;
        if (say_stats(rt, s->cgroup, e) < 0)
            return -1;
    }
    return 0;
}

int cmd_events(struct rt *rt, struct err *e)
{
    struct state s;
    int64_t interval = INTERVAL_NS;
    if (rt->o->interval && (units_duration(rt->o->interval, &interval) < 0 || interval <= 0))
        return err_set(e, 0, "invalid interval \"%s\": it must be more than 0", rt->o->interval);
    if (state_load(rt, &s, e) < 0)
        return -1;
    int r;
    if (strcmp(state_status(rt, &s), "stopped") == 0)
        r = err_set(e, 0, "container with id %s is not running", rt->id);
    else if (!s.cgroup)
        r = err_set(e, 0, "container %s has no cgroup of its own that could count", rt->id);
    else
        r = rt->o->stats ? say_stats(rt, s.cgroup, e) : follow(rt, &s, interval, e);
    state_free(&s);
    return r;
}
