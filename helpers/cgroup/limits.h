#ifndef POD_HELPERS_CGROUP_LIMITS_H
#define POD_HELPERS_CGROUP_LIMITS_H

#include "plain/err.h"
#include "plain/str.h"

#include <stddef.h>
#include <stdint.h>

/* The options as typed; NULL: not given. */
struct limit_options {
    const char *memory, *memory_swap, *memory_reservation;
    const char *cpus, *cpu_shares, *cpu_quota, *cpu_period;
    const char *cpuset_cpus, *cpuset_mems, *pids;
};

/* One file of a cgroup and what it shall hold. */
struct limit {
    const char *option; /* what the user typed, for the message */
    const char *controller, *file;
    char value[128];
    int optional; /* a kernel without swap accounting lacks the file: no loss */
};

struct limits {
    struct limit v[10];
    size_t n;
};

/* Checked and translated to cgroup v2. */
int limits_parse(const struct limit_options *o, struct limits *ret, struct err *e);
/* The distinct controllers they need; n + 1 entries, NULL last. */
void limits_controllers(const struct limits *l, const char *ret[11]);
/* Writes each into dir's file and reads it back: what the kernel did not take is an error. */
int limits_apply(const struct limits *l, const char *dir, struct err *e);

#endif
