/* pod volume ls and inspect. */
#include "say.h"
#include "volume.h"

#include "things/table.h"
#include "words/timefmt.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* ---- what is shown of one ---- */

/* Go's «omitempty»: templates see it, JSON does not. */
static void put_unless(json_t *row, const char *key, json_t *value, bool empty)
{
    char hidden[32];
    snprintf(hidden, sizeof hidden, ".%s", key);
    json_object_set_new(row, empty ? hidden : key, value);
}

/* Sorted, as Go writes its maps. */
static json_t *sorted(const json_t *o)
{
    cleanup(strv_free) struct strv keys = STRV_INIT;
    json_t *ret = json_object();
    const char *key;
    const json_t *value;
    json_object_foreach((json_t *)o, key, value) strv_add(&keys, key);
    strv_sort(&keys);
    for (size_t i = 0; i < keys.n; i++)
        json_object_set(ret, keys.v[i], json_object_get(o, keys.v[i]));
    return ret;
}

static json_t *options_of(const json_t *rec, int64_t uid, int64_t gid)
{
    const json_t *given = json_object_get(rec, "options");
    cleanup_json all = given ? json_deep_copy(given) : json_object();
    if (uid >= 0)
        json_object_set_new(all, "UID", json_sprintf("%lld", (long long)uid));
    if (gid >= 0)
        json_object_set_new(all, "GID", json_sprintf("%lld", (long long)gid));
    return sorted(all);
}

json_t *volume_row(const struct roots *r, const char *name, struct err *e)
{
    cleanup_json rec = NULL;
    cleanup(buf_free) struct buf when = BUF_INIT;
    struct timespec made = {.tv_sec = TIMEFMT_NEVER};
    int64_t uid, gid;
    if (volume_load(r, name, &rec, e) < 0)
        return NULL;
    cleanup_free char *path = volume_path(r, name, rec);
    struct volume_needs needs = volume_needs(r, name);
    bool anonymous = jx_bool(rec, "anonymous");
    volume_owner(rec, &uid, &gid);
    (void)timefmt_parse(jx_str(rec, "created"), &made);
    timefmt_go(&when, made, TIMEFMT_LOCAL);
    json_t *row = json_pack("{s:s, s:s, s:s, s:s, s:o, s:s, s:o}", "Name", name, "Driver", "local",
                            "Mountpoint", path, "CreatedAt", jx_str(rec, "created"), "Labels",
                            sorted(json_object_get(rec, "labels")), "Scope", "local", "Options",
                            options_of(rec, uid, gid));
    json_object_set_new(row, ".CreatedAt", json_string(buf_str(&when)));
    put_unless(row, "UID", json_integer(uid > 0 ? uid : 0), uid <= 0);
    put_unless(row, "GID", json_integer(gid > 0 ? gid : 0), gid <= 0);
    put_unless(row, "Anonymous", json_boolean(anonymous), !anonymous);
    json_object_set_new(row, "MountCount", json_integer(0));
    needs.owner &= uid < 0 && gid < 0;
    put_unless(row, "NeedsCopyUp", json_boolean(needs.copy), !needs.copy);
    put_unless(row, "NeedsChown", json_boolean(needs.owner), !needs.owner);
    return row;
}

/* ---- ls ---- */

struct ls_options {
    bool quiet, noheading;
    const char *format;
    struct strv filter;
};
#define AT(f) offsetof(struct ls_options, f)
static const struct opt ls_table[] = {
    {"filter", 'f', OPT_LIST, "KEY=VALUE",
     "Only: dangling, driver, label, label!, name, opt, scope, since, until", AT(filter)},
    {"format", 0, OPT_STR, "FORMAT", "json or a Go template", AT(format)},
    {"noheading", 'n', OPT_BOOL, NULL, "No column headings", AT(noheading)},
    {"quiet", 'q', OPT_BOOL, NULL, "Names only", AT(quiet)},
    {0},
};
#undef AT
static const struct cmd ls_command = {
    .name = "pod volume ls",
    .operands = "",
    .summary = "List volumes",
    .more = "Exit codes: 0 done, 125 pod failed.",
    .opts = ls_table,
};
static const struct table_column columns[] = {
    {"Driver", NULL},      {"Name", "VOLUME NAME"},
    {"Mountpoint", NULL},  {"Scope", NULL},
    {"Labels", NULL},      {"Options", NULL},
    {"CreatedAt", NULL},   {"Anonymous", NULL},
    {"NeedsCopyUp", NULL}, {"NeedsChown", NULL},
    {"MountCount", NULL},  {"UID", NULL},
    {"GID", NULL},         {NULL, NULL},
};

static int collect(const struct roots *r, const struct strv *filter, json_t *rows, struct err *e)
{
    cleanup(strv_free) struct strv names = STRV_INIT, used = STRV_INIT;
    if (volume_filter_check(filter, e) < 0)
        return -1;
    volume_list(r, &names);
    volumes_used(r, &used);
    for (size_t i = 0; i < names.n; i++) {
        struct err damaged = ERR_INIT;
        json_t *row = volume_row(r, names.v[i], &damaged);
        if (!row)
            say_warning("%s", damaged.msg);
        else if (volume_filter_match(filter, row, &used))
            json_array_append(rows, row);
        json_decref(row);
    }
    return 0;
}

int verb_ls(int argc, char **argv)
{
    static const struct table_spec spec = {
        .columns = columns, .default_format = "table {{.Driver}}\t{{.Name}}", .json_indent = 2};
    struct err e = ERR_INIT;
    struct ls_options o = {0};
    struct roots r;
    cleanup(buf_free) struct buf out = BUF_INIT;
    cleanup_json rows = json_array();
    int code = 0;
    if (say_parse(&ls_command, &o, argc, argv, &code) < 0)
        return code;
    if (roots_open(&r, &e) < 0 || collect(&r, &o.filter, rows, &e) < 0)
        return say_error(&e);
    const char *format = o.quiet ? "{{.Name}}" : o.format;
    if (!json_array_size(rows) && !(format && table_is_json(format)))
        return say_end(0);
    if (table_render(&spec, format, o.noheading, rows, &out, &e) < 0)
        return say_error(&e);
    fputs(buf_str(&out), stdout);
    return say_end(0);
}

/* ---- inspect ---- */

struct inspect_options {
    bool all;
    const char *format;
};
static const struct opt inspect_table[] = {
    {"all", 'a', OPT_BOOL, NULL, "All volumes", offsetof(struct inspect_options, all)},
    {"format", 'f', OPT_STR, "FORMAT", "json or a Go template",
     offsetof(struct inspect_options, format)},
    {0},
};
static const struct cmd inspect_command = {
    .name = "pod volume inspect",
    .operands = "VOLUME...",
    .summary = "Show all about volumes as JSON",
    .more = "Exit codes: 0 done, 125 pod failed or a volume does not exist.",
    .opts = inspect_table,
    .max = -1,
};

static int find_row(const struct roots *r, const char *wanted, json_t *rows, struct err *e)
{
    cleanup_free char *name = NULL;
    if (volume_find(r, wanted, &name, e) < 0) {
        if (e->sys != ENOENT)
            return -1;
        err_set(e, 0, "inspecting object: no such volume %s", wanted);
        return err_hint(e, "See: pod volume ls");
    }
    json_t *row = volume_row(r, name, e);
    if (!row)
        return -1;
    json_array_append_new(rows, row);
    return 0;
}

int verb_inspect(int argc, char **argv)
{
    static const struct table_spec spec = {.columns = columns, .json_indent = 5};
    struct err e = ERR_INIT;
    struct inspect_options o = {0};
    struct roots r;
    cleanup(strv_free) struct strv all = STRV_INIT;
    cleanup(buf_free) struct buf out = BUF_INIT;
    cleanup_json rows = json_array();
    int code = 0;
    int first = say_parse(&inspect_command, &o, argc, argv, &code);
    if (first < 0)
        return code;
    if (o.all == (first < argc)) {
        err_set(&e, 0, "provide one or more volume names or use --all");
        return say_error(&e);
    }
    if (roots_open(&r, &e) < 0)
        return say_error(&e);
    if (o.all)
        volume_list(&r, &all);
    for (char **name = o.all ? all.v : argv + first; name && *name; name++) {
        e = (struct err)ERR_INIT;
        if (find_row(&r, *name, rows, &e) < 0)
            code = say_error(&e);
    }
    bool json = !o.format || table_is_json(o.format);
    e = (struct err)ERR_INIT;
    if (json_array_size(rows) || json)
        if (table_render(&spec, json ? "json" : o.format, true, rows, &out, &e) < 0)
            return say_error(&e);
    fputs(buf_str(&out), stdout);
    return say_end(code);
}
