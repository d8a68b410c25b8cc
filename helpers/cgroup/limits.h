#ifndef POD_HELPERS_CGROUP_LIMITS_H
#define POD_HELPERS_CGROUP_LIMITS_H

#include "plain/err.h"
#include "plain/str.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The options as typed; NULL: not given. */
struct limit_options {
    const char *memory, *memory_swap, *memory_reservation;
    const char *cpus, *cpu_shares, *cpu_quota, *cpu_period;
    const char *cpuset_cpus, *cpuset_mems, *pids;
    struct strv files; /* "OPTION FILE=VALUE", to be written as they are */
};

/* One file of a cgroup and what it shall hold. */
struct limit {
    const char *option; /* what the user typed, for the message */
    const char *controller, *file;
    char name[64]; /* what option and file point into, for those of files */
    char value[128];
    bool as_is;   /* what is read back may look otherwise */
    int optional; /* a kernel without swap accounting lacks the file: no loss */
};

#define LIMITS_MAX 64
struct limits {
    struct limit v[LIMITS_MAX];
    size_t n;
};

/* A file that every cgroup has, of no controller. */
bool limit_is_core(const struct limit *x);
/* Checked and translated to cgroup v2. */
int limits_parse(const struct limit_options *o, struct limits *ret, struct err *e);
/* The distinct controllers they need, NULL last; files of "cgroup." are in every cgroup. */
void limits_controllers(const struct limits *l, const char *ret[LIMITS_MAX + 1]);
/* Writes each into dir's file and reads it back: what the kernel did not take is an error. */
int limits_apply(const struct limits *l, const char *dir, struct err *e);

#endif
