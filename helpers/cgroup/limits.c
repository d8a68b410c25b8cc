/* From podman's options to the files of cgroup v2. */
#include "limits.h"

#include "disk/at.h"
#include "plain/fdio.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PERIOD_US  100000
#define MIN_PERIOD 1000
#define MAX_PERIOD 1000000
#define MIN_QUOTA  1000
#define MIN_MEMORY (UINT64_C(6) << 20)
#define SET_WORDS  128 /* 8192 processors or nodes */

static struct limit *add(struct limits *l, const char *option, const char *controller,
                         const char *file)
{
    struct limit *x = &l->v[l->n++];
    *x = (struct limit){.option = option, .controller = controller, .file = file};
    return x;
}

static int bad(const char *option, const char *value, const char *why, struct err *e)
{
    return err_set(e, 0, "invalid argument \"%s\" for \"%s\" flag: %s", value, option, why);
}

/* Bytes; units are the caller's. */
static int bytes(const char *option, const char *value, uint64_t *ret, struct err *e)
{
    if (str_u64(value, INT64_MAX, ret) < 0)
        return bad(option, value, "not a number of bytes", e);
    return 0;
}

static void put_bytes(struct limits *l, const char *option, const char *file, uint64_t n, bool none)
{
    struct limit *x = add(l, option, "memory", file);
    char number[24];
    snprintf(number, sizeof number, "%llu", (unsigned long long)n);
    snprintf(x->value, sizeof x->value, "%s", none ? "max" : number);
}

/* --memory-swap is memory and swap together; alone --memory allows as much swap again. */
static int parse_memory(const struct limit_options *o, struct limits *l, struct err *e)
{
    uint64_t memory = 0, both = 0, low;
    bool endless = o->memory_swap && strcmp(o->memory_swap, "-1") == 0;
    if (o->memory && bytes("--memory", o->memory, &memory, e) < 0)
        return -1;
    if (memory && memory < MIN_MEMORY)
        return bad("--memory", o->memory, "the minimum is 6 MiB", e);
    if (memory)
        put_bytes(l, "--memory", "memory.max", memory, false);
    if (o->memory_swap && !endless) {
        if (bytes("--memory-swap", o->memory_swap, &both, e) < 0)
            return -1;
        if (both && !memory)
            return bad("--memory-swap", o->memory_swap, "it needs --memory", e);
        if (both && both < memory)
            return bad("--memory-swap", o->memory_swap, "it must not be below --memory", e);
    }
    if (memory || endless) {
        put_bytes(l, o->memory_swap ? "--memory-swap" : "--memory", "memory.swap.max",
                  both ? both - memory : memory, endless);
        l->v[l->n - 1].optional = !both;
    }
    if (!o->memory_reservation)
        return 0;
    if (bytes("--memory-reservation", o->memory_reservation, &low, e) < 0)
        return -1;
    if (low)
        put_bytes(l, "--memory-reservation", "memory.low", low, false);
    return 0;
}

static int parse_quota(const struct limit_options *o, uint64_t *quota, uint64_t *period,
                       struct err *e)
{
    *quota = 0;
    *period = PERIOD_US;
    if (o->cpus) {
        char *end;
        double n = strtod(o->cpus, &end);
        if (*end || end == o->cpus || !isfinite(n) || n < 0 || n > 100000)
            return bad("--cpus", o->cpus, "not a number of processors", e);
        if (o->cpu_quota || o->cpu_period)
            return err_set(e, 0, "--cpus and --cpu-%s cannot be set together",
                           o->cpu_quota ? "quota" : "period");
        *quota = (uint64_t)(n * PERIOD_US + 0.5);
        if (n > 0 && *quota < MIN_QUOTA)
            return bad("--cpus", o->cpus, "the minimum is 0.01", e);
    }
    if (o->cpu_period && (str_u64(o->cpu_period, MAX_PERIOD, period) < 0 || *period < MIN_PERIOD))
        return bad("--cpu-period", o->cpu_period, "it lies between 1000 and 1000000", e);
    if (o->cpu_quota && strcmp(o->cpu_quota, "-1") != 0 &&
        (str_u64(o->cpu_quota, INT64_MAX / 100, quota) < 0 || (*quota && *quota < MIN_QUOTA)))
        return bad("--cpu-quota", o->cpu_quota, "it is at least 1000", e);
    return 0;
}

static int parse_cpu(const struct limit_options *o, struct limits *l, struct err *e)
{
    uint64_t quota, period, shares = 0;
    if (parse_quota(o, &quota, &period, e) < 0)
        return -1;
    const char *option = o->cpus ? "--cpus" : o->cpu_quota ? "--cpu-quota" : "--cpu-period";
    if (quota || o->cpu_period) {
        struct limit *x = add(l, option, "cpu", "cpu.max");
        if (quota) {
            snprintf(x->value, sizeof x->value, "%llu %llu", (unsigned long long)quota,
                     (unsigned long long)period);
        } else {
            snprintf(x->value, sizeof x->value, "max %llu", (unsigned long long)period);
        }
    }
    if (o->cpu_shares && str_u64(o->cpu_shares, 262144, &shares) < 0)
        return bad("--cpu-shares", o->cpu_shares, "not a number up to 262144", e);
    if (shares) {
        /* v1's 2…262144 laid over v2's 1…10000, as every runtime does */
        uint64_t weight = shares < 2 ? 1 : 1 + (shares - 2) * 9999 / 262142;
        struct limit *x = add(l, "--cpu-shares", "cpu", "cpu.weight");
        snprintf(x->value, sizeof x->value, "%llu", (unsigned long long)weight);
    }
    return 0;
}

static int parse_set(const char *option, const char *value, const char *file, struct limits *l,
                     struct err *e)
{
    if (!value || !*value)
        return 0;
    struct limit *x = add(l, option, "cpuset", file);
    if (value[strspn(value, "0123456789,-")] || str_copy(x->value, sizeof x->value, value) < 0)
        return bad(option, value, "expected numbers, ranges and commas", e);
    return 0;
}

/* name is OPTION, FILE and its controller, each with its end. */
static void point(struct limit *x)
{
    x->option = x->name;
    x->file = x->name + strlen(x->name) + 1;
    x->controller = x->file + strlen(x->file) + 1;
}

static int add_files(const struct strv *files, struct limits *l, struct err *e)
{
    for (size_t i = 0; i < files->n; i++) {
        struct limit *x = &l->v[l->n];
        const char *text = files->v[i], *file = strchr(text, ' '), *value = strchr(text, '=');
        int n = file && value && file < value && !strchr(text, '/') && l->n < LIMITS_MAX
                    ? snprintf(x->name, sizeof x->name, "%.*s%c%.*s%c%.*s", (int)(file - text),
                               text, 1, (int)(value - file - 1), file + 1, 1,
                               (int)strcspn(file + 1, ".="), file + 1)
                    : -1;
        if (n < 0 || n >= (int)sizeof x->name || str_copy(x->value, sizeof x->value, value + 1) < 0)
            return err_set(e, 0, "pod-cgroup: --file \"%s\" makes no sense, or is too much", text);
        for (char *p = x->name; *p; p++)
            *p = *p == 1 ? '\0' : *p;
        x->as_is = true;
        l->n++;
    }
    return 0;
}

int limits_parse(const struct limit_options *o, struct limits *ret, struct err *e)
{
    struct limits l = {.n = 0};
    uint64_t pids = 0;
    if (parse_memory(o, &l, e) < 0 || parse_cpu(o, &l, e) < 0 ||
        parse_set("--cpuset-cpus", o->cpuset_cpus, "cpuset.cpus", &l, e) < 0 ||
        parse_set("--cpuset-mems", o->cpuset_mems, "cpuset.mems", &l, e) < 0)
        return -1;
    bool endless = o->pids && strcmp(o->pids, "-1") == 0;
    if (o->pids && !endless && str_u64(o->pids, 1 << 22, &pids) < 0)
        return bad("--pids-limit", o->pids, "not a number of processes", e);
    if (pids) {
        struct limit *x = add(&l, "--pids-limit", "pids", "pids.max");
        snprintf(x->value, sizeof x->value, "%llu", (unsigned long long)pids);
    }
    if (add_files(&o->files, &l, e) < 0)
        return -1;
    *ret = l;
    /* what points into the copy must point into the one that is kept */
    for (size_t i = 0; i < ret->n; i++)
        if (ret->v[i].as_is)
            point(&ret->v[i]);
    return 0;
}

bool limit_is_core(const struct limit *x)
{
    return strcmp(x->controller, "cgroup") == 0;
}

void limits_controllers(const struct limits *l, const char *ret[LIMITS_MAX + 1])
{
    size_t n = 0;
    ret[0] = NULL;
    for (size_t i = 0; i < l->n; i++) {
        if (str_in(l->v[i].controller, ret) || limit_is_core(&l->v[i]))
            continue;
        ret[n++] = l->v[i].controller;
        ret[n] = NULL;
    }
}

static int read_value(const char *path, char *out, size_t size)
{
    cleanup(buf_free) struct buf b = BUF_INIT;
    if (at_read(AT_FDCWD, path, 65536, &b) < 0)
        return -1;
    b.s[strcspn(b.s, "\n")] = '\0';
    return str_copy(out, size, b.s);
}

/* "0-2,5" as bits; what is beyond them is not looked at. */
static void read_set(const char *text, uint64_t bits[SET_WORDS])
{
    memset(bits, 0, SET_WORDS * sizeof *bits);
    while (*text) {
        char *end;
        unsigned long first = strtoul(text, &end, 10), last = first;
        if (*end == '-')
            last = strtoul(end + 1, &end, 10);
        for (unsigned long i = first; i <= last && i < SET_WORDS * 64; i++)
            bits[i / 64] |= UINT64_C(1) << i % 64;
        text = *end == ',' ? end + 1 : end + strlen(end);
    }
}

static bool same_set(const char *a, const char *b)
{
    uint64_t x[SET_WORDS], y[SET_WORDS];
    read_set(a, x);
    read_set(b, y);
    return memcmp(x, y, sizeof x) == 0;
}

/* The kernel rounds bytes down to pages and writes sets in its own way. */
static bool holds(const struct limit *x, const char *is)
{
    uint64_t want, got, page = (uint64_t)sysconf(_SC_PAGESIZE);
    if (strcmp(x->value, is) == 0)
        return true;
    if (strcmp(x->controller, "cpuset") == 0)
        return same_set(x->value, is);
    return str_u64(x->value, UINT64_MAX, &want) == 0 && str_u64(is, UINT64_MAX, &got) == 0 &&
           strcmp(x->controller, "memory") == 0 && want - want % page == got;
}

/* Podman's 10…1000 is bfq's; io.weight has 1…10000, over which it is laid. */
static void choose_weight(const char *dir, struct limit *x)
{
    cleanup_free char *bfq = xasprintf("%s/io.bfq.weight", dir);
    char *number = strrchr(x->value, ' ');
    uint64_t n;
    if (strcmp(x->file, "io.weight") != 0 || !number)
        return;
    if (access(bfq, F_OK) == 0)
        x->file = "io.bfq.weight";
    else if (str_u64(number + 1, 1000, &n) == 0 && n >= 10)
        snprintf(number + 1, sizeof x->value - (size_t)(number + 1 - x->value), "%llu",
                 (unsigned long long)(1 + (n - 10) * 9999 / 990));
}

int limits_apply(const struct limits *l, const char *dir, struct err *e)
{
    for (size_t i = 0; i < l->n; i++) {
        struct limit one = l->v[i];
        const struct limit *x = &one;
        if (one.as_is)
            point(&one);
        choose_weight(dir, &one);
        char is[128] = "";
        cleanup_free char *path = xasprintf("%s/%s", dir, x->file);
        if (!x->as_is && read_value(path, is, sizeof is) == 0 && holds(x, is))
            continue;
        if (x->optional && access(path, F_OK) < 0)
            continue;
        cleanup_fd int fd = open(path, O_WRONLY | O_CLOEXEC);
        if (fd < 0 || fd_write_all(fd, x->value, strlen(x->value)) < 0)
            return err_sys(e, "%s: cannot set %s of the container's cgroup to \"%s\"", x->option,
                           x->file, x->value);
        if (!x->as_is && (read_value(path, is, sizeof is) < 0 || !holds(x, is)))
            return err_set(e, 0, "%s: %s of the container's cgroup is \"%s\" and not \"%s\"",
                           x->option, x->file, is, x->value);
    }
    return 0;
}
