#include "inspect/inspect.h"

#include "plain/buf.h"
#include "plain/str.h"
#include "things/create.h"

#include <stdlib.h>
#include <string.h>

#define CPU_PERIOD 100000

static void set_str(json_t *o, const char *key, const char *text)
{
    json_object_set_new(o, key, json_string(text));
}

static void set_int(json_t *o, const char *key, int64_t v)
{
    json_object_set_new(o, key, json_integer((json_int_t)v));
}

static const char *network_mode(const json_t *rec)
{
    const char *mode = jx_str(json_object_get(rec, "network"), "mode");
    const char *ns = jx_str(json_object_get(rec, "namespaces"), "network");
    return *ns ? ns : strcmp(mode, "private") == 0 ? "slirp4netns" : mode;
}

/* Those of one list that the other has not got. */
static json_t *difference(const struct strv *of, const struct strv *without)
{
    json_t *list = json_array();
    for (size_t i = 0; i < of->n; i++)
        if (!strv_has(without, of->v[i]))
            json_array_append_new(list, json_string(of->v[i]));
    return list;
}

static void add_caps(json_t *o, const json_t *rec)
{
    cleanup(strv_free) struct strv have = STRV_INIT, usual = STRV_INIT;
    jx_strv(rec, "caps", &have);
    for (const char *const *d = create_default_caps; *d; d++)
        strv_add(&usual, *d);
    json_object_set_new(o, "CapAdd", difference(&have, &usual));
    json_object_set_new(o, "CapDrop", difference(&usual, &have));
}

static json_t *security_of(const json_t *rec)
{
    json_t *list = json_array();
    if (jx_bool(rec, "noNewPrivileges"))
        json_array_append_new(list, json_string("no-new-privileges"));
    if (jx_str0(rec, "seccomp")) {
        cleanup_free char *text = xasprintf("seccomp=%s", jx_str(rec, "seccomp"));
        json_array_append_new(list, json_string(text));
    }
    return list;
}

static json_t *tmpfs_of(const json_t *rec)
{
    json_t *o = json_object();
    const json_t *m;
    size_t i;
    json_array_foreach(json_object_get(rec, "mounts"), i, m)
    {
        cleanup(strv_free) struct strv options = STRV_INIT;
        cleanup(buf_free) struct buf b = BUF_INIT;
        if (strcmp(jx_str(m, "type"), "tmpfs") != 0)
            continue;
        jx_strv(m, "options", &options);
        for (size_t k = 0; k < options.n; k++)
            buf_addf(&b, "%s%s", k ? "," : "", options.v[k]);
        set_str(o, jx_str(m, "destination"), buf_str(&b));
    }
    return o;
}

static json_t *devices_of(const json_t *rec)
{
    json_t *list = json_array();
    const json_t *d;
    size_t i;
    json_array_foreach(json_object_get(rec, "devices"), i, d) json_array_append_new(
        list, json_pack("{s:s, s:s, s:s}", "PathOnHost", jx_str(d, "host"), "PathInContainer",
                        jx_str(d, "path"), "CgroupPermissions", jx_str(d, "access")));
    return list;
}

static json_t *ulimits_of(const json_t *rec)
{
    json_t *list = json_array();
    const json_t *u;
    size_t i;
    json_array_foreach(json_object_get(rec, "ulimits"), i, u)
        json_array_append_new(list, json_pack("{s:s, s:I, s:I}", "Name", jx_str(u, "type"), "Soft",
                                              (json_int_t)jx_int(u, "soft", -1), "Hard",
                                              (json_int_t)jx_int(u, "hard", -1)));
    return list;
}

static void add_limits(json_t *o, const json_t *rec)
{
    const json_t *l = json_object_get(rec, "limits");
    double cpus = strtod(jx_str(l, "cpus"), NULL);
    set_int(o, "CpuShares", atoll(jx_str(l, "cpuShares")));
    set_int(o, "Memory", jx_int(l, "memory", 0));
    set_int(o, "NanoCpus", (int64_t)(cpus * 1e9 + 0.5));
    set_str(o, "CgroupParent", "");
    set_int(o, "BlkioWeight", 0);
    static const char *const none[] = {"BlkioWeightDevice",    "BlkioDeviceReadBps",
                                       "BlkioDeviceWriteBps",  "BlkioDeviceReadIOps",
                                       "BlkioDeviceWriteIOps", NULL};
    for (size_t i = 0; none[i]; i++)
        json_object_set_new(o, none[i], json_null());
    set_int(o, "CpuPeriod", cpus > 0 ? CPU_PERIOD : 0);
    set_int(o, "CpuQuota", (int64_t)(cpus * CPU_PERIOD + 0.5));
    set_int(o, "CpuRealtimePeriod", 0);
    set_int(o, "CpuRealtimeRuntime", 0);
    set_str(o, "CpusetCpus", jx_str(l, "cpusetCpus"));
    set_str(o, "CpusetMems", jx_str(l, "cpusetMems"));
    json_object_set_new(o, "Devices", devices_of(rec));
    set_int(o, "DiskQuota", 0);
    set_int(o, "KernelMemory", 0);
    set_int(o, "MemoryReservation", jx_int(l, "memoryReservation", 0));
    set_int(o, "MemorySwap", jx_int(l, "memorySwap", 0));
    set_int(o, "MemorySwappiness", 0);
    json_object_set_new(o, "OomKillDisable", json_false());
    set_int(o, "PidsLimit", jx_int(l, "pids", 0));
    json_object_set_new(o, "Ulimits", ulimits_of(rec));
    static const char *const zero[] = {"CpuCount", "CpuPercent", "IOMaximumIOps",
                                       "IOMaximumBandwidth", NULL};
    for (size_t i = 0; zero[i]; i++)
        set_int(o, zero[i], 0);
    json_object_set_new(o, "CgroupConf", json_null());
}

static json_t *log_of(const struct roots *r, const struct ctr *c)
{
    const json_t *log = json_object_get(c->record, "log");
    const char *driver = jx_str(log, "driver");
    bool is_file = strcmp(driver, "none") != 0 && strcmp(driver, "passthrough") != 0;
    cleanup_free char *dir = ctr_path(r, c->id);
    cleanup_free char *usual = is_file ? xasprintf("%s/ctr.log", dir) : xstrdup("");
    cleanup_free char *size = xasprintf("%lldB", (long long)jx_int(log, "maxSize", 0));
    return json_pack("{s:s, s:n, s:s, s:s, s:s}", "Type", driver, "Config", "Path",
                     *jx_str(log, "path") ? jx_str(log, "path") : usual, "Tag", jx_str(log, "tag"),
                     "Size", size);
}

static const char *mode_of(const json_t *rec, const char *key, const char *otherwise)
{
    const char *mode = jx_str(json_object_get(rec, "namespaces"), key);
    return *mode ? mode : otherwise;
}

static void add_modes(json_t *o, const json_t *rec)
{
    const json_t *net = json_object_get(rec, "network");
    json_object_set_new(o, "Dns", inspect_copy(net, "dns", json_array()));
    json_object_set_new(o, "DnsOptions", inspect_copy(net, "dnsOptions", json_array()));
    json_object_set_new(o, "DnsSearch", inspect_copy(net, "dnsSearch", json_array()));
    json_object_set_new(o, "ExtraHosts", inspect_copy(net, "addHosts", json_array()));
    json_object_set_new(o, "GroupAdd", inspect_copy(rec, "groupAdd", json_array()));
    set_str(o, "IpcMode", mode_of(rec, "ipc", "shareable"));
    set_str(o, "Cgroup", "");
    set_str(o, "Cgroups", "default");
    json_object_set_new(o, "Links", json_null());
    set_int(o, "OomScoreAdj", jx_int(rec, "oomScoreAdj", 0));
    set_str(o, "PidMode", mode_of(rec, "pid", "private"));
    json_object_set_new(o, "Privileged", json_boolean(jx_bool(rec, "privileged")));
    json_object_set_new(o, "PublishAllPorts", json_false());
    json_object_set_new(o, "ReadonlyRootfs", json_boolean(jx_bool(rec, "readOnly")));
    json_object_set_new(o, "SecurityOpt", security_of(rec));
    json_object_set_new(o, "Tmpfs", tmpfs_of(rec));
    set_str(o, "UTSMode", mode_of(rec, "uts", "private"));
    set_str(o, "UsernsMode", jx_str(rec, "userns"));
    set_int(o, "ShmSize", jx_int(rec, "shmSize", 65536000));
    set_str(o, "Runtime", "oci");
    json_object_set_new(o, "ConsoleSize", json_pack("[i, i]", 0, 0));
    set_str(o, "Isolation", "");
    json_object_set_new(o, "Init", json_boolean(jx_bool(rec, "init")));
}

json_t *inspect_host_config(const struct roots *r, const struct ctr *c)
{
    const json_t *rec = c->record, *restart = json_object_get(rec, "restart");
    json_t *o = json_object();
    json_object_set_new(o, "Binds", inspect_binds(rec));
    set_str(o, "CgroupManager", "cgroupfs");
    set_str(o, "CgroupMode", mode_of(rec, "cgroup", "private"));
    set_str(o, "ContainerIDFile", jx_str(rec, "cidfile"));
    json_object_set_new(o, "LogConfig", log_of(r, c));
    set_str(o, "NetworkMode", network_mode(rec));
    json_object_set_new(o, "PortBindings", inspect_ports(rec));
    json_object_set_new(o, "RestartPolicy",
                        json_pack("{s:s, s:I}", "Name",
                                  *jx_str(restart, "policy") ? jx_str(restart, "policy") : "",
                                  "MaximumRetryCount", (json_int_t)jx_int(restart, "max", 0)));
    json_object_set_new(o, "AutoRemove", json_boolean(jx_bool(rec, "rm")));
    set_str(o, "VolumeDriver", "");
    json_object_set_new(o, "VolumesFrom", json_null());
    add_caps(o, rec);
    add_modes(o, rec);
    add_limits(o, rec);
    return o;
}
