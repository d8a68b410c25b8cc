/* pod-inspect: all about containers, images and pods as JSON, in podman's shape. */
#include "say.h"

#include "things/ctr.h"
#include "things/pod.h"
#include "things/spawn.h"
#include "things/table.h"
#include "words/timefmt.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct options {
    const char *format, *type;
    bool latest;
};

#define AT(f) offsetof(struct options, f)
static const struct opt options[] = {
    {"format", 'f', OPT_STR, "FORMAT", "json or a Go template", AT(format)},
    {"latest", 'l', OPT_BOOL, NULL, "The container created last", AT(latest)},
    {"type", 0, OPT_STR, "TYPE", "container, image, pod or all", AT(type)},
    {0},
};

static const struct cmd command = {
    .name = "pod inspect",
    .operands = "NAME...",
    .summary = "Show all about containers, images and pods",
    .more = "Exit codes: 0 done, 125 pod failed or there is nothing of that name.",
    .opts = options,
    .max = -1,
};

static json_t *when(int64_t ns)
{
    cleanup(buf_free) struct buf b = BUF_INIT;
    timefmt_rfc3339(&b, ns ? timefmt_from_ns(ns) : (struct timespec){.tv_sec = TIMEFMT_NEVER});
    return json_string(b.s);
}

static json_t *state_of(const struct ctr_status *s)
{
    return json_pack("{s:s, s:s, s:b, s:b, s:b, s:b, s:b, s:i, s:i, s:i, s:s, s:o, s:o}",
                     "OciVersion", "1.0.2", "Status", ctr_state_name(s->state), "Running",
                     s->state == CTR_RUNNING, "Paused", s->state == CTR_PAUSED, "Restarting", 0,
                     "OOMKilled", s->oom, "Dead", 0, "Pid", (int)s->pid, "ConmonPid",
                     (int)s->monitor, "ExitCode", s->exit_code, "Error", "", "StartedAt",
                     when(s->started_ns), "FinishedAt", when(s->finished_ns));
}

static json_t *or_empty(const json_t *v, json_t *empty)
{
    if (!v)
        return empty;
    json_decref(empty);
    return json_deep_copy(v);
}

static json_t *config_of(const json_t *rec)
{
    cleanup(strv_free) struct strv entry = STRV_INIT;
    struct buf joined = BUF_INIT;
    jx_strv(rec, "entrypoint", &entry);
    for (size_t i = 0; i < entry.n; i++)
        buf_addf(&joined, "%s%s", i ? " " : "", entry.v[i]);
    cleanup_free char *entrypoint = buf_take(&joined);
    return json_pack("{s:s, s:s, s:b, s:b, s:o, s:o, s:s, s:s, s:s, s:o, s:o, s:I, s:o, s:s, s:I}",
                     "Hostname", jx_str(rec, "hostname"), "User", jx_str(rec, "user"), "Tty",
                     jx_bool(rec, "tty"), "OpenStdin", jx_bool(rec, "stdin"), "Env",
                     or_empty(json_object_get(rec, "env"), json_array()), "Cmd",
                     or_empty(json_object_get(rec, "command"), json_array()), "Image",
                     jx_str(rec, "imageName"), "WorkingDir", jx_str(rec, "workdir"), "Entrypoint",
                     entrypoint, "Labels", or_empty(json_object_get(rec, "labels"), json_object()),
                     "Annotations", or_empty(json_object_get(rec, "annotations"), json_object()),
                     "StopSignal", (json_int_t)jx_int(rec, "stopSignal", 15), "CreateCommand",
                     or_empty(json_object_get(rec, "createCommand"), json_array()), "Umask",
                     *jx_str(rec, "umask") ? jx_str(rec, "umask") : "0022", "StopTimeout",
                     (json_int_t)jx_int(rec, "stopTimeout", 10));
}

static json_t *bindings_of(const json_t *rec)
{
    json_t *all = json_object();
    const json_t *p;
    size_t i;
    json_array_foreach(json_object_get(json_object_get(rec, "network"), "ports"), i, p)
    {
        cleanup_free char *key =
            xasprintf("%lld/%s", (long long)jx_int(p, "containerPort", 0), jx_str(p, "protocol"));
        cleanup_free char *host = xasprintf("%lld", (long long)jx_int(p, "hostPort", 0));
        if (!json_object_get(all, key))
            json_object_set_new(all, key, json_array());
        json_array_append_new(
            json_object_get(all, key),
            json_pack("{s:s, s:s}", "HostIp", jx_str(p, "hostIp"), "HostPort", host));
    }
    return all;
}

static const char *network_mode(const json_t *rec)
{
    const char *mode = jx_str(json_object_get(rec, "network"), "mode");
    const char *ns = jx_str(json_object_get(rec, "namespaces"), "network");
    return *ns ? ns : strcmp(mode, "private") == 0 ? "slirp4netns" : mode;
}

static json_t *host_config_of(const json_t *rec)
{
    const json_t *ns = json_object_get(rec, "namespaces"),
                 *restart = json_object_get(rec, "restart");
    const json_t *limits = json_object_get(rec, "limits"), *log = json_object_get(rec, "log");
    const char *policy = *jx_str(restart, "policy") ? jx_str(restart, "policy") : "no";
    json_t *o = json_pack(
        "{s:s, s:o, s:{s:s, s:I}, s:b, s:b, s:b, s:s, s:s, s:s, s:s, s:I, s:I, s:I, s:{s:s, s:s}, "
        "s:b}",
        "NetworkMode", network_mode(rec), "PortBindings", bindings_of(rec), "RestartPolicy", "Name",
        policy, "MaximumRetryCount", (json_int_t)jx_int(restart, "max", 0), "AutoRemove",
        jx_bool(rec, "rm"), "Privileged", jx_bool(rec, "privileged"), "ReadonlyRootfs",
        jx_bool(rec, "readOnly"), "IpcMode", *jx_str(ns, "ipc") ? jx_str(ns, "ipc") : "private",
        "PidMode", *jx_str(ns, "pid") ? jx_str(ns, "pid") : "private", "UTSMode",
        *jx_str(ns, "uts") ? jx_str(ns, "uts") : "private", "UsernsMode", jx_str(rec, "userns"),
        "ShmSize", (json_int_t)jx_int(rec, "shmSize", 65536000), "Memory",
        (json_int_t)jx_int(limits, "memory", 0), "PidsLimit", (json_int_t)jx_int(limits, "pids", 0),
        "LogConfig", "Type", jx_str(log, "driver"), "Path", jx_str(log, "path"), "Init",
        jx_bool(rec, "init"));
    const json_t *net = json_object_get(rec, "network");
    json_object_set_new(o, "Dns", or_empty(json_object_get(net, "dns"), json_array()));
    json_object_set_new(o, "ExtraHosts", or_empty(json_object_get(net, "addHosts"), json_array()));
    return o;
}

static json_t *mounts_of(const json_t *rec)
{
    json_t *list = json_array(), *m, *opt;
    size_t i, k;
    json_array_foreach(json_object_get(rec, "mounts"), i, m)
    {
        bool rw = true;
        json_array_foreach(json_object_get(m, "options"), k, opt) rw &=
            strcmp(json_string_value(opt), "ro") != 0;
        json_array_append_new(list, json_pack("{s:s, s:s, s:s, s:s, s:O, s:b, s:s}", "Type",
                                              jx_str(m, "type"), "Source", jx_str(m, "source"),
                                              "Destination", jx_str(m, "destination"), "Driver", "",
                                              "Options", json_object_get(m, "options"), "RW", rw,
                                              "Propagation", "rprivate"));
    }
    return list;
}

static json_t *container(const struct roots *r, const struct ctr *c)
{
    const json_t *rec = c->record, *args = json_object_get(rec, "args");
    struct ctr_status s;
    ctr_status(r, c, &s);
    cleanup_free char *dir = ctr_path(r, c->id);
    cleanup_free char *run = xasprintf("%s/%s", r->run_path, c->id);
    cleanup_free char *config = xasprintf("%s/config.json", run);
    cleanup_free char *upper = xasprintf("%s/upper", dir);
    json_t *rest = args ? json_deep_copy(args) : json_array();
    const char *path = json_string_value(json_array_get(args, 0));
    json_array_remove(rest, 0);
    json_t *o = json_pack(
        "{s:s, s:s, s:s, s:o, s:o, s:s, s:s, s:s, s:s, s:s, s:s, s:i, s:s, s:o, s:o, s:b}", "Id",
        c->id, "Created", jx_str(rec, "created"), "Path", path ? path : "", "Args", rest, "State",
        state_of(&s), "Image", jx_str(rec, "image"), "ImageName", jx_str(rec, "imageName"),
        "Rootfs", "", "Pod", jx_str(rec, "pod"), "OCIConfigPath", config, "OCIRuntime",
        *jx_str(rec, "runtime") ? jx_str(rec, "runtime") : "pod-runtime", "RestartCount", 0,
        "Driver", "overlay", "EffectiveCaps", or_empty(json_object_get(rec, "caps"), json_array()),
        "BoundingCaps", or_empty(json_object_get(rec, "caps"), json_array()), "IsInfra",
        jx_bool(rec, "infra"));
    json_object_set_new(o, "Name", json_string(ctr_name(c)));
    json_object_set_new(o, "GraphDriver",
                        json_pack("{s:s, s:{s:s}}", "Name", "overlay", "Data", "UpperDir", upper));
    json_object_set_new(o, "Mounts", mounts_of(rec));
    json_object_set_new(o, "NetworkSettings",
                        json_pack("{s:o, s:s}", "Ports", bindings_of(rec), "IPAddress", ""));
    json_object_set_new(o, "Config", config_of(rec));
    json_object_set_new(o, "HostConfig", host_config_of(rec));
    return o;
}

/* Images and pods have programs of their own. */
static int elsewhere(const char *program, const char *name, const struct options *o, struct err *e)
{
    cleanup(strv_free) struct strv argv = STRV_INIT;
    pid_t pid;
    strv_take(&argv, bin_path(program));
    strv_add(&argv, "inspect");
    if (o->format) {
        strv_add(&argv, "--format");
        strv_add(&argv, o->format);
    }
    strv_add(&argv, name);
    fflush(stdout);
    struct spawn s = {.argv = argv.v, .in = -1, .out = SPAWN_INHERIT, .err = -1, .report = -1};
    if (spawn(&s, &pid, e) < 0)
        return -1;
    return spawn_wait(pid) == 0 ? 0 : -1;
}

static bool asks(const struct options *o, const char *type)
{
    return !o->type || strcmp(o->type, "all") == 0 || strcmp(o->type, type) == 0;
}

static int one(const struct roots *r, const char *name, const struct options *o, json_t *list,
               struct err *e)
{
    struct ctr c;
    if (asks(o, "container") && ctr_find(r, name, &c, e) == 0) {
        json_array_append_new(list, container(r, &c));
        ctr_close(&c);
        return 0;
    }
    if (asks(o, "image") && elsewhere("pod-store", name, o, e) == 0)
        return 0;
    if (asks(o, "pod") && elsewhere("pod-pod", name, o, e) == 0)
        return 0;
    if (asks(o, "container") && !asks(o, "image"))
        return -1;
    return err_set(e, 0, "no such object: \"%s\"", name);
}

static int print(json_t *list, const struct options *o, struct err *e)
{
    cleanup(buf_free) struct buf out = BUF_INIT;
    json_t *v;
    size_t i;
    if (!json_array_size(list))
        return 0;
    if (!o->format || table_is_json(o->format)) {
        cleanup_free char *text = json_dumps(list, JSON_INDENT(5) | JSON_ENSURE_ASCII * 0);
        puts(text ? text : "[]");
        return 0;
    }
    json_array_foreach(list, i, v) if (table_render_one(o->format, 5, v, &out, e) < 0) return -1;
    fputs(buf_str(&out), stdout);
    return 0;
}

int main(int argc, char **argv)
{
    struct err e = ERR_INIT;
    struct options o = {0};
    struct roots r;
    struct ctr c;
    cleanup_json list = json_array();
    int code = 0;
    int first = say_parse(&command, &o, argc, argv, &code);
    if (first < 0)
        return code;
    if (first == argc && !o.latest)
        err_set(&e, 0, "you must provide at least one name or id");
    if (e.code || roots_open(&r, &e) < 0 || (o.latest && ctr_latest(&r, &c, &e) < 0))
        return say_error(&e);
    if (o.latest)
        json_array_append_new(list, container(&r, &c));
    for (int i = first; i < argc; i++)
        if (one(&r, argv[i], &o, list, &e) < 0)
            code = say_error(&e);
    if (print(list, &o, &e) < 0)
        return say_error(&e);
    return say_end(code);
}
