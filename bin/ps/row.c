#include "ps/ps.h"

#include "things/health.h"
#include "things/pod.h"
#include "words/timefmt.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MAX_COMMAND 20

void ps_put(json_t *row, const char *key, const char *text)
{
    json_object_set_new(row, key, json_string(text));
}

/* "Up 3 minutes", "Exited (0) 2 hours ago". */
static char *status_text(const struct ctr *c, const struct ctr_status *s)
{
    char health[16] = "";
    struct buf b = BUF_INIT;
    if (s->state == CTR_RUNNING) {
        buf_adds(&b, "Up ");
        timefmt_ago(&b, timefmt_from_ns(s->started_ns), timefmt_clock());
        if (b.len > 4 && strcmp(b.s + b.len - 4, " ago") == 0)
            b.s[b.len -= 4] = '\0';
        health_status(c, health, sizeof health);
        if (*health)
            buf_addf(&b, " (%s)", health);
    } else if (s->state == CTR_EXITED) {
        buf_addf(&b, "Exited (%d) ", s->exit_code);
        if (s->finished_ns)
            timefmt_ago(&b, timefmt_from_ns(s->finished_ns), timefmt_clock());
    } else {
        const char *name = ctr_state_name(s->state);
        buf_addf(&b, "%c%s", name[0] - 32, name + 1);
    }
    return buf_take(&b);
}

static bool follows(const json_t *a, const json_t *b)
{
    return strcmp(jx_str(a, "hostIp"), jx_str(b, "hostIp")) == 0 &&
           strcmp(jx_str(a, "protocol"), jx_str(b, "protocol")) == 0 &&
           jx_int(b, "hostPort", 0) == jx_int(a, "hostPort", 0) + 1 &&
           jx_int(b, "containerPort", 0) == jx_int(a, "containerPort", 0) + 1;
}

/* Neighbouring ports as one: to podman's JSON with its "range", and to a text. */
static void ports_of(const json_t *rec, json_t *list, struct buf *text)
{
    const json_t *ports = json_object_get(json_object_get(rec, "network"), "ports");
    for (size_t i = 0, n; i < json_array_size(ports); i += n) {
        const json_t *p = json_array_get(ports, i);
        for (n = 1; i + n < json_array_size(ports) &&
                    follows(json_array_get(ports, i + n - 1), json_array_get(ports, i + n));
             n++)
            ;
        long long host = jx_int(p, "hostPort", 0), ctr = jx_int(p, "containerPort", 0);
        const char *ip = jx_str(p, "hostIp"), *proto = jx_str(p, "protocol");
        buf_addf(text, "%s%s:%lld", text->len ? ", " : "", *ip ? ip : "0.0.0.0", host);
        if (n > 1)
            buf_addf(text, "-%lld->%lld-%lld/%s", host + (long long)n - 1, ctr,
                     ctr + (long long)n - 1, proto);
        else
            buf_addf(text, "->%lld/%s", ctr, proto);
        json_array_append_new(list, json_pack("{s:s, s:I, s:I, s:I, s:s}", "host_ip", ip,
                                              "container_port", (json_int_t)ctr, "host_port",
                                              (json_int_t)host, "range", (json_int_t)n, "protocol",
                                              proto));
    }
}

static char *command_text(const json_t *list)
{
    struct buf b = BUF_INIT;
    const json_t *v;
    size_t i;
    json_array_foreach(list, i, v) buf_addf(&b, "%s%s", i ? " " : "", json_string_value(v));
    return buf_take(&b);
}

/* ID, CREATED and COMMAND. */
static void put_columns(json_t *row, const char *id, const struct timespec *created,
                        const char *command, bool whole)
{
    cleanup(buf_free) struct buf ago = BUF_INIT;
    cleanup_free char *shown_id = xstrndup(id, whole ? 64 : 12);
    cleanup_free char *cut = !whole && strlen(command) > MAX_COMMAND
                                 ? xasprintf("%.*s...", MAX_COMMAND - 3, command)
                                 : xstrdup(command);
    timefmt_ago(&ago, *created, timefmt_clock());
    ps_put(row, ".ID", shown_id);
    ps_put(row, ".Command", cut);
    ps_put(row, ".CreatedHuman", buf_str(&ago));
}

void ps_common(json_t *row, const char *id, const char *created, const char *command, bool whole)
{
    struct timespec t = {0};
    cleanup(buf_free) struct buf when = BUF_INIT;
    timefmt_parse(created, &t);
    timefmt_go(&when, t, TIMEFMT_LOCAL);
    put_columns(row, id, &t, command, whole);
    cleanup_free char *ago = xstrdup(jx_str(row, ".CreatedHuman"));
    json_object_set_new(row, "Created", json_integer(t.tv_sec));
    ps_put(row, "CreatedAt", ago);
    ps_put(row, ".Created", ago);
    ps_put(row, ".CreatedAt", buf_str(&when));
    ps_put(row, ".RunningFor", ago);
    ps_put(row, ".sort", created);
}

static void set_pod(const struct roots *r, const json_t *rec, const struct ps_view *v, json_t *row)
{
    const char *id = jx_str(rec, "pod");
    cleanup_free char *shown = xstrndup(id, v->whole ? 64 : 12);
    struct pod p;
    struct err ignored = ERR_INIT;
    ps_put(row, "Pod", id);
    ps_put(row, ".Pod", shown);
    ps_put(row, "PodName", "");
    if (*id && v->pods && pod_open(r, id, &p, &ignored) == 0) {
        ps_put(row, "PodName", jx_str(p.record, "name"));
        pod_close(&p);
    }
}

static void set_namespaces(const struct ctr_status *s, json_t *row)
{
    static const struct {
        const char *file, *key;
    } kinds[] = {{"cgroup", "Cgroup"}, {"ipc", "IPC"},     {"mnt", "MNT"}, {"net", "NET"},
                 {"pid", "PIDNS"},     {"user", "USERNS"}, {"uts", "UTS"}};
    json_t *all = json_object_get(row, "Namespaces");
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        char target[64];
        cleanup_free char *path = xasprintf("/proc/%d/ns/%s", s->pid, kinds[i].file);
        ssize_t n = s->pid ? readlink(path, target, sizeof target - 1) : -1;
        target[n > 0 ? n : 0] = '\0';
        char *number = strchr(target, '[');
        if (number) {
            number++;
            number[strcspn(number, "]")] = '\0';
        }
        cleanup_free char *dotted = xasprintf(".%s", kinds[i].key);
        ps_put(row, dotted, number ? number : "");
        if (number)
            ps_put(all, kinds[i].key, number);
    }
}

static json_t *mounts_of(const json_t *rec)
{
    json_t *list = json_array(), *m;
    size_t i;
    json_array_foreach(json_object_get(rec, "mounts"), i, m)
    {
        if (strcmp(jx_str(m, "type"), "bind") == 0)
            json_array_append(list, json_object_get(m, "destination"));
    }
    return list;
}

static json_t *seconds(int64_t ns)
{
    return json_integer(ns ? (json_int_t)(ns / 1000000000) : (json_int_t)TIMEFMT_NEVER);
}

/* A quarter of the work of a whole row. */
static json_t *usual_row(const struct ctr *c, const struct ctr_status *s, const struct ps_view *v)
{
    const json_t *rec = c->record;
    json_t *row = json_object();
    struct timespec created = {0};
    cleanup(buf_free) struct buf ports = BUF_INIT;
    cleanup_free char *status = status_text(c, s);
    cleanup_free char *command = command_text(json_object_get(rec, "command"));
    cleanup_json list = json_array();
    ports_of(rec, list, &ports);
    timefmt_parse(jx_str(rec, "created"), &created);
    put_columns(row, c->id, &created, command, v->whole);
    ps_put(row, "Image", jx_str(rec, "imageName"));
    ps_put(row, "Status", status);
    ps_put(row, ".Ports", buf_str(&ports));
    ps_put(row, ".Names", ctr_name(c));
    ps_put(row, ".sort", jx_str(rec, "created"));
    return row;
}

json_t *ps_row(const struct roots *r, const struct ctr *c, const struct ctr_status *s,
               const struct ps_view *v)
{
    if (v->usual)
        return usual_row(c, s, v);
    const json_t *rec = c->record;
    json_t *labels = json_object_get(rec, "labels"), *command = json_object_get(rec, "command");
    json_t *row = json_object(), *ports = json_array();
    cleanup(buf_free) struct buf port_text = BUF_INIT;
    cleanup_free char *status = status_text(c, s), *text = command_text(command);
    cleanup_free char *image_id = xstrndup(jx_str(rec, "image"), v->whole ? 64 : 12);
    ports_of(rec, ports, &port_text);
    json_object_set_new(row, "AutoRemove", json_boolean(jx_bool(rec, "rm")));
    json_object_set_new(row, "Command", command ? json_incref(command) : json_array());
    json_object_set_new(row, "Exited", json_boolean(s->state == CTR_EXITED));
    json_object_set_new(row, "ExitedAt", seconds(s->finished_ns));
    json_object_set_new(row, "ExitCode", json_integer(s->exit_code));
    ps_put(row, "Id", c->id);
    ps_put(row, "Image", jx_str(rec, "imageName"));
    ps_put(row, "ImageID", jx_str(rec, "image"));
    ps_put(row, ".ImageID", image_id);
    json_object_set_new(row, "IsInfra", json_boolean(jx_bool(rec, "infra")));
    json_object_set_new(row, "Labels", labels ? json_incref(labels) : json_null());
    json_object_set_new(row, "Mounts", mounts_of(rec));
    json_object_set_new(row, "Names", json_pack("[s]", ctr_name(c)));
    ps_put(row, ".Names", ctr_name(c));
    json_object_set_new(row, "Namespaces", json_object());
    json_object_set_new(row, "Networks", json_array());
    ps_put(row, ".Networks", "");
    json_object_set_new(row, "Pid", json_integer(s->pid));
    json_object_set_new(row, "Ports", json_array_size(ports) ? ports : json_null());
    if (!json_array_size(ports))
        json_decref(ports);
    ps_put(row, ".Ports", buf_str(&port_text));
    json_object_set_new(row, "Restarts", json_integer(s->restarts));
    json_object_set_new(row, "Size", json_null());
    ps_put(row, ".Size", "");
    json_object_set_new(row, "StartedAt", seconds(s->started_ns));
    ps_put(row, "State", ctr_state_shown(s));
    ps_put(row, "Status", status);
    ps_put(row, ".CIDFile", jx_str(rec, "cidfile"));
    ps_common(row, c->id, jx_str(rec, "created"), text, v->whole);
    set_pod(r, rec, v, row);
    if (v->ns)
        set_namespaces(s, row);
    return row;
}
