/* The smaller properties of a process: limits, scores, priorities, execution domain, label. */
#include "rt.h"

#include "plain/buf.h"
#include "plain/fdio.h"
#include "plain/str.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/personality.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

static const struct {
    const char *name;
    int which;
} limits[] = {
    {"RLIMIT_AS", RLIMIT_AS},
    {"RLIMIT_CORE", RLIMIT_CORE},
    {"RLIMIT_CPU", RLIMIT_CPU},
    {"RLIMIT_DATA", RLIMIT_DATA},
    {"RLIMIT_FSIZE", RLIMIT_FSIZE},
    {"RLIMIT_LOCKS", RLIMIT_LOCKS},
    {"RLIMIT_MEMLOCK", RLIMIT_MEMLOCK},
    {"RLIMIT_MSGQUEUE", RLIMIT_MSGQUEUE},
    {"RLIMIT_NICE", RLIMIT_NICE},
    {"RLIMIT_NOFILE", RLIMIT_NOFILE},
    {"RLIMIT_NPROC", RLIMIT_NPROC},
    {"RLIMIT_RSS", RLIMIT_RSS},
    {"RLIMIT_RTPRIO", RLIMIT_RTPRIO},
    {"RLIMIT_RTTIME", RLIMIT_RTTIME},
    {"RLIMIT_SIGPENDING", RLIMIT_SIGPENDING},
    {"RLIMIT_STACK", RLIMIT_STACK},
};

/* «No limit» is 2^64-1, which JSON readers hand over as a real number. */
static rlim_t limit_value(const json_t *v)
{
    if (json_is_real(v))
        return RLIM_INFINITY;
    return (rlim_t)json_integer_value(v);
}

int attrs_limits(const json_t *process, struct err *e)
{
    const json_t *r;
    size_t i;
    json_array_foreach(json_object_get(process, "rlimits"), i, r)
    {
        const char *type = jx_str(r, "type");
        size_t k, n = sizeof limits / sizeof *limits;
        for (k = 0; k < n && strcmp(limits[k].name, type) != 0; k++)
            ;
        if (k == n)
            return err_set(e, 0, "unknown resource limit \"%s\"", type);
        struct rlimit lim = {.rlim_cur = limit_value(json_object_get(r, "soft")),
                             .rlim_max = limit_value(json_object_get(r, "hard"))};
        if (setrlimit(limits[k].which, &lim) < 0)
            return err_sys(e, "setrlimit `%s`", type);
    }
    return 0;
}

int attrs_oom_score(const json_t *process, struct err *e)
{
    const json_t *v = json_object_get(process, "oomScoreAdj");
    char text[24];
    if (!json_is_integer(v))
        return 0;
    cleanup_fd int fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
    int n = snprintf(text, sizeof text, "%lld", (long long)json_integer_value(v));
    if (fd < 0 || write(fd, text, (size_t)n) != n)
        return err_sys(e, "cannot set the OOM score to %s", text);
    return 0;
}

/* ---- when and where it runs ---- */

struct word {
    const char *name;
    uint64_t value;
};

static int word_of(const struct word *words, const char *name, uint64_t *ret, const char *what,
                   struct err *e)
{
    for (; words->name; words++)
        if (strcmp(words->name, name) == 0) {
            *ret = words->value;
            return 0;
        }
    return err_set(e, 0, "unknown %s \"%s\"", what, name);
}

static int set_io_priority(const json_t *p, struct err *e)
{
    static const struct word classes[] = {
        {"IOPRIO_CLASS_RT", 1}, {"IOPRIO_CLASS_BE", 2}, {"IOPRIO_CLASS_IDLE", 3}, {NULL, 0}};
    uint64_t class = 0;
    if (!p)
        return 0;
    if (word_of(classes, jx_str(p, "class"), &class, "ioPriority class", e) < 0)
        return -1;
    int64_t priority = jx_int(p, "priority", 0);
    if (priority < 0 || priority > 7)
        return err_set(e, 0, "ioPriority %lld is not within 0 to 7", (long long)priority);
    if (syscall(SYS_ioprio_set, 1, 0, (int)(class << 13 | (uint64_t)priority)) < 0)
        return err_sys(e, "cannot set the priority of input and output");
    return 0;
}

/* struct sched_attr of sched_setattr(2), whose header collides with <sched.h> */
struct scheduling {
    uint32_t size, policy;
    uint64_t flags;
    int32_t nice;
    uint32_t priority;
    uint64_t runtime, deadline, period;
};

static int set_scheduler(const json_t *s, struct err *e)
{
    static const struct word policies[] = {
        {"SCHED_OTHER", 0}, {"SCHED_FIFO", 1}, {"SCHED_RR", 2},       {"SCHED_BATCH", 3},
        {"SCHED_ISO", 4},   {"SCHED_IDLE", 5}, {"SCHED_DEADLINE", 6}, {NULL, 0}};
    static const struct word flags[] = {
        {"SCHED_FLAG_RESET_ON_FORK", 0x01},  {"SCHED_FLAG_RECLAIM", 0x02},
        {"SCHED_FLAG_DL_OVERRUN", 0x04},     {"SCHED_FLAG_KEEP_POLICY", 0x08},
        {"SCHED_FLAG_KEEP_PARAMS", 0x10},    {"SCHED_FLAG_UTIL_CLAMP_MIN", 0x20},
        {"SCHED_FLAG_UTIL_CLAMP_MAX", 0x40}, {NULL, 0}};
    const json_t *f;
    uint64_t policy = 0, bit = 0;
    size_t i;
    if (!s)
        return 0;
    if (word_of(policies, jx_str(s, "policy"), &policy, "scheduler policy", e) < 0)
        return -1;
    struct scheduling a = {
        .size = sizeof a,
        .policy = (uint32_t)policy,
        .nice = (int32_t)jx_int(s, "nice", 0),
        .priority = (uint32_t)jx_int(s, "priority", 0),
        .runtime = (uint64_t)jx_int(s, "runtime", 0),
        .deadline = (uint64_t)jx_int(s, "deadline", 0),
        .period = (uint64_t)jx_int(s, "period", 0),
    };
    json_array_foreach(json_object_get(s, "flags"), i, f)
    {
        const char *name = json_is_string(f) ? json_string_value(f) : "";
        if (word_of(flags, name, &bit, "scheduler flag", e) < 0)
            return -1;
        a.flags |= bit;
    }
    return syscall(SYS_sched_setattr, 0, &a, 0) < 0 ? err_sys(e, "cannot set the scheduler") : 0;
}

int attrs_scheduling(const json_t *process, struct err *e)
{
    return set_io_priority(json_object_get(process, "ioPriority"), e) < 0
               ? -1
               : set_scheduler(json_object_get(process, "scheduler"), e);
}

/* "0-3,7" */
int attrs_affinity(const json_t *process, const char *when, struct err *e)
{
    const char *list = jx_str(json_object_get(process, "execCPUAffinity"), when);
    cleanup(strv_free) struct strv parts = STRV_INIT;
    cpu_set_t set;
    if (!*list)
        return 0;
    CPU_ZERO(&set);
    strv_split(&parts, list, ',');
    for (size_t i = 0; i < parts.n; i++) {
        uint64_t from, to;
        char *dash = strchr(parts.v[i], '-');
        if (dash)
            *dash = '\0';
        if (str_u64(parts.v[i], CPU_SETSIZE - 1, &from) < 0 ||
            str_u64(dash ? dash + 1 : parts.v[i], CPU_SETSIZE - 1, &to) < 0 || to < from)
            return err_set(e, 0, "execCPUAffinity: \"%s\" is not a list of processors", list);
        for (; from <= to; from++)
            CPU_SET(from, &set);
    }
    return sched_setaffinity(0, sizeof set, &set) < 0
               ? err_sys(e, "cannot run on the processors %s", list)
               : 0;
}

int attrs_personality(const json_t *spec, struct err *e)
{
    static const struct word domains[] = {
        {"LINUX", PER_LINUX}, {"LINUX32", PER_LINUX32}, {NULL, 0}};
    const json_t *p = json_object_get(json_object_get(spec, "linux"), "personality");
    uint64_t domain = 0;
    if (!p)
        return 0;
    if (json_array_size(json_object_get(p, "flags")) > 0)
        return err_set(e, 0, "linux.personality.flags are not supported");
    if (word_of(domains, jx_str(p, "domain"), &domain, "personality", e) < 0)
        return -1;
    return personality(domain) < 0 ? err_sys(e, "cannot set the personality") : 0;
}

/* ---- labels ---- */

int attrs_labels(const json_t *process, struct err *e)
{
    const char *profile = jx_str(process, "apparmorProfile");
    const char *label = jx_str(process, "selinuxLabel");
    if (*profile) {
        cleanup_free char *text = xasprintf("exec %s", profile);
        cleanup_fd int fd = open("/proc/self/attr/apparmor/exec", O_WRONLY | O_CLOEXEC);
        /* a kernel that knows no AppArmor confines nobody, with or without a profile's name */
        if (fd < 0 && strcmp(profile, "unconfined") == 0)
            return 0;
        if (fd < 0)
            return err_sys(e, "AppArmor profile \"%s\": AppArmor is not enabled on this host",
                           profile);
        if (write(fd, text, strlen(text)) < 0)
            return err_sys(e, "cannot apply AppArmor profile \"%s\"", profile);
    }
    if (*label) {
        cleanup_fd int fd = open("/proc/self/attr/exec", O_WRONLY | O_CLOEXEC);
        if (fd < 0 || write(fd, label, strlen(label)) < 0)
            return err_sys(e, "cannot apply SELinux label \"%s\"", label);
    }
    return 0;
}
