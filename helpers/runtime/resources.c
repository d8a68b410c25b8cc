/* linux.resources (written with cgroup v1 in mind) in terms of cgroup v2's files. */
#include "rt.h"

#include "plain/fdio.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static int put(struct resources *l, struct err *e, const char *file, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));
static int put(struct resources *l, struct err *e, const char *file, const char *fmt, ...)
{
    if (l->n == sizeof l->v / sizeof *l->v)
        return err_set(e, 0, "too many entries in linux.resources");
    struct resource *x = &l->v[l->n++];
    *x = (struct resource){0};
    va_list ap;
    va_start(ap, fmt);
    int n = vsnprintf(x->value, sizeof x->value, fmt, ap);
    va_end(ap);
    if (str_copy(x->file, sizeof x->file, file) < 0 || n < 0 || (size_t)n >= sizeof x->value)
        return err_set(e, 0, "an entry of linux.resources is too long: \"%s\"", file);
    return 0;
}

static int put_limit(struct resources *l, const char *file, int64_t v, struct err *e)
{
    return v < 0 ? put(l, e, file, "max") : put(l, e, file, "%lld", (long long)v);
}

static int read_memory(const json_t *m, struct resources *l, struct err *e)
{
    int64_t limit = jx_int(m, "limit", 0), swap = jx_int(m, "swap", 0);
    if (limit && put_limit(l, "memory.max", limit, e) < 0)
        return -1;
    if (swap) {
        /* v1 counts memory and swap together */
        if (swap > 0 && limit <= 0)
            return err_set(e, 0, "a limit of swap needs a limit of memory");
        if (swap > 0 && swap < limit)
            return err_set(e, 0, "the limit of memory and swap is below that of memory");
        if (put_limit(l, "memory.swap.max", swap < 0 ? -1 : swap - limit, e) < 0)
            return -1;
        l->v[l->n - 1].optional = swap < 0 || swap == limit;
    }
    if (jx_int(m, "reservation", 0) &&
        put_limit(l, "memory.low", jx_int(m, "reservation", 0), e) < 0)
        return -1;
    return 0;
}

static int read_cpu(const json_t *c, struct resources *l, struct err *e)
{
    int64_t shares = jx_int(c, "shares", 0), quota = jx_int(c, "quota", 0);
    int64_t period = jx_int(c, "period", 0);
    if (shares && (shares < 2 || shares > 262144))
        return err_set(e, 0, "cpu.shares %lld is not within 2 to 262144", (long long)shares);
    if (shares &&
        put(l, e, "cpu.weight", "%lld", (long long)(1 + (shares - 2) * 9999 / 262142)) < 0)
        return -1;
    if (period == 0)
        period = 100000;
    if (quota > 0 && put(l, e, "cpu.max", "%lld %lld", (long long)quota, (long long)period) < 0)
        return -1;
    if ((quota < 0 || (quota == 0 && jx_int(c, "period", 0))) &&
        put(l, e, "cpu.max", "max %lld", (long long)period) < 0)
        return -1;
    if (jx_int(c, "burst", 0) &&
        put(l, e, "cpu.max.burst", "%lld", (long long)jx_int(c, "burst", 0)) < 0)
        return -1;
    if (json_object_get(c, "idle") &&
        put(l, e, "cpu.idle", "%lld", (long long)jx_int(c, "idle", 0)) < 0)
        return -1;
    if (*jx_str(c, "cpus") && put(l, e, "cpuset.cpus", "%s", jx_str(c, "cpus")) < 0)
        return -1;
    return *jx_str(c, "mems") ? put(l, e, "cpuset.mems", "%s", jx_str(c, "mems")) : 0;
}

static int read_io(const json_t *b, struct resources *l, struct err *e)
{
    static const struct {
        const char *key, *word;
    } kinds[] = {{"throttleReadBpsDevice", "rbps"},
                 {"throttleWriteBpsDevice", "wbps"},
                 {"throttleReadIOPSDevice", "riops"},
                 {"throttleWriteIOPSDevice", "wiops"}};
    const json_t *d;
    size_t i;
    int64_t weight = jx_int(b, "weight", 0);
    if (weight && put(l, e, "io.weight", "%lld", (long long)(1 + (weight - 10) * 9999 / 990)) < 0)
        return -1;
    for (size_t k = 0; k < sizeof kinds / sizeof *kinds; k++) {
        json_array_foreach(json_object_get(b, kinds[k].key), i, d)
        {
            if (put(l, e, "io.max", "%lld:%lld %s=%lld", (long long)jx_int(d, "major", 0),
                    (long long)jx_int(d, "minor", 0), kinds[k].word,
                    (long long)jx_int(d, "rate", 0)) < 0)
                return -1;
        }
    }
    return 0;
}

static int read_unified(json_t *u, struct resources *l, struct err *e)
{
    const char *file;
    json_t *v;
    json_object_foreach(u, file, v)
    {
        if (strchr(file, '/') || !strchr(file, '.'))
            return err_set(e, 0, "the specified key has not the form CONTROLLER.VALUE `%s`", file);
        if (put(l, e, file, "%s", json_is_string(v) ? json_string_value(v) : "") < 0)
            return -1;
    }
    return 0;
}

int resources_read(const json_t *r, struct resources *ret, struct err *e)
{
    const json_t *h;
    size_t i;
    int64_t pids = jx_int(json_object_get(r, "pids"), "limit", 0);
    ret->n = 0;
    if (read_memory(json_object_get(r, "memory"), ret, e) < 0 ||
        read_cpu(json_object_get(r, "cpu"), ret, e) < 0 ||
        read_io(json_object_get(r, "blockIO"), ret, e) < 0)
        return -1;
    if (pids && put_limit(ret, "pids.max", pids, e) < 0)
        return -1;
    /* no limit is what a new cgroup has */
    if (pids < 0)
        ret->v[ret->n - 1].optional = true;
    json_array_foreach(json_object_get(r, "hugepageLimits"), i, h)
    {
        cleanup_free char *file = xasprintf("hugetlb.%s.max", jx_str(h, "pageSize"));
        if (put(ret, e, file, "%lld", (long long)jx_int(h, "limit", 0)) < 0)
            return -1;
    }
    return read_unified(json_object_get(r, "unified"), ret, e);
}

int resources_apply(const struct resources *l, const char *dir, struct err *e)
{
    for (size_t i = 0; i < l->n; i++) {
        const struct resource *x = &l->v[i];
        cleanup_free char *path = xasprintf("%s/%s", dir, x->file);
        cleanup_fd int fd = open(path, O_WRONLY | O_CLOEXEC);
        if (fd < 0 && errno == ENOENT) {
            if (x->optional)
                continue;
            err_set(e, 0, "the requested cgroup controller `%.*s` is not available: no %s in %s",
                    (int)strcspn(x->file, "."), x->file, x->file, dir);
            return err_hint(e, "Type: pod doctor");
        }
        if (fd < 0 || fd_write_all(fd, x->value, strlen(x->value)) < 0)
            return err_sys(e, "cannot set %s of the container's cgroup to \"%s\"", x->file,
                           x->value);
    }
    return 0;
}
