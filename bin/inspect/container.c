#include "inspect.h"

#include "disk/at.h"
#include "things/ctr_size.h"
#include "things/health.h"
#include "things/store.h"
#include "words/timefmt.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

json_t *or_empty(const json_t *v, json_t *empty)
{
    if (!v)
        return empty;
    json_decref(empty);
    return json_deep_copy(v);
}

static json_t *when(int64_t ns)
{
    cleanup(buf_free) struct buf b = BUF_INIT;
    timefmt_rfc3339(&b, ns ? timefmt_from_ns(ns) : (struct timespec){.tv_sec = TIMEFMT_NEVER});
    return json_string(b.s);
}

/* The cgroup v2 path of the first process, "" when it does not run. */
static json_t *cgroup_of(pid_t pid)
{
    char path[40];
    cleanup(buf_free) struct buf b = BUF_INIT;
    snprintf(path, sizeof path, "/proc/%d/cgroup", pid);
    if (pid <= 0 || at_read(AT_FDCWD, path, 65536, &b) < 0 || !b.s)
        return json_string("");
    char *line = str_starts(b.s, "0::") ? b.s : strstr(b.s, "\n0::");
    if (!line)
        return json_string("");
    line += strspn(line, "\n") + 3;
    line[strcspn(line, "\n")] = '\0';
    return json_string(line);
}

static json_t *state_of(const struct ctr *c, const struct ctr_status *s)
{
    char error[512] = "";
    cleanup(buf_free) struct buf b = BUF_INIT;
    if (s->state == CTR_EXITED && at_read(c->dir, "exit", 65536, &b) == 0)
        (void)kv_str(buf_str(&b), "error", error, sizeof error);
    json_t *o = json_pack(
        "{s:s, s:s, s:b, s:b, s:b, s:b, s:b, s:i, s:i, s:s, s:o, s:o, s:o, s:o, s:o}", "OciVersion",
        "1.0.2", "Status", ctr_state_shown(s), "Running", s->state == CTR_RUNNING, "Paused",
        s->state == CTR_PAUSED, "Restarting", 0, "OOMKilled", s->oom, "Dead", 0, "Pid", (int)s->pid,
        "ExitCode", s->exit_code, "Error", error, "StartedAt", when(s->started_ns), "FinishedAt",
        when(s->finished_ns), "Health", health_read(c), "CheckpointedAt", when(0), "RestoredAt",
        when(0));
    json_object_set_new(o, "CgroupPath", cgroup_of(s->pid));
    if (s->monitor)
        json_object_set_new(o, "ConmonPid", json_integer(s->monitor));
    return o;
}

/* Ids of the containers whose namespaces it joins or that it requires. */
static json_t *dependencies(const json_t *rec)
{
    json_t *list = or_empty(json_object_get(rec, "requires"), json_array());
    const char *key;
    const json_t *v;
    json_object_foreach((json_t *)(uintptr_t)json_object_get(rec, "namespaces"), key, v)
    {
        const char *s = json_string_value(v);
        if (str_starts(s, "container:"))
            json_array_append_new(list, json_string(s + strlen("container:")));
    }
    return list;
}

static json_t *image_digest(const struct roots *r, const json_t *rec)
{
    cleanup_store s = STORE_INIT;
    struct err ignored = ERR_INIT;
    if (!jx_str0(rec, "image") || store_open_images(r, &s, &ignored) < 0)
        return json_string("");
    return json_string(jx_str(store_image(&s, jx_str(rec, "image")), "digest"));
}

static json_t *graph_driver(const struct roots *r, const struct ctr *c, const char *dir)
{
    cleanup(buf_free) struct buf lower = BUF_INIT;
    const json_t *v;
    size_t i;
    json_array_foreach(json_object_get(c->record, "lowers"), i, v)
        buf_addf(&lower, "%s%s/overlay/%s", i ? ":" : "", r->graph_path, json_string_value(v));
    return json_pack("{s:s, s:{s:s, s:o, s:o, s:o}}", "Name", "overlay", "Data", "LowerDir",
                     buf_str(&lower), "MergedDir", json_sprintf("%s/rootfs", dir), "UpperDir",
                     json_sprintf("%s/upper", dir), "WorkDir", json_sprintf("%s/work", dir));
}

static void set_paths(const struct roots *r, const struct ctr *c, const char *dir, json_t *o)
{
    static const struct {
        const char *key, *file;
    } run[] = {{"ResolvConfPath", "resolv.conf"},
               {"HostnamePath", "hostname"},
               {"HostsPath", "hosts"},
               {"OCIConfigPath", "config.json"},
               {"PidFile", "pid"}};
    for (size_t i = 0; i < sizeof run / sizeof *run; i++)
        json_object_set_new(o, run[i].key,
                            json_sprintf("%s/%s/%s", r->run_path, c->id, run[i].file));
    if (jx_str0(c->record, "pidfile"))
        json_object_set_new(o, "PidFile", json_string(jx_str(c->record, "pidfile")));
    json_object_set_new(o, "ConmonPidFile", json_string(jx_str(c->record, "conmonPidfile")));
    json_object_set_new(o, "StaticDir", json_string(dir));
}

static void set_caps(const json_t *rec, json_t *o)
{
    const json_t *caps = json_object_get(rec, "caps");
    bool root = jx_int(rec, "uid", 0) == 0;
    json_object_set_new(o, "EffectiveCaps",
                        or_empty(root ? caps : json_object_get(rec, "capAdd"), json_null()));
    json_object_set_new(o, "BoundingCaps", or_empty(caps, json_array()));
}

static void set_names(const struct ctr *c, const struct ctr_status *s, json_t *o)
{
    const json_t *rec = c->record;
    static const char *const labels[] = {"MountLabel", "ProcessLabel", "AppArmorProfile"};
    json_object_set_new(o, "Name", json_string(ctr_name(c)));
    json_object_set_new(
        o, "OCIRuntime",
        json_string(*jx_str(rec, "runtime") ? jx_str(rec, "runtime") : "pod-runtime"));
    json_object_set_new(o, "RestartCount", json_integer(s->restarts));
    json_object_set_new(o, "Driver", json_string("overlay"));
    for (size_t i = 0; i < sizeof labels / sizeof *labels; i++)
        json_object_set_new(o, labels[i], json_string(""));
    json_object_set_new(o, "Namespace", json_string(""));
    json_object_set_new(o, "IsInfra", json_boolean(jx_bool(rec, "infra")));
    json_object_set_new(o, "IsService", json_false());
    json_object_set_new(o, "ExecIDs", json_array());
    json_object_set_new(o, "Dependencies", dependencies(rec));
}

static int set_sizes(const struct roots *r, const struct ctr *c, json_t *o, struct err *e)
{
    cleanup(strv_free) struct strv id = STRV_INIT, image = STRV_INIT;
    struct ctr_size z;
    strv_add(&id, c->id);
    strv_add(&image, jx_str(c->record, "image"));
    if (ctr_sizes(r, &id, &image, &z, e) < 0)
        return -1;
    json_object_set_new(o, "SizeRw", json_integer(z.written));
    json_object_set_new(o, "SizeRootFs", json_integer(z.written + z.image));
    return 0;
}

json_t *inspect_container(const struct roots *r, const struct ctr *c, bool size, struct err *e)
{
    const json_t *rec = c->record, *args = json_object_get(rec, "args");
    struct ctr_status s;
    ctr_status(r, c, &s);
    cleanup_free char *dir = ctr_path(r, c->id);
    json_t *rest = args ? json_deep_copy(args) : json_array();
    const char *path = json_string_value(json_array_get(args, 0));
    json_array_remove(rest, 0);
    json_t *o = json_pack("{s:s, s:s, s:s, s:o, s:o, s:s, s:o, s:s, s:s, s:s}", "Id", c->id,
                          "Created", jx_str(rec, "created"), "Path", path ? path : "", "Args", rest,
                          "State", state_of(c, &s), "Image", jx_str(rec, "image"), "ImageDigest",
                          image_digest(r, rec), "ImageName", jx_str(rec, "imageName"), "Rootfs",
                          jx_str(rec, "rootfs"), "Pod", jx_str(rec, "pod"));
    set_paths(r, c, dir, o);
    set_names(c, &s, o);
    set_caps(rec, o);
    json_object_set_new(o, "GraphDriver", graph_driver(r, c, dir));
    json_object_set_new(o, "Mounts", inspect_mounts(rec));
    json_object_set_new(o, "NetworkSettings", inspect_network(r, c));
    json_object_set_new(o, "Config", inspect_config(rec));
    json_object_set_new(o, "HostConfig", inspect_host(r, c, &s));
    if (size && set_sizes(r, c, o, e) < 0) {
        json_decref(o);
        return NULL;
    }
    return o;
}
