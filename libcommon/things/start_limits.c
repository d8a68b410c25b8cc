#include "things/start_chain.h"

#include "things/spawn.h"

/* One option of pod-cgroup, when the limit is set. */
static void add_limit(struct strv *argv, const json_t *l, const char *key, const char *option)
{
    const json_t *v = json_object_get(l, key);
    if (!v)
        return;
    strv_add(argv, option);
    if (json_is_integer(v))
        strv_addf(argv, "%lld", (long long)json_integer_value(v));
    else
        strv_add(argv, jx_str(l, key));
}

void chain_limits(const json_t *l, struct strv *argv)
{
    cleanup(strv_free) struct strv files = STRV_INIT;
    add_limit(argv, l, "memory", "--memory");
    add_limit(argv, l, "memorySwap", "--memory-swap");
    add_limit(argv, l, "memoryReservation", "--memory-reservation");
    add_limit(argv, l, "cpus", "--cpus");
    add_limit(argv, l, "cpuShares", "--cpu-shares");
    add_limit(argv, l, "cpuQuota", "--cpu-quota");
    add_limit(argv, l, "cpuPeriod", "--cpu-period");
    add_limit(argv, l, "cpusetCpus", "--cpuset-cpus");
    add_limit(argv, l, "cpusetMems", "--cpuset-mems");
    add_limit(argv, l, "pids", "--pids");
    jx_strv(l, "files", &files);
    for (size_t i = 0; i < files.n; i++) {
        strv_add(argv, "--file");
        strv_add(argv, files.v[i]);
    }
}

void chain_cgroup(const struct chain *ch, const struct ctr *c, bool prepare, struct strv *argv)
{
    const json_t *l = json_object_get(c->record, "limits");
    if (!json_object_size(l))
        return;
    strv_take(argv, tool_path("pod-cgroup"));
    strv_add(argv, "--name");
    strv_add(argv, c->id);
    if (prepare) {
        strv_add(argv, "--prepare");
    } else {
        strv_add(argv, "--path-file");
        strv_addf(argv, "%s/cgroup", ch->run_dir);
    }
    add_limit(argv, l, "parent", "--parent");
    add_limit(argv, l, "own", "--own");
    chain_limits(l, argv);
    strv_add(argv, "--");
}
