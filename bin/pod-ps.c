/* pod-ps: lists containers. Takes no lock and writes nothing, so it never waits for anybody. */
#include "ps/ps.h"
#include "say.h"

#include "things/ctr_filter.h"
#include "things/table.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

struct options {
    bool all, quiet, no_trunc, noheading, latest, pod, sync, size, ns, external;
    int64_t last, watch;
    const char *format, *sort;
    struct strv filter;
};

#define AT(f) offsetof(struct options, f)
static const struct opt options[] = {
    {"all", 'a', OPT_BOOL, NULL, "Those that do not run too", AT(all)},
    {"external", 0, OPT_BOOL, NULL, "Those of Buildah and podman in this store too", AT(external)},
    {"filter", 'f', OPT_LIST, "KEY=VALUE",
     "Only: id, name, status, label, ancestor, exited, pod, …", AT(filter)},
    {"format", 0, OPT_STR, "FORMAT", "json or a Go template", AT(format)},
    {"last", 'n', OPT_INT, "N", "The N created last", AT(last)},
    {"latest", 'l', OPT_BOOL, NULL, "The one created last", AT(latest)},
    {"no-trunc", 0, OPT_BOOL, NULL, "Do not shorten IDs and commands", AT(no_trunc)},
    {"noheading", 0, OPT_BOOL, NULL, "No column headings", AT(noheading)},
    {"ns", 0, OPT_BOOL, NULL, "Show the namespaces of each", AT(ns)},
    {"namespace", 0, OPT_BOOL, NULL, NULL, AT(ns)},
    {"pod", 'p', OPT_BOOL, NULL, "Show the pod of each", AT(pod)},
    {"quiet", 'q', OPT_BOOL, NULL, "IDs only", AT(quiet)},
    {"size", 's', OPT_BOOL, NULL, "Show how much each has written", AT(size)},
    {"sort", 0, OPT_STR, "KEY", "By created, command, id, image, names, runningfor, size, status",
     AT(sort)},
    {"sync", 0, OPT_BOOL, NULL, "Accepted for compatibility", AT(sync)},
    {"watch", 'w', OPT_INT, "SECONDS", "Print again every so many seconds", AT(watch)},
    {0},
};

static const struct cmd command = {
    .name = "pod ps",
    .operands = "",
    .summary = "List containers",
    .more = "Exit codes: 0 done, 125 pod failed.",
    .opts = options,
};

/* ---- order ---- */

static const char *const sort_names[] = {"command",    "created", "id",     "image", "names",
                                         "runningfor", "size",    "status", NULL};
static const char *const sort_keys[] = {".Command", ".sort", "Id",     "Image", ".Names",
                                        ".sort",    "",      "Status", NULL};

static int by_text(const void *a, const void *b, void *key)
{
    int order = strcmp(jx_str(*(json_t *const *)a, key), jx_str(*(json_t *const *)b, key));
    return order
               ? order
               : strcmp(jx_str(*(json_t *const *)a, ".sort"), jx_str(*(json_t *const *)b, ".sort"));
}

static int64_t written(const json_t *row)
{
    return jx_int(json_object_get(row, "Size"), "rwSize", 0);
}

static int by_size(const void *a, const void *b, void *unused)
{
    int64_t x = written(*(json_t *const *)a), y = written(*(json_t *const *)b);
    (void)unused;
    return x < y ? -1 : x > y;
}

static void sort_rows(json_t *rows, const char *name)
{
    size_t n = json_array_size(rows), k = 0;
    cleanup_free json_t **list = xcalloc(n + 1, sizeof(json_t *));
    while (sort_names[k] && strcasecmp(sort_names[k], name) != 0)
        k++;
    for (size_t i = 0; i < n; i++)
        list[i] = json_incref(json_array_get(rows, i));
    bool size = strcmp(name, "size") == 0;
    qsort_r(list, n, sizeof(json_t *), size ? by_size : by_text, (char *)(uintptr_t)sort_keys[k]);
    json_array_clear(rows);
    for (size_t i = 0; i < n; i++)
        json_array_append_new(rows, list[i]);
}

/* ---- rows ---- */

static int check(const struct roots *r, const struct options *o, struct err *e)
{
    if (o->sort && !str_in(o->sort, sort_names))
        return err_set(e, 0,
                       "invalid argument \"%s\" for \"--sort\" flag: \"%s\" is not a valid value.  "
                       "Choose from: \"command, created, id, image, names, runningfor, size, "
                       "status\"",
                       o->sort, o->sort);
    if (o->last > 0 && o->latest)
        return err_set(e, 0, "last and latest are mutually exclusive");
    return ctr_filter_check(r, &o->filter, e);
}

/* The record of one that does not run is not even read, unless all are asked for. */
static void add_row(const struct roots *r, const struct options *o, const struct ps_view *view,
                    bool all, const char *id, json_t *rows)
{
    struct ctr c;
    struct ctr_status s;
    struct err damaged = ERR_INIT;
    if (ctr_enter(r, id, &c, &damaged) < 0)
        return;
    ctr_status(r, &c, &s);
    bool wanted = all || s.state == CTR_RUNNING;
    if (wanted && ctr_read(&c, &damaged) < 0 && damaged.sys == 0)
        say_warning("%s", damaged.msg);
    if (c.record && ctr_filter_match(r, &o->filter, &c, &s))
        json_array_append_new(rows, ps_row(r, &c, &s, view));
    ctr_close(&c);
}

static int collect(const struct roots *r, const struct options *o, json_t *rows, struct err *e)
{
    cleanup(strv_free) struct strv ids = STRV_INIT;
    bool formatted = o->format && *o->format;
    const struct ps_view view = {.whole = o->no_trunc,
                                 .pods = o->pod || formatted,
                                 .ns = o->ns,
                                 .usual = !formatted && !o->pod && !o->ns && !o->size && !o->sort};
    bool all = o->all || o->latest || o->last > 0 || ctr_filter_has(&o->filter, "status") ||
               ctr_filter_has(&o->filter, "exited");
    if ((all ? ctr_list(r, &ids, e) : ctr_list_started(r, &ids, e)) < 0)
        return -1;
    for (size_t i = 0; i < ids.n; i++)
        add_row(r, o, &view, all, ids.v[i], rows);
    if (o->external && !o->filter.n && ps_external(r, &view, rows, e) < 0)
        return -1;
    return o->size ? ps_sizes(r, rows, e) : 0;
}

/* Of the rows, oldest first, the last ones. */
static void keep_last(json_t *rows, size_t n)
{
    while (json_array_size(rows) > n)
        json_array_remove(rows, 0);
}

#define USUAL                                                                                      \
    "table {{.ID}}\t{{.Image}}\t{{.Command}}\t{{.CreatedHuman}}\t{{.Status}}\t{{.Ports}}\t"        \
    "{{.Names}}"

static int print(const struct roots *r, const struct options *o, struct err *e)
{
    static const struct table_column columns[] = {
        {"ID", "CONTAINER ID"},      {"RunningFor", "CREATED"},
        {"CreatedHuman", "CREATED"}, {"Pod", "POD ID"},
        {"PodName", "PODNAME"},      {"Cgroup", "CGROUPNS"},
        {"PIDNS", "PIDNS"},          {"USERNS", "USERNS"},
        {"ImageID", "IMAGE ID"},     {0}};
    cleanup(buf_free) struct buf out = BUF_INIT, usual = BUF_INIT;
    cleanup_json rows = json_array();
    if (collect(r, o, rows, e) < 0)
        return -1;
    sort_rows(rows, "created");
    if (o->latest || o->last > 0)
        keep_last(rows, o->latest ? 1 : (size_t)o->last);
    if (o->sort)
        sort_rows(rows, o->sort);
    buf_addf(&usual, "%s%s%s",
             o->ns ? "table {{.ID}}\t{{.Names}}\t{{.Pid}}\t{{.Cgroup}}\t{{.IPC}}\t{{.MNT}}\t"
                     "{{.NET}}\t{{.PIDNS}}\t{{.USERNS}}\t{{.UTS}}"
                   : USUAL,
             o->pod && !o->ns ? "\t{{.Pod}}\t{{.PodName}}" : "",
             o->size && !o->ns ? "\t{{.Size}}" : "");
    const struct table_spec spec = {
        .columns = columns, .json_indent = 2, .default_format = buf_str(&usual)};
    if (table_render(&spec, o->quiet ? "{{.ID}}" : o->format, o->noheading, rows, &out, e) < 0)
        return -1;
    fputs(buf_str(&out), stdout);
    return 0;
}

int main(int argc, char **argv)
{
    struct err e = ERR_INIT;
    struct options o = {0};
    struct roots r;
    int code = 0;
    if (say_parse(&command, &o, argc, argv, &code) < 0)
        return code;
    if (roots_open(&r, &e) < 0 || check(&r, &o, &e) < 0)
        return say_error(&e);
    for (;;) {
        if (print(&r, &o, &e) < 0)
            return say_error(&e);
        if (o.watch <= 0)
            return say_end(0);
        if (say_end(0) != 0)
            return EXIT_FAILURE;
        sleep((unsigned)o.watch);
        if (isatty(1))
            fputs("\033[H\033[2J", stdout); /* home, clear */
    }
}
