#include "inspect.h"

#include "things/create.h"
#include "things/spec.h"
#include "words/units.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DEFAULT_SHM    65536000
#define DEFAULT_PERIOD 100000
#define NANO           1e9

static void put_str(json_t *o, const char *key, const char *s)
{
    json_object_set_new(o, key, json_string(s));
}

static void put_int(json_t *o, const char *key, int64_t n)
{
    json_object_set_new(o, key, json_integer((json_int_t)n));
}

static const char *mode(const json_t *rec, const char *key, const char *otherwise)
{
    const char *s = jx_str(json_object_get(rec, "namespaces"), key);
    return *s ? s : otherwise;
}

static const char *network_mode(const json_t *rec)
{
    const char *own = jx_str(json_object_get(rec, "network"), "mode");
    return mode(rec, "network", strcmp(own, "private") == 0 ? "slirp4netns" : own);
}

static json_t *log_config(const struct roots *r, const struct ctr *c)
{
    const json_t *log = json_object_get(c->record, "log");
    cleanup(buf_free) struct buf size = BUF_INIT;
    cleanup_free char *dir = ctr_path(r, c->id);
    cleanup_free char *usual = ctr_logs_to_file(c) ? xasprintf("%s/ctr.log", dir) : xstrdup("");
    units_human_size(&size, (uint64_t)jx_int(log, "maxSize", 0), 4, "");
    return json_pack("{s:s, s:n, s:s, s:s, s:s}", "Type", jx_str(log, "driver"), "Config", "Path",
                     *jx_str(log, "path") ? jx_str(log, "path") : usual, "Tag", jx_str(log, "tag"),
                     "Size", buf_str(&size));
}

static json_t *ulimits(const struct ctr *c, const struct ctr_status *s)
{
    json_t *list = json_array(), *own = json_object_get(c->record, "ulimits"), *v;
    cleanup_json all = s->started_ns ? spec_rlimits(c) : or_empty(own, json_array());
    size_t i;
    json_array_foreach(all, i, v)
        json_array_append_new(list, json_pack("{s:s, s:I, s:I}", "Name", jx_str(v, "type"), "Soft",
                                              (json_int_t)jx_int(v, "soft", 0), "Hard",
                                              (json_int_t)jx_int(v, "hard", 0)));
    return list;
}

/* Those of a that b lacks. */
static json_t *without(const json_t *a, const json_t *b)
{
    cleanup(strv_free) struct strv have = STRV_INIT;
    cleanup_json holder = json_pack("{s:O}", "v", b);
    json_t *list = json_array();
    const json_t *v;
    size_t i;
    jx_strv(holder, "v", &have);
    json_array_foreach(a, i, v) if (!strv_has(&have, json_string_value(v)))
        json_array_append_new(list, json_string(json_string_value(v)));
    return list;
}

static void set_caps(const json_t *rec, json_t *o)
{
    cleanup_json usual = caps_default();
    cleanup_json own = or_empty(json_object_get(rec, "caps"), json_array());
    json_object_set_new(o, "CapAdd", without(own, usual));
    json_object_set_new(o, "CapDrop", without(usual, own));
}

static json_t *security(const json_t *rec)
{
    json_t *list = json_array();
    const char *profile = jx_str(rec, "seccomp");
    if (jx_bool(rec, "noNewPrivileges"))
        json_array_append_new(list, json_string("no-new-privileges"));
    if (*profile && !jx_bool(rec, "privileged"))
        json_array_append_new(list, json_sprintf("seccomp=%s", profile));
    return list;
}

static json_t *devices(const json_t *rec)
{
    json_t *list = json_array(), *d;
    size_t i;
    json_array_foreach(json_object_get(rec, "devices"), i, d) json_array_append_new(
        list, json_pack("{s:s, s:s, s:s}", "PathOnHost", jx_str(d, "host"), "PathInContainer",
                        jx_str(d, "path"), "CgroupPermissions", jx_str(d, "access")));
    return list;
}

static json_t *group_add(const json_t *rec)
{
    json_t *list = json_array(), *g;
    size_t i;
    json_array_foreach(json_object_get(rec, "groupAdd"), i, g)
        json_array_append_new(list, json_sprintf("%lld", (long long)json_integer_value(g)));
    return list;
}

static void set_limits(const json_t *rec, json_t *o)
{
    const json_t *l = json_object_get(rec, "limits");
    double cpus = atof(jx_str(l, "cpus"));
    int64_t period = atoll(jx_str(l, "cpuPeriod")), quota = atoll(jx_str(l, "cpuQuota"));
    int64_t memory = jx_int(l, "memory", 0);
    if (cpus > 0) {
        period = DEFAULT_PERIOD;
        quota = (int64_t)(cpus * DEFAULT_PERIOD + 0.5);
    }
    put_int(o, "CpuShares", atoll(jx_str(l, "cpuShares")));
    put_int(o, "Memory", memory);
    put_int(o, "NanoCpus", (int64_t)(cpus * NANO + 0.5));
    put_str(o, "CgroupParent", "");
    inspect_blkio(l, o);
    put_int(o, "CpuPeriod", period);
    put_int(o, "CpuQuota", quota);
    put_int(o, "CpuRealtimePeriod", 0);
    put_int(o, "CpuRealtimeRuntime", 0);
    put_str(o, "CpusetCpus", jx_str(l, "cpusetCpus"));
    put_str(o, "CpusetMems", jx_str(l, "cpusetMems"));
    json_object_set_new(o, "Devices", devices(rec));
    put_int(o, "DiskQuota", 0);
    put_int(o, "KernelMemory", 0);
    put_int(o, "MemoryReservation", jx_int(l, "memoryReservation", 0));
    put_int(o, "MemorySwap", jx_int(l, "memorySwap", 2 * memory));
    put_int(o, "MemorySwappiness", 0);
    json_object_set_new(o, "OomKillDisable", json_false());
    if (jx_bool(rec, "init"))
        json_object_set_new(o, "Init", json_true());
    put_int(o, "PidsLimit", jx_int(l, "pids", 0));
}

static void set_maps(const json_t *rec, json_t *o)
{
    static const char *const keys[2][2] = {{"uidMaps", "UidMap"}, {"gidMaps", "GidMap"}};
    if (!json_object_get(rec, "uidMaps"))
        return;
    json_t *maps = json_object(), *m;
    for (int k = 0; k < 2; k++) {
        json_t *list = json_array();
        size_t i;
        json_array_foreach(json_object_get(rec, keys[k][0]), i, m) json_array_append_new(
            list, json_sprintf("%lld:%lld:%lld", (long long)jx_int(m, "containerID", 0),
                               (long long)jx_int(m, "hostID", 0), (long long)jx_int(m, "size", 0)));
        json_object_set_new(maps, keys[k][1], list);
    }
    json_object_set_new(o, "IDMappings", maps);
}

static void set_names(const json_t *rec, json_t *o)
{
    const json_t *net = json_object_get(rec, "network");
    const char *userns = jx_str(rec, "userns");
    bool own = spec_remaps(rec);
    json_object_set_new(o, "Dns", or_empty(json_object_get(net, "dns"), json_array()));
    json_object_set_new(o, "DnsOptions",
                        or_empty(json_object_get(net, "dnsOptions"), json_array()));
    json_object_set_new(o, "DnsSearch", or_empty(json_object_get(net, "dnsSearch"), json_array()));
    json_object_set_new(o, "ExtraHosts", or_empty(json_object_get(net, "addHosts"), json_array()));
    json_object_set_new(o, "GroupAdd", group_add(rec));
    put_str(o, "IpcMode", mode(rec, "ipc", "shareable"));
    put_str(o, "Cgroup", "");
    put_str(o, "Cgroups", strcmp(jx_str(rec, "cgroups"), "disabled") == 0 ? "disabled" : "default");
    json_object_set_new(o, "Links", json_null());
    put_int(o, "OomScoreAdj", jx_int(rec, "oomScoreAdj", 0));
    put_str(o, "PidMode", mode(rec, "pid", "private"));
    json_object_set_new(o, "Privileged", json_boolean(jx_bool(rec, "privileged")));
    json_object_set_new(o, "PublishAllPorts", json_boolean(jx_bool(rec, "publishAll")));
    json_object_set_new(o, "ReadonlyRootfs", json_boolean(jx_bool(rec, "readOnly")));
    json_object_set_new(o, "SecurityOpt", security(rec));
    json_object_set_new(o, "Tmpfs", inspect_tmpfs(rec));
    put_str(o, "UTSMode", mode(rec, "uts", "private"));
    put_str(o, "UsernsMode", own ? "private" : userns);
    set_maps(rec, o);
    put_int(o, "ShmSize", jx_int(rec, "shmSize", DEFAULT_SHM));
    put_str(o, "Runtime", "oci");
    json_object_set_new(o, "ConsoleSize", json_pack("[i, i]", 0, 0));
    put_str(o, "Isolation", "");
}

json_t *inspect_host(const struct roots *r, const struct ctr *c, const struct ctr_status *s)
{
    const json_t *rec = c->record, *restart = json_object_get(rec, "restart");
    const char *policy = jx_str(restart, "policy"), *manager = jx_str(rec, "cgroupManager");
    json_t *o = json_object();
    json_object_set_new(o, "Binds", inspect_binds(rec));
    put_str(o, "CgroupManager", *manager ? manager : "cgroupfs");
    put_str(o, "CgroupMode", mode(rec, "cgroup", "private"));
    put_str(o, "ContainerIDFile", jx_str(rec, "cidfile"));
    json_object_set_new(o, "LogConfig", log_config(r, c));
    put_str(o, "NetworkMode", network_mode(rec));
    json_object_set_new(o, "PortBindings", inspect_ports(rec));
    json_object_set_new(o, "RestartPolicy",
                        json_pack("{s:s, s:I}", "Name", *policy ? policy : "no",
                                  "MaximumRetryCount", (json_int_t)jx_int(restart, "max", 0)));
    json_object_set_new(o, "AutoRemove", json_boolean(jx_bool(rec, "rm")));
    json_object_set_new(o, "AutoRemoveImage", json_boolean(jx_bool(rec, "rmi")));
    put_str(o, "VolumeDriver", "");
    json_object_set_new(o, "VolumesFrom",
                        or_empty(json_object_get(rec, "volumesFrom"), json_null()));
    set_caps(rec, o);
    set_names(rec, o);
    set_limits(rec, o);
    json_object_set_new(o, "Ulimits", ulimits(c, s));
    static const char *const windows[] = {"CpuCount", "CpuPercent", "IOMaximumIOps",
                                          "IOMaximumBandwidth"};
    for (size_t i = 0; i < sizeof windows / sizeof *windows; i++)
        put_int(o, windows[i], 0);
    json_object_set_new(o, "CgroupConf", json_null());
    return o;
}
