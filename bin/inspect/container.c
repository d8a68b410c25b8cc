#include "inspect/inspect.h"

#include "disk/at.h"
#include "plain/buf.h"
#include "plain/fdio.h"
#include "things/store.h"
#include "words/timefmt.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static json_t *when(int64_t ns)
{
    cleanup(buf_free) struct buf b = BUF_INIT;
    timefmt_rfc3339(&b, ns ? timefmt_from_ns(ns) : (struct timespec){.tv_sec = TIMEFMT_NEVER});
    return json_string(b.s);
}

static void set_str(json_t *o, const char *key, const char *text)
{
    json_object_set_new(o, key, json_string(text));
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

static json_t *state_of(const struct ctr_status *s)
{
    static const char *const no[] = {"Restarting", "Dead", NULL};
    json_t *o = json_object();
    set_str(o, "OciVersion", "1.0.2");
    set_str(o, "Status", ctr_state_name(s->state));
    json_object_set_new(o, "Running", json_boolean(s->state == CTR_RUNNING));
    json_object_set_new(o, "Paused", json_boolean(s->state == CTR_PAUSED));
    for (size_t i = 0; no[i]; i++)
        json_object_set_new(o, no[i], json_false());
    json_object_set_new(o, "OOMKilled", json_boolean(s->oom));
    json_object_set_new(o, "Pid", json_integer(s->pid));
    json_object_set_new(o, "ConmonPid", json_integer(s->monitor));
    json_object_set_new(o, "ExitCode", json_integer(s->exit_code));
    set_str(o, "Error", "");
    json_object_set_new(o, "StartedAt", when(s->started_ns));
    json_object_set_new(o, "FinishedAt", when(s->finished_ns));
    json_object_set_new(o, "Health",
                        json_pack("{s:s, s:i, s:n}", "Status", "", "FailingStreak", 0, "Log"));
    json_object_set_new(o, "CgroupPath", cgroup_of(s->pid));
    json_object_set_new(o, "CheckpointedAt", when(0));
    json_object_set_new(o, "RestoredAt", when(0));
    return o;
}

/* The manifest's digest, when the image is still there. */
static json_t *image_digest(const struct roots *r, const char *id)
{
    cleanup_store s = STORE_INIT;
    struct err ignored = ERR_INIT;
    if (!*id || store_open_images(r, &s, &ignored) < 0)
        return json_string("");
    return json_string(jx_str(store_image(&s, id), "digest"));
}

static json_t *driver_of(const struct roots *r, const struct ctr *c, const char *dir)
{
    cleanup(strv_free) struct strv lowers = STRV_INIT;
    cleanup(buf_free) struct buf lower = BUF_INIT;
    json_t *data = json_object();
    jx_strv(c->record, "lowers", &lowers);
    for (size_t i = 0; i < lowers.n; i++)
        buf_addf(&lower, "%s%s/overlay/%s", i ? ":" : "", r->graph_path, lowers.v[i]);
    if (lower.len)
        set_str(data, "LowerDir", lower.s);
    static const struct {
        const char *key, *name;
    } dirs[] = {{"MergedDir", "rootfs"}, {"UpperDir", "upper"}, {"WorkDir", "work"}};
    for (size_t i = 0; i < 3; i++) {
        cleanup_free char *path = xasprintf("%s/%s", dir, dirs[i].name);
        set_str(data, dirs[i].key, path);
    }
    return json_pack("{s:s, s:o}", "Name", "overlay", "Data", data);
}

static void add_paths(const struct roots *r, const struct ctr *c, const char *dir, json_t *o)
{
    static const struct {
        const char *key, *name;
    } files[] = {{"ResolvConfPath", "resolv.conf"},
                 {"HostnamePath", "hostname"},
                 {"HostsPath", "hosts"},
                 {"OCIConfigPath", "config.json"},
                 {"PidFile", "pid"}};
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        cleanup_free char *path = xasprintf("%s/%s/%s", r->run_path, c->id, files[i].name);
        set_str(o, files[i].key, path);
    }
    set_str(o, "StaticDir", dir);
    set_str(o, "ConmonPidFile", "");
}

json_t *inspect_container(const struct roots *r, const struct ctr *c)
{
    const json_t *rec = c->record, *args = json_object_get(rec, "args");
    struct ctr_status s;
    ctr_status(r, c, &s);
    cleanup_free char *dir = ctr_path(r, c->id);
    json_t *rest = inspect_copy(rec, "args", json_array()), *o = json_object();
    const char *path = json_string_value(json_array_get(args, 0));
    json_array_remove(rest, 0);
    set_str(o, "Id", c->id);
    set_str(o, "Created", jx_str(rec, "created"));
    set_str(o, "Path", path ? path : "");
    json_object_set_new(o, "Args", rest);
    json_object_set_new(o, "State", state_of(&s));
    set_str(o, "Image", jx_str(rec, "image"));
    json_object_set_new(o, "ImageDigest", image_digest(r, jx_str(rec, "image")));
    set_str(o, "ImageName", jx_str(rec, "imageName"));
    set_str(o, "Rootfs", "");
    set_str(o, "Pod", jx_str(rec, "pod"));
    add_paths(r, c, dir, o);
    set_str(o, "OCIRuntime", *jx_str(rec, "runtime") ? jx_str(rec, "runtime") : "pod-runtime");
    set_str(o, "Name", ctr_name(c));
    json_object_set_new(o, "RestartCount", json_integer(s.restarts));
    set_str(o, "Driver", "overlay");
    static const char *const labels[] = {"MountLabel", "ProcessLabel", "AppArmorProfile", NULL};
    for (size_t i = 0; labels[i]; i++)
        set_str(o, labels[i], "");
    json_object_set_new(o, "EffectiveCaps", inspect_copy(rec, "caps", json_array()));
    json_object_set_new(o, "BoundingCaps", inspect_copy(rec, "caps", json_array()));
    json_object_set_new(o, "ExecIDs", json_array());
    json_object_set_new(o, "GraphDriver", driver_of(r, c, dir));
    json_object_set_new(o, "Mounts", inspect_mounts(r, rec));
    json_object_set_new(o, "Dependencies", json_array());
    json_object_set_new(o, "NetworkSettings", inspect_network(r, c));
    set_str(o, "Namespace", "");
    json_object_set_new(o, "IsInfra", json_boolean(jx_bool(rec, "infra")));
    json_object_set_new(o, "IsService", json_false());
    json_object_set_new(o, "Config", inspect_config(rec));
    json_object_set_new(o, "HostConfig", inspect_host_config(r, c));
    return o;
}
