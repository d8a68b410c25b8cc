/* ps and inspect. */
#include "pods.h"
#include "say.h"

#include "things/table.h"
#include "words/timefmt.h"

#include <stdio.h>
#include <string.h>

struct options {
    bool all, latest, quiet, no_trunc, noheading, ctr_ids, ctr_names, ctr_status, ns;
    const char *format;
    struct strv filter;
};

#define AT(f) offsetof(struct options, f)
static const struct opt ps_options[] = {
    {"ctr-ids", 0, OPT_BOOL, NULL, "Show the containers' IDs", AT(ctr_ids)},
    {"ctr-names", 0, OPT_BOOL, NULL, "Show the containers' names", AT(ctr_names)},
    {"ctr-status", 0, OPT_BOOL, NULL, "Show the containers' states", AT(ctr_status)},
    {"filter", 'f', OPT_LIST, "KEY=VALUE", "Show only: id, name, status, label, ctr-names",
     AT(filter)},
    {"format", 0, OPT_STR, "FORMAT", "json or a Go template", AT(format)},
    {"latest", 'l', OPT_BOOL, NULL, "The pod created last", AT(latest)},
    {"no-trunc", 0, OPT_BOOL, NULL, "Do not shorten IDs", AT(no_trunc)},
    {"noheading", 0, OPT_BOOL, NULL, "No column headings", AT(noheading)},
    {"quiet", 'q', OPT_BOOL, NULL, "IDs only", AT(quiet)},
    {0},
};
static const struct opt inspect_options[] = {
    {"format", 'f', OPT_STR, "FORMAT", "json or a Go template", AT(format)},
    {"latest", 'l', OPT_BOOL, NULL, "The pod created last", AT(latest)},
    {0},
};

static json_t *labels_of(const struct pod *p)
{
    json_t *labels = json_object_get(p->record, "labels");
    return labels ? json_incref(labels) : json_object();
}

/* Comma-joined values of one key of the containers. */
static json_t *joined(const json_t *ctrs, const char *key, bool shorten)
{
    cleanup(buf_free) struct buf b = BUF_INIT;
    const json_t *c;
    size_t i;
    json_array_foreach(ctrs, i, c)
        buf_addf(&b, "%s%.*s", i ? "," : "", shorten ? 12 : 255, jx_str(c, key));
    return json_string(buf_str(&b));
}

static json_t *row_of(const struct roots *r, const struct pod *p, const struct options *o)
{
    cleanup(strv_free) struct strv members = STRV_INIT;
    cleanup(buf_free) struct buf ago = BUF_INIT;
    struct err e = ERR_INIT;
    size_t running = 0;
    struct timespec created = {0};
    int width = o->no_trunc || (o->format && table_is_json(o->format)) ? 64 : 12;
    pod_members(r, p->id, &members, &e);
    timefmt_parse(jx_str(p->record, "created"), &created);
    timefmt_ago(&ago, created, timefmt_clock());
    const char *status = pods_status(r, &members, &running);
    cleanup_free char *id = xstrndup(p->id, (size_t)width);
    cleanup_free char *infra = xstrndup(jx_str(p->record, "infra"), (size_t)width);
    json_t *ctrs = pods_containers(r, &members);
    json_t *row = json_pack("{s:s, s:s, s:s, s:s, s:s, s:o, s:s, s:O}", "Id", id, "Name",
                            jx_str(p->record, "name"), "Status", status, "Created",
                            jx_str(p->record, "created"), "InfraId", infra, "Labels", labels_of(p),
                            "Namespace", "", "Containers", ctrs);
    json_object_set_new(row, ".Id", json_string(id));
    json_object_set_new(row, "ID", json_string(id));
    json_object_set_new(row, ".Created", json_string(buf_str(&ago)));
    json_object_set_new(row, ".InfraID", json_string(infra));
    json_object_set_new(row, ".NumberOfContainers", json_integer((json_int_t)members.n));
    json_object_set_new(row, ".ContainerIds", joined(ctrs, "Id", !o->no_trunc));
    json_object_set_new(row, ".ContainerNames", joined(ctrs, "Name", false));
    json_object_set_new(row, ".ContainerStatuses", joined(ctrs, "State", false));
    json_decref(ctrs);
    return row;
}

static bool passes(const struct options *o, const struct pod *p, const json_t *row)
{
    for (size_t i = 0; i < o->filter.n; i++) {
        const char *f = o->filter.v[i], *v = strchr(f, '=');
        if (!v)
            return false;
        v++;
        bool ok = false;
        if (str_starts(f, "id="))
            ok = str_starts(p->id, v);
        else if (str_starts(f, "name="))
            ok = strstr(jx_str(p->record, "name"), v) != NULL;
        else if (str_starts(f, "status="))
            ok = strcasecmp(jx_str(row, "Status"), v) == 0;
        else if (str_starts(f, "ctr-names="))
            ok = strstr(jx_str(row, ".ContainerNames"), v) != NULL;
        else if (str_starts(f, "label=")) {
            cleanup_free char *key = xstrdup(v);
            char *eq = strchr(key, '=');
            if (eq)
                *eq++ = '\0';
            const char *have = jx_str0(json_object_get(p->record, "labels"), key);
            ok = have && (!eq || strcmp(have, eq) == 0);
        }
        if (!ok)
            return false;
    }
    return true;
}

static int check_filters(const struct options *o, struct err *e)
{
    static const char *const known[] = {"id", "name", "status", "label", "ctr-names", NULL};
    for (size_t i = 0; i < o->filter.n; i++) {
        cleanup_free char *key = xstrndup(o->filter.v[i], strcspn(o->filter.v[i], "="));
        if (!str_in(key, known) || !strchr(o->filter.v[i], '='))
            return err_set(e, 0, "%s is an invalid filter", o->filter.v[i]);
    }
    return 0;
}

static int collect(const struct roots *r, const struct options *o, json_t *rows, struct err *e)
{
    cleanup(strv_free) struct strv ids = STRV_INIT;
    char *none[] = {NULL};
    if (check_filters(o, e) < 0 || pods_select(r, none, !o->latest, o->latest, &ids, e) < 0)
        return -1;
    for (size_t i = 0; i < ids.n; i++) {
        struct pod p;
        struct err damaged = ERR_INIT;
        if (pod_open(r, ids.v[i], &p, &damaged) < 0) {
            fprintf(stderr, "Warning: %s\n", damaged.msg);
            continue;
        }
        json_t *row = row_of(r, &p, o);
        if (passes(o, &p, row)) {
            size_t at = 0;
            while (at < json_array_size(rows) &&
                   strcmp(jx_str(json_array_get(rows, at), "Created"), jx_str(row, "Created")) > 0)
                at++;
            json_array_insert(rows, at, row);
        }
        json_decref(row);
        pod_close(&p);
    }
    return 0;
}

int verb_ps(int argc, char **argv)
{
    static const struct cmd command = {
        "pod pod ps", "", "List pods", "Exit codes: 0 done, 125 pod failed.", ps_options, 0, 0, 0};
    static const struct table_column columns[] = {{"Id", "POD ID"},
                                                  {"ID", "POD ID"},
                                                  {"Name", "NAME"},
                                                  {"Status", "STATUS"},
                                                  {"Created", "CREATED"},
                                                  {"InfraID", "INFRA ID"},
                                                  {"NumberOfContainers", "# OF CONTAINERS"},
                                                  {"ContainerIds", "IDS"},
                                                  {"ContainerNames", "NAMES"},
                                                  {"ContainerStatuses", "STATUS"},
                                                  {"Labels", "LABELS"},
                                                  {0}};
    struct err e = ERR_INIT;
    struct options o = {0};
    struct roots r;
    cleanup(buf_free) struct buf out = BUF_INIT;
    cleanup(buf_free) struct buf usual = BUF_INIT;
    cleanup_json rows = json_array();
    int code = 0;
    if (say_parse(&command, &o, argc, argv, &code) < 0)
        return code;
    if (roots_open(&r, &e) < 0 || collect(&r, &o, rows, &e) < 0)
        return say_error(&e);
    buf_adds(&usual, "table {{.Id}}\t{{.Name}}\t{{.Status}}\t{{.Created}}\t{{.InfraID}}");
    buf_adds(&usual, o.ctr_ids ? "\t{{.ContainerIds}}" : "");
    buf_adds(&usual, o.ctr_names ? "\t{{.ContainerNames}}" : "");
    buf_adds(&usual, o.ctr_status ? "\t{{.ContainerStatuses}}" : "");
    if (!o.ctr_ids && !o.ctr_names && !o.ctr_status)
        buf_adds(&usual, "\t{{.NumberOfContainers}}");
    const struct table_spec spec = {.columns = columns, .default_format = usual.s};
    if (table_render(&spec, o.quiet ? "{{.Id}}" : o.format, o.noheading, rows, &out, &e) < 0)
        return say_error(&e);
    fputs(buf_str(&out), stdout);
    return say_end(0);
}

static json_t *inspection(const struct roots *r, const struct pod *p)
{
    cleanup(strv_free) struct strv members = STRV_INIT;
    struct err e = ERR_INIT;
    size_t running;
    pod_members(r, p->id, &members, &e);
    const char *status = pods_status(r, &members, &running);
    json_t *out =
        json_pack("{s:s, s:s, s:s, s:s, s:s, s:b, s:s, s:O, s:i, s:o, s:o}", "Id", p->id, "Name",
                  jx_str(p->record, "name"), "Created", jx_str(p->record, "created"), "State",
                  status, "Hostname", jx_str(p->record, "hostname"), "CreateInfra", 1,
                  "InfraContainerID", jx_str(p->record, "infra"), "SharedNamespaces",
                  json_object_get(p->record, "shared"), "NumContainers", (int)members.n, "Labels",
                  labels_of(p), "Containers", pods_containers(r, &members));
    struct ctr infra;
    if (out && ctr_find(r, jx_str(p->record, "infra"), &infra, &e) == 0) {
        json_t *net = json_object_get(infra.record, "network"), *bindings = json_object(), *port;
        size_t i;
        json_array_foreach(json_object_get(net, "ports"), i, port)
        {
            cleanup_free char *key = xasprintf(
                "%lld/%s", (long long)jx_int(port, "containerPort", 0), jx_str(port, "protocol"));
            cleanup_free char *host = xasprintf("%lld", (long long)jx_int(port, "hostPort", 0));
            json_object_set_new(
                bindings, key,
                json_pack("[{s:s, s:s}]", "HostIp", jx_str(port, "hostIp"), "HostPort", host));
        }
        json_object_set_new(
            out, "InfraConfig",
            json_pack(
                "{s:o, s:b, s:s}", "PortBindings", bindings, "HostNetwork",
                strcmp(jx_str(json_object_get(infra.record, "namespaces"), "network"), "host") == 0,
                "NetworkMode", jx_str(net, "mode")));
        ctr_close(&infra);
    }
    return out;
}

int verb_inspect(int argc, char **argv)
{
    static const struct cmd command = {
        "pod pod inspect",
        "POD...",
        "Show all about pods as JSON",
        "Exit codes: 0 done, 125 pod failed or a pod does not exist.",
        inspect_options,
        0,
        -1,
        0};
    struct err e = ERR_INIT;
    struct options o = {0};
    struct roots r;
    cleanup(strv_free) struct strv ids = STRV_INIT;
    cleanup(buf_free) struct buf out = BUF_INIT;
    int code = 0;
    int first = say_parse(&command, &o, argc, argv, &code);
    if (first < 0)
        return code;
    if (roots_open(&r, &e) < 0 || pods_select(&r, argv + first, false, o.latest, &ids, &e) < 0)
        return say_error(&e);
    for (size_t i = 0; i < ids.n; i++) {
        struct pod p;
        if (pod_open(&r, ids.v[i], &p, &e) < 0)
            return say_error(&e);
        cleanup_json one = inspection(&r, &p);
        pod_close(&p);
        if (table_render_one(o.format, 5, one, &out, &e) < 0)
            return say_error(&e);
    }
    fputs(buf_str(&out), stdout);
    return say_end(0);
}
