/*
 * pod-update: other limits or another restart policy for a container, at once where it runs, and
 * for all its further starts.
 */
#include "say.h"

#include "disk/at.h"
#include "disk/journal.h"
#include "things/create.h"
#include "things/pause.h"
#include "things/select.h"
#include "things/spawn.h"
#include "things/start_chain.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct options {
    struct select which;
    struct create_opts c;
};

#define AT(f) offsetof(struct options, f)
static const struct opt options[] = {
    {"blkio-weight", 0, OPT_STR, "N", "Weight of its block I/O, 10 to 1000", AT(c.blkio_weight)},
    {"blkio-weight-device", 0, OPT_MULTI, "DEVICE:N", "Likewise on one device",
     AT(c.blkio_weight_device)},
    {"cgroup-conf", 0, OPT_MULTI, "FILE=VALUE", "Set a file of its cgroup, such as memory.high",
     AT(c.cgroup_conf)},
    {"cpu-period", 0, OPT_STR, "US", "Length of the CPU period in microseconds", AT(c.cpu_period)},
    {"cpu-quota", 0, OPT_STR, "US", "CPU time in each period in microseconds", AT(c.cpu_quota)},
    {"cpu-shares", 'c', OPT_STR, "N", "Relative weight of CPU time", AT(c.cpu_shares)},
    {"cpus", 0, OPT_STR, "N", "Number of CPUs it may use, such as 1.5", AT(c.cpus)},
    {"cpuset-cpus", 0, OPT_STR, "LIST", "CPUs it may run on, such as 0-2,5", AT(c.cpuset_cpus)},
    {"cpuset-mems", 0, OPT_STR, "LIST", "Memory nodes it may use", AT(c.cpuset_mems)},
    {"cpu-rt-period", 0, OPT_STR, "US", NULL, AT(c.cpu_rt_period)},
    {"cpu-rt-runtime", 0, OPT_STR, "US", NULL, AT(c.cpu_rt_runtime)},
    {"device-read-bps", 0, OPT_MULTI, "DEVICE:SIZE", "Bytes a second it may read",
     AT(c.device_read_bps)},
    {"device-read-iops", 0, OPT_MULTI, "DEVICE:N", "Reads a second", AT(c.device_read_iops)},
    {"device-write-bps", 0, OPT_MULTI, "DEVICE:SIZE", "Bytes a second it may write",
     AT(c.device_write_bps)},
    {"device-write-iops", 0, OPT_MULTI, "DEVICE:N", "Writes a second", AT(c.device_write_iops)},
    {"latest", 'l', OPT_BOOL, NULL, "The container created last", AT(which.latest)},
    {"memory", 'm', OPT_STR, "SIZE", "Memory limit, such as 64m", AT(c.memory)},
    {"memory-reservation", 0, OPT_STR, "SIZE", "Soft memory limit", AT(c.memory_reservation)},
    {"memory-swap", 0, OPT_STR, "SIZE", "Limit of memory and swap together", AT(c.memory_swap)},
    {"memory-swappiness", 0, OPT_STR, "N", NULL, AT(c.memory_swappiness)},
    {"pids-limit", 0, OPT_STR, "N", "Limit of processes", AT(c.pids_limit)},
    {"restart", 0, OPT_STR, "POLICY", "no, on-failure[:N], always, unless-stopped", AT(c.restart)},
    {"ulimit", 0, OPT_MULTI, "NAME=SOFT[:HARD]", "Resource limit of what is started from now on",
     AT(c.ulimit)},
    {0},
};

static const struct cmd command = {
    .name = "pod update",
    .operands = "CONTAINER",
    .summary = "Change the limits or the restart policy of a container",
    .more = "Exit codes: 0 done, 125 pod failed, the container does not exist or the limit cannot\n"
            "take effect.",
    .opts = options,
    .max = 1,
};

/* What was set before stays, but for the other way to say the same. */
static void merge(json_t *limits, const json_t *changes)
{
    if (json_object_get(changes, "cpus")) {
        json_object_del(limits, "cpuQuota");
        json_object_del(limits, "cpuPeriod");
    }
    if (json_object_get(changes, "cpuQuota") || json_object_get(changes, "cpuPeriod"))
        json_object_del(limits, "cpus");
    /* files are written in their order: the last one to set something has its way */
    json_t *files = json_copy(json_object_get(limits, "files"));
    if (files)
        json_array_extend(files, json_object_get(changes, "files"));
    json_object_update(limits, (json_t *)(uintptr_t)changes);
    if (files)
        json_object_set_new(limits, "files", files);
}

/* The controllers that those limits need, ending with NULL. */
static void controllers_of(const json_t *limits, const char *ret[5])
{
    static const char *const begins[] = {"cpuset", "cpu", "memory", "pids"};
    const char *key;
    const json_t *v;
    size_t n = 0;
    ret[0] = NULL;
    json_object_foreach((json_t *)(uintptr_t)limits, key, v)
    {
        size_t i = 0;
        if (strcmp(key, "parent") == 0 || strcmp(key, "files") == 0 || strcmp(key, "own") == 0)
            continue; /* what files need is seen when they are written */
        while (i < 3 && !str_starts(key, begins[i]))
            i++;
        if (str_in(begins[i], ret))
            continue;
        ret[n++] = begins[i];
        ret[n] = NULL;
    }
}

static int apply(const struct roots *r, const struct ctr *c, const struct ctr_status *s,
                 const json_t *limits, struct err *e)
{
    const char *controllers[5];
    cleanup(strv_free) struct strv argv = STRV_INIT;
    controllers_of(limits, controllers);
    cleanup_free char *dir = ctr_cgroup(r, c, s, controllers, e);
    if (!dir)
        return err_hint(e, "Type: pod stop %s, the same pod update again, and pod start %s",
                        ctr_name(c), ctr_name(c));
    strv_take(&argv, tool_path("pod-cgroup"));
    strv_add(&argv, "--update");
    strv_add(&argv, dir);
    chain_limits(limits, &argv);
    struct spawn sp = {.argv = argv.v, .in = -1, .out = -1, .err = -1};
    return spawn_and_report(&sp, "pod-cgroup", NULL, 0, e);
}

/* Those of the same kind are replaced. */
static void merge_ulimits(json_t *record, const json_t *changes)
{
    json_t *all = json_object_get(record, "ulimits"), *new, *old;
    size_t i, k;
    if (!json_array_size(changes))
        return;
    if (!all)
        json_object_set_new(record, "ulimits", all = json_array());
    json_array_foreach(changes, i, new)
    {
        json_array_foreach(all, k, old)
        {
            if (strcmp(jx_str(old, "type"), jx_str(new, "type")) == 0)
                json_array_remove(all, k--);
        }
        json_array_append(all, new);
    }
}

/* A monitor that is at work looks for the file when its container has ended. */
static int write_policy(const struct ctr *c, struct err *e)
{
    const json_t *restart = json_object_get(c->record, "restart");
    const char *policy = jx_str(restart, "policy");
    cleanup_free char *text =
        xasprintf("%s %lld\n", *policy ? policy : "no", (long long)jx_int(restart, "max", 0));
    return at_write(c->dir, "restart", text, strlen(text), 0600, AT_PLAIN) < 0
               ? err_sys(e, "cannot write the restart policy of container %s", ctr_name(c))
               : 0;
}

static int change_policy(const struct ctr *c, const json_t *changes, struct err *e)
{
    json_t *restart = json_object_get(changes, "restart");
    if (restart && jx_bool(c->record, "rm"))
        return err_set(e, 0,
                       "cannot set restart policy of container %s: it is removed when it exits",
                       ctr_name(c));
    if (restart)
        json_object_set(c->record, "restart", restart);
    else
        json_object_del(c->record, "restart");
    return 0;
}

static int update(const struct roots *r, struct ctr *c, const struct options *o, struct err *e)
{
    struct ctr_status s;
    cleanup_json changes = json_object();
    if (create_limits(&o->c, changes, e) < 0 || create_restart(&o->c, changes, e) < 0)
        return -1;
    const json_t *changed = json_object_get(changes, "limits");
    if (!json_object_size(changed) && !o->c.restart && !o->c.ulimit.n) {
        err_set(e, 0, "no limit was given");
        return err_hint(e, "Type for example: pod update --memory 1g %s", ctr_name(c));
    }
    if (o->c.restart && change_policy(c, changes, e) < 0)
        return -1;
    merge_ulimits(c->record, json_object_get(changes, "ulimits"));
    if (json_object_size(changed)) {
        json_t *limits = json_deep_copy(json_object_get(c->record, "limits"));
        limits = limits ? limits : json_object();
        merge(limits, changed);
        json_object_set_new(c->record, "limits", limits);
        ctr_status(r, c, &s);
        if (ctr_is_up(&s) && apply(r, c, &s, limits, e) < 0)
            return -1;
    }
    if (ctr_write_record(c->dir, c->record, e) < 0 || (o->c.restart && write_policy(c, e) < 0))
        return -1;
    journal_container(c->dir, "update", NULL);
    return 0;
}

int main(int argc, char **argv)
{
    struct err e = ERR_INIT;
    struct options o = {.c = CREATE_OPTS_INIT};
    struct roots r;
    struct ctr c;
    cleanup(strv_free) struct strv names = STRV_INIT;
    int code = 0;
    int first = say_parse(&command, &o, argc, argv, &code);
    if (first < 0)
        return code;
    if (roots_open(&r, &e) < 0 || select_names(&r, &o.which, argv + first, &names, &e) < 0 ||
        ctr_find(&r, names.v[0], &c, &e) < 0 || update(&r, &c, &o, &e) < 0)
        return say_error(&e);
    puts(c.id);
    return say_end(0);
}
