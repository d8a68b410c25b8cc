/* pod pod ps: a row for each pod, in JSON too, as podman has it. */
#include "pods.h"
#include "say.h"

#include "things/table.h"
#include "words/timefmt.h"

#include <stdio.h>
#include <string.h>

struct options {
    bool all, latest, quiet, no_trunc, noheading, ctr_ids, ctr_names, ctr_status, ns;
    const char *format, *sort;
    struct strv filter;
};

#define AT(f) offsetof(struct options, f)
static const struct opt ps_options[] = {
    {"ctr-ids", 0, OPT_BOOL, NULL, "Show the containers' IDs", AT(ctr_ids)},
    {"ctr-names", 0, OPT_BOOL, NULL, "Show the containers' names", AT(ctr_names)},
    {"ctr-status", 0, OPT_BOOL, NULL, "Show the containers' states", AT(ctr_status)},
    {"filter", 'f', OPT_LIST, "KEY=VALUE",
     "Only: ctr-ids, ctr-names, ctr-number, ctr-status, id, label, name, network, status, until",
     AT(filter)},
    {"format", 0, OPT_STR, "FORMAT", "json or a Go template", AT(format)},
    {"latest", 'l', OPT_BOOL, NULL, "The pod created last", AT(latest)},
    {"no-trunc", 0, OPT_BOOL, NULL, "Do not shorten IDs", AT(no_trunc)},
    {"noheading", 0, OPT_BOOL, NULL, "No column headings", AT(noheading)},
    {"ns", 0, OPT_BOOL, NULL, "Show what the pod is in: cgroup and namespace", AT(ns)},
    {"quiet", 'q', OPT_BOOL, NULL, "IDs only", AT(quiet)},
    {"sort", 0, OPT_STR, "KEY", "created (the default), id, name, number or status", AT(sort)},
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

static json_t *joined_words(const json_t *row, const char *key)
{
    cleanup(strv_free) struct strv list = STRV_INIT;
    cleanup(buf_free) struct buf b = BUF_INIT;
    jx_strv(row, key, &list);
    for (size_t i = 0; i < list.n; i++)
        buf_addf(&b, "%s%s", i ? "," : "", list.v[i]);
    return json_string(buf_str(&b));
}

static json_t *networks_of(const struct roots *r, const struct pod *p)
{
    json_t *list = json_array();
    struct ctr infra;
    struct err none = ERR_INIT;
    if (!*jx_str(p->record, "infra") || ctr_find(r, jx_str(p->record, "infra"), &infra, &none) < 0)
        return list;
    const char *mode = jx_str(json_object_get(infra.record, "network"), "mode");
    if (*mode && !str_in(mode, (const char *const[]){"private", "none", NULL}))
        json_array_append_new(list, json_string(mode));
    ctr_close(&infra);
    return list;
}

static json_t *row_of(const struct roots *r, const struct pod *p, const struct options *o)
{
    cleanup(strv_free) struct strv members = STRV_INIT;
    cleanup(buf_free) struct buf ago = BUF_INIT;
    struct err e = ERR_INIT;
    size_t running = 0;
    struct timespec created = {0};
    const char *infra = jx_str(p->record, "infra");
    int width = o->no_trunc ? 64 : 12;
    pod_members(r, p->id, &members, &e);
    timefmt_parse(jx_str(p->record, "created"), &created);
    timefmt_ago(&ago, created, timefmt_clock());
    const char *status = pods_status(r, &members, &running);
    json_t *ctrs = pods_containers(r, &members);
    json_t *row =
        json_pack("{s:s, s:O, s:s, s:s, s:s, s:s, s:s, s:o, s:s, s:o}", "Cgroup", "", "Containers",
                  ctrs, "Created", jx_str(p->record, "created"), "Id", p->id, "InfraId", infra,
                  "Name", jx_str(p->record, "name"), "Namespace", "", "Networks", networks_of(r, p),
                  "Status", status, "Labels", labels_of(p));
    json_object_set_new(row, ".Id", json_sprintf("%.*s", width, p->id));
    json_object_set_new(row, ".ID", json_sprintf("%.*s", width, p->id));
    json_object_set_new(row, ".Created", json_string(buf_str(&ago)));
    json_object_set_new(row, ".InfraId", json_sprintf("%.*s", width, infra));
    json_object_set_new(row, ".InfraID", json_sprintf("%.*s", width, infra));
    json_object_set_new(row, ".NumberOfContainers", json_integer((json_int_t)members.n));
    json_object_set_new(row, ".ContainerIds", joined(ctrs, "Id", !o->no_trunc));
    json_object_set_new(row, ".ContainerNames", joined(ctrs, "Names", false));
    json_object_set_new(row, ".ContainerStatuses", joined(ctrs, "Status", false));
    json_object_set_new(row, ".Networks", joined_words(row, "Networks"));
    json_decref(ctrs);
    return row;
}

/* Does a come before b? The newest first; else by the alphabet, or by how many. */
static bool goes_before(const json_t *a, const json_t *b, const char *by)
{
    const char *key = strcmp(by, "id") == 0 ? "Id" : strcmp(by, "name") == 0 ? "Name" : "Status";
    if (strcmp(by, "created") == 0)
        return strcmp(jx_str(a, "Created"), jx_str(b, "Created")) > 0;
    if (strcmp(by, "number") == 0)
        return jx_int(a, ".NumberOfContainers", 0) < jx_int(b, ".NumberOfContainers", 0);
    return strcmp(jx_str(a, key), jx_str(b, key)) < 0;
}

static int collect(const struct roots *r, const struct options *o, json_t *rows, struct err *e)
{
    cleanup(strv_free) struct strv ids = STRV_INIT;
    char *none[] = {NULL};
    static const char *const sorts[] = {"created", "id", "name", "number", "status", NULL};
    const char *sort = o->sort ? o->sort : "created";
    if (!str_in(sort, sorts))
        return err_set(e, 0, "invalid option for --sort, options are: id, names, or number");
    if (pods_filter_check(&o->filter, e) < 0 ||
        pods_select(r, none, !o->latest, o->latest, &ids, e) < 0)
        return -1;
    for (size_t i = 0; i < ids.n; i++) {
        struct pod p;
        struct err damaged = ERR_INIT;
        if (pod_open(r, ids.v[i], &p, &damaged) < 0) {
            fprintf(stderr, "Warning: %s\n", damaged.msg);
            continue;
        }
        json_t *row = row_of(r, &p, o);
        if (pods_filter_passes(&o->filter, &p, row)) {
            size_t at = 0;
            while (at < json_array_size(rows) && !goes_before(row, json_array_get(rows, at), sort))
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
                                                  {"InfraId", "INFRA ID"},
                                                  {"NumberOfContainers", "# OF CONTAINERS"},
                                                  {"ContainerIds", "IDS"},
                                                  {"ContainerNames", "NAMES"},
                                                  {"ContainerStatuses", "STATUS"},
                                                  {"Cgroup", "CGROUP"},
                                                  {"Namespace", "NAMESPACES"},
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
    if (o.quiet && o.format) {
        err_set(&e, 0, "quiet and format cannot be used together");
        return say_error(&e);
    }
    if (roots_open(&r, &e) < 0 || collect(&r, &o, rows, &e) < 0)
        return say_error(&e);
    buf_adds(&usual, "table {{.Id}}\t{{.Name}}\t{{.Status}}\t{{.Created}}\t{{.InfraID}}");
    buf_adds(&usual, o.ctr_ids ? "\t{{.ContainerIds}}" : "");
    buf_adds(&usual, o.ctr_names ? "\t{{.ContainerNames}}" : "");
    buf_adds(&usual, o.ctr_status ? "\t{{.ContainerStatuses}}" : "");
    buf_adds(&usual, o.ns ? "\t{{.Cgroup}}\t{{.Namespace}}" : "");
    if (!o.ctr_ids && !o.ctr_names && !o.ctr_status)
        buf_adds(&usual, "\t{{.NumberOfContainers}}");
    const struct table_spec spec = {
        .columns = columns, .default_format = usual.s, .json_indent = 2};
    for (size_t i = 0; o.quiet && i < json_array_size(rows); i++)
        puts(jx_str(json_array_get(rows, i), "Id"));
    if (!o.quiet && table_render(&spec, o.format, o.noheading, rows, &out, &e) < 0)
        return say_error(&e);
    fputs(buf_str(&out), stdout);
    return say_end(0);
}
