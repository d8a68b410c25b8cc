/* pod-ps: lists containers. Takes no lock and writes nothing, so it never waits for anybody. */
#include "say.h"

#include "things/ctr.h"
#include "things/pod.h"
#include "things/table.h"
#include "words/timefmt.h"

#include <regex.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct options {
    bool all, quiet, no_trunc, noheading, latest, pod, sync;
    int64_t last;
    const char *format;
    struct strv filter;
};

#define AT(f) offsetof(struct options, f)
static const struct opt options[] = {
    {"all", 'a', OPT_BOOL, NULL, "Those that do not run too", AT(all)},
    {"filter", 'f', OPT_LIST, "KEY=VALUE", "Only: id, name, status, label, ancestor, exited, pod",
     AT(filter)},
    {"format", 0, OPT_STR, "FORMAT", "json or a Go template", AT(format)},
    {"last", 'n', OPT_INT, "N", "The N created last", AT(last)},
    {"latest", 'l', OPT_BOOL, NULL, "The one created last", AT(latest)},
    {"no-trunc", 0, OPT_BOOL, NULL, "Do not shorten IDs and commands", AT(no_trunc)},
    {"noheading", 0, OPT_BOOL, NULL, "No column headings", AT(noheading)},
    {"pod", 'p', OPT_BOOL, NULL, "Show the pod of each", AT(pod)},
    {"quiet", 'q', OPT_BOOL, NULL, "IDs only", AT(quiet)},
    {"sync", 0, OPT_BOOL, NULL, "Accepted for compatibility", AT(sync)},
    {0},
};

static const struct cmd command = {
    .name = "pod ps",
    .operands = "",
    .summary = "List containers",
    .more = "Exit codes: 0 done, 125 pod failed.",
    .opts = options,
};

static char *status_text(const struct ctr_status *s)
{
    struct buf b = BUF_INIT;
    if (s->state == CTR_RUNNING) {
        buf_adds(&b, "Up ");
        timefmt_ago(&b, timefmt_from_ns(s->started_ns), timefmt_clock());
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

static char *ports_text(const json_t *rec)
{
    struct buf b = BUF_INIT;
    const json_t *p;
    size_t i;
    json_array_foreach(json_object_get(json_object_get(rec, "network"), "ports"), i, p) buf_addf(
        &b, "%s%s:%lld->%lld/%s", i ? ", " : "",
        *jx_str(p, "hostIp") ? jx_str(p, "hostIp") : "0.0.0.0", (long long)jx_int(p, "hostPort", 0),
        (long long)jx_int(p, "containerPort", 0), jx_str(p, "protocol"));
    return buf_take(&b);
}

static char *command_text(const json_t *rec, bool whole)
{
    struct buf b = BUF_INIT;
    const json_t *v;
    size_t i;
    const json_t *list = json_object_get(rec, "command");
    json_array_foreach(list, i, v) buf_addf(&b, "%s%s", i ? " " : "", json_string_value(v));
    if (!whole && b.len > 20) {
        b.s[17] = '\0';
        b.len = 17;
        buf_adds(&b, "...");
    }
    return buf_take(&b);
}

static void put(json_t *row, const char *key, const char *text)
{
    json_object_set_new(row, key, json_string(text));
}

static json_t *row_of(const struct roots *r, const struct ctr *c, const struct ctr_status *s,
                      const struct options *o)
{
    const json_t *rec = c->record;
    struct timespec created = {0};
    cleanup(buf_free) struct buf ago = BUF_INIT, when = BUF_INIT;
    cleanup_free char *status = status_text(s), *ports = ports_text(rec);
    cleanup_free char *cmd = command_text(rec, o->no_trunc);
    cleanup_free char *id = xstrndup(c->id, o->no_trunc ? 64 : 12);
    cleanup_free char *pod_id = xstrndup(jx_str(rec, "pod"), o->no_trunc ? 64 : 12);
    timefmt_parse(jx_str(rec, "created"), &created);
    timefmt_ago(&ago, created, timefmt_clock());
    timefmt_go(&when, created, TIMEFMT_LOCAL);
    json_t *labels = json_object_get(rec, "labels"), *names = json_pack("[s]", ctr_name(c));
    json_t *mounts = json_array(), *m;
    size_t i;
    json_array_foreach(json_object_get(rec, "mounts"), i, m)
        json_array_append(mounts, json_object_get(m, "destination"));
    json_t *row = json_pack(
        "{s:s, s:o, s:s, s:s, s:O?, s:s, s:i, s:i, s:b, s:s, s:s, s:o, s:I, s:I, s:b}", "Id", c->id,
        "Names", names, "Image", jx_str(rec, "imageName"), "ImageID", jx_str(rec, "image"),
        "Command", json_object_get(rec, "command"), "Status", status, "Pid", (int)s->pid,
        "ExitCode", s->exit_code, "Exited", s->state == CTR_EXITED, "State",
        ctr_state_name(s->state), "Pod", jx_str(rec, "pod"), "Mounts", mounts, "StartedAt",
        (json_int_t)(s->started_ns / 1000000000), "ExitedAt",
        (json_int_t)(s->finished_ns / 1000000000), "IsInfra", jx_bool(rec, "infra"));
    json_object_set_new(row, "Labels", labels ? json_incref(labels) : json_object());
    json_object_set_new(row, "Created", json_integer(created.tv_sec));
    json_object_set(row, "Ports", json_object_get(json_object_get(rec, "network"), "ports"));
    put(row, "CreatedAt", ago.s);
    put(row, ".ID", id);
    put(row, ".Names", ctr_name(c));
    put(row, ".Command", cmd);
    put(row, ".Created", ago.s);
    put(row, ".CreatedAt", when.s);
    put(row, ".CreatedHuman", ago.s);
    put(row, ".RunningFor", ago.s);
    put(row, ".Ports", ports);
    put(row, ".Pod", pod_id);
    put(row, ".Networks", jx_str(json_object_get(rec, "network"), "mode"));
    put(row, "PodName", "");
    struct pod p;
    struct err e = ERR_INIT;
    if (*pod_id && (o->pod || o->format) && pod_open(r, jx_str(rec, "pod"), &p, &e) == 0) {
        put(row, "PodName", jx_str(p.record, "name"));
        pod_close(&p);
    }
    return row;
}

static bool matches(const char *pattern, const char *text)
{
    regex_t re;
    if (regcomp(&re, pattern, REG_EXTENDED | REG_NOSUB) != 0)
        return strstr(text, pattern) != NULL;
    bool found = regexec(&re, text, 0, NULL, 0) == 0;
    regfree(&re);
    return found;
}

static bool label_matches(const json_t *labels, const char *want)
{
    cleanup_free char *key = xstrdup(want);
    char *value = strchr(key, '=');
    if (value)
        *value++ = '\0';
    const char *have = jx_str0(labels, key);
    return have && (!value || strcmp(have, value) == 0);
}

static bool passes(const char *key, const char *v, const json_t *row)
{
    if (strcmp(key, "id") == 0)
        return str_starts(jx_str(row, "Id"), v);
    if (strcmp(key, "name") == 0)
        return matches(v, jx_str(row, ".Names"));
    if (strcmp(key, "status") == 0)
        return strcasecmp(jx_str(row, "State"), v) == 0 ||
               (strcmp(v, "stopped") == 0 && strcmp(jx_str(row, "State"), "exited") == 0);
    if (strcmp(key, "label") == 0)
        return label_matches(json_object_get(row, "Labels"), v);
    if (strcmp(key, "ancestor") == 0)
        return strstr(jx_str(row, "Image"), v) || str_starts(jx_str(row, "ImageID"), v);
    if (strcmp(key, "exited") == 0)
        return jx_bool(row, "Exited") && jx_int(row, "ExitCode", -1) == atoll(v);
    return str_starts(jx_str(row, "Pod"), v) || strcmp(jx_str(row, "PodName"), v) == 0;
}

static int check_filters(const struct options *o, struct err *e)
{
    static const char *const known[] = {"id",       "name",   "status", "label",
                                        "ancestor", "exited", "pod",    NULL};
    for (size_t i = 0; i < o->filter.n; i++) {
        cleanup_free char *key = xstrndup(o->filter.v[i], strcspn(o->filter.v[i], "="));
        if (!str_in(key, known) || !strchr(o->filter.v[i], '='))
            return err_set(e, 0, "%s is an invalid filter", o->filter.v[i]);
    }
    return 0;
}

/* Filters of one key are alternatives, different keys must all hold. */
static bool wanted(const struct options *o, const json_t *row)
{
    for (size_t i = 0; i < o->filter.n; i++) {
        size_t n = strcspn(o->filter.v[i], "=");
        bool any = false;
        for (size_t k = 0; k < o->filter.n; k++) {
            if (strncmp(o->filter.v[k], o->filter.v[i], n + 1) != 0)
                continue;
            cleanup_free char *key = xstrndup(o->filter.v[k], n);
            any |= passes(key, o->filter.v[k] + n + 1, row);
        }
        if (!any)
            return false;
    }
    return true;
}

static int by_age(const void *a, const void *b)
{
    return strcmp(jx_str(*(json_t *const *)b, ".sort"), jx_str(*(json_t *const *)a, ".sort"));
}

static int collect(const struct roots *r, const struct options *o, json_t *rows, struct err *e)
{
    cleanup(strv_free) struct strv ids = STRV_INIT;
    bool all = o->all || o->latest || o->last > 0;
    for (size_t i = 0; i < o->filter.n; i++)
        all |= str_starts(o->filter.v[i], "status=") || str_starts(o->filter.v[i], "exited=");
    if (check_filters(o, e) < 0 || ctr_list(r, &ids, e) < 0)
        return -1;
    cleanup_free json_t **found = xcalloc(ids.n, sizeof(json_t *));
    size_t n = 0, limit = o->latest ? 1 : o->last > 0 ? (size_t)o->last : ids.n;
    for (size_t i = 0; i < ids.n; i++) {
        struct ctr c;
        struct ctr_status s;
        struct err damaged = ERR_INIT;
        if (ctr_open(r, ids.v[i], &c, &damaged) < 0) {
            if (damaged.sys == 0)
                fprintf(stderr, "Warning: %s\n", damaged.msg);
            continue;
        }
        ctr_status(r, &c, &s);
        json_t *row = all || s.state == CTR_RUNNING ? row_of(r, &c, &s, o) : NULL;
        if (row && wanted(o, row)) {
            put(row, ".sort", jx_str(c.record, "created"));
            found[n++] = row;
        } else {
            json_decref(row);
        }
        ctr_close(&c);
    }
    if (n)
        qsort(found, n, sizeof(json_t *), by_age);
    for (size_t i = 0; i < n; i++) {
        if (i < limit)
            json_array_append(rows, found[i]);
        json_decref(found[i]);
    }
    return 0;
}

int main(int argc, char **argv)
{
    static const struct table_column columns[] = {
        {"ID", "CONTAINER ID"}, {"RunningFor", "CREATED"}, {"CreatedHuman", "CREATED"},
        {"Pod", "POD ID"},      {"PodName", "PODNAME"},    {0}};
    struct err e = ERR_INIT;
    struct options o = {0};
    struct roots r;
    cleanup(buf_free) struct buf out = BUF_INIT;
    cleanup_json rows = json_array();
    int code = 0;
    if (say_parse(&command, &o, argc, argv, &code) < 0)
        return code;
    if (roots_open(&r, &e) < 0 || collect(&r, &o, rows, &e) < 0)
        return say_error(&e);
    const struct table_spec spec = {
        .columns = columns,
        .json_indent = 2,
        .default_format = o.pod ? "table {{.ID}}\t{{.Image}}\t{{.Command}}\t{{.CreatedHuman}}\t"
                                  "{{.Status}}\t{{.Ports}}\t{{.Names}}\t{{.Pod}}\t{{.PodName}}"
                                : "table {{.ID}}\t{{.Image}}\t{{.Command}}\t{{.CreatedHuman}}\t"
                                  "{{.Status}}\t{{.Ports}}\t{{.Names}}"};
    if (table_render(&spec, o.quiet ? "{{.ID}}" : o.format, o.noheading, rows, &out, &e) < 0)
        return say_error(&e);
    fputs(buf_str(&out), stdout);
    return say_end(0);
}
