/* pod secret ls and inspect. */
#include "say.h"
#include "secret.h"

#include "things/table.h"
#include "words/filter.h"
#include "words/timefmt.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct table_column columns[] = {
    {"ID", NULL},
    {"Name", NULL},
    {"Driver", NULL},
    {"CreatedAt", "CREATED"},
    {"UpdatedAt", "UPDATED"},
    {NULL, NULL},
};

static json_t *labels_of(const json_t *secret)
{
    json_t *labels = json_object_get(secret, "labels");
    return json_is_object(labels) ? json_incref(labels) : json_object();
}

/* ---- ls ---- */

struct ls_options {
    bool quiet, noheading;
    const char *format;
    struct strv filter;
};
#define AT(f) offsetof(struct ls_options, f)
static const struct opt ls_table[] = {
    {"filter", 'f', OPT_LIST, "KEY=VALUE", "Only those that match: name, id", AT(filter)},
    {"format", 0, OPT_STR, "FORMAT", "json or a Go template", AT(format)},
    {"noheading", 'n', OPT_BOOL, NULL, "No column headings", AT(noheading)},
    {"quiet", 'q', OPT_BOOL, NULL, "IDs only", AT(quiet)},
    {0},
};
#undef AT
static const struct cmd ls_command = {
    .name = "pod secret ls",
    .operands = "",
    .summary = "List secrets",
    .more = "Exit codes: 0 done, 125 pod failed.",
    .opts = ls_table,
};

static int check(const struct strv *filters, struct err *e)
{
    for (size_t i = 0; i < filters->n; i++) {
        const char *value;
        cleanup_free char *key = filter_key(filters->v[i], &value);
        if (strcmp(key, "name") != 0 && strcmp(key, "id") != 0)
            return err_set(e, 0, "invalid filter \"%s\"", key);
    }
    return 0;
}

/* Values of one key are alternatives. */
static bool wanted(const struct strv *filters, const json_t *secret)
{
    bool asked[2] = {false, false}, met[2] = {false, false};
    for (size_t i = 0; i < filters->n; i++) {
        const char *value;
        cleanup_free char *key = filter_key(filters->v[i], &value);
        bool id = strcmp(key, "id") == 0;
        asked[id] = true;
        met[id] |= id ? str_starts(jx_str(secret, "id"), value)
                      : filter_like(jx_str(secret, "name"), value);
    }
    return asked[0] == met[0] && asked[1] == met[1];
}

static void put_age(json_t *row, const char *key, const char *at)
{
    char hidden[32];
    struct timespec t;
    cleanup(buf_free) struct buf age = BUF_INIT;
    snprintf(hidden, sizeof hidden, ".%s", key);
    if (timefmt_parse(at, &t) == 0)
        timefmt_ago(&age, t, timefmt_clock());
    json_object_set_new(row, key, json_string(at));
    json_object_set_new(row, hidden, json_string(buf_str(&age)));
}

static json_t *row_of(const json_t *secret)
{
    const char *made = jx_str(secret, "createdAt"), *changed = jx_str(secret, "updatedAt");
    json_t *row = json_pack("{s:s, s:s, s:s}", "ID", jx_str(secret, "id"), "Name",
                            jx_str(secret, "name"), "Driver", jx_str(secret, "driver"));
    put_age(row, "CreatedAt", made);
    put_age(row, "UpdatedAt", *changed ? changed : made);
    json_object_set_new(row, "Labels", labels_of(secret));
    return row;
}

int verb_ls(int argc, char **argv)
{
    static const struct table_spec spec = {
        .columns = columns,
        .default_format = "table {{.ID}}\t{{.Name}}\t{{.Driver}}\t{{.CreatedAt}}\t{{.UpdatedAt}}"};
    struct err e = ERR_INIT;
    struct ls_options o = {0};
    struct roots r;
    struct secrets s;
    cleanup(buf_free) struct buf out = BUF_INIT;
    cleanup_json rows = json_array();
    const char *id;
    const json_t *v;
    int code = 0;
    if (say_parse(&ls_command, &o, argc, argv, &code) < 0)
        return code;
    if (check(&o.filter, &e) < 0 || roots_open(&r, &e) < 0 || secrets_open(&r, false, &s, &e) < 0)
        return say_error(&e);
    json_object_foreach(json_object_get(s.list, "secrets"), id, v)
    {
        if (wanted(&o.filter, v))
            json_array_append_new(rows, row_of(v));
    }
    secrets_close(&s);
    if (table_render(&spec, o.quiet ? "{{.ID}}" : o.format, o.noheading, rows, &out, &e) < 0)
        return say_error(&e);
    fputs(buf_str(&out), stdout);
    return say_end(0);
}

/* ---- inspect ---- */

struct inspect_options {
    bool show;
    const char *format;
};
static const struct opt inspect_table[] = {
    {"format", 'f', OPT_STR, "FORMAT", "json or a Go template",
     offsetof(struct inspect_options, format)},
    {"showsecret", 0, OPT_BOOL, NULL, "Show the data too, as .SecretData",
     offsetof(struct inspect_options, show)},
    {0},
};
static const struct cmd inspect_command = {
    .name = "pod secret inspect",
    .operands = "SECRET...",
    .summary = "Show all about secrets as JSON",
    .more = "Exit codes: 0 done, 125 pod failed or a secret does not exist.",
    .opts = inspect_table,
    .min = 1,
    .max = -1,
};

static json_t *item_of(const struct secrets *s, const json_t *secret, bool show, struct err *e)
{
    const char *made = jx_str(secret, "createdAt"), *changed = jx_str(secret, "updatedAt");
    json_t *options = json_object_get(secret, "driverOptions");
    cleanup(buf_free) struct buf data = BUF_INIT;
    if (show && secret_read(s, secret, &data, e) < 0)
        return NULL;
    json_t *o =
        json_pack("{s:s, s:s, s:s, s:{s:s, s:{s:s, s:o}, s:o}}", "ID", jx_str(secret, "id"),
                  "CreatedAt", made, "UpdatedAt", *changed ? changed : made, "Spec", "Name",
                  jx_str(secret, "name"), "Driver", "Name", jx_str(secret, "driver"), "Options",
                  options ? json_incref(options) : json_object(), "Labels", labels_of(secret));
    json_t *text = show ? json_stringn(data.s, data.len) : NULL;
    if (show && !text)
        err_set(e, 0, "secret %s is no text: it cannot be shown", jx_str(secret, "name"));
    if (text)
        json_object_set_new(o, "SecretData", text);
    return o;
}

int verb_inspect(int argc, char **argv)
{
    static const struct table_spec spec = {.columns = columns, .json_indent = 4};
    struct err e = ERR_INIT;
    struct inspect_options o = {0};
    struct roots r;
    struct secrets s;
    cleanup(buf_free) struct buf out = BUF_INIT;
    cleanup_json rows = json_array();
    int code = 0;
    int first = say_parse(&inspect_command, &o, argc, argv, &code);
    if (first < 0)
        return code;
    if (roots_open(&r, &e) < 0 || secrets_open(&r, false, &s, &e) < 0)
        return say_error(&e);
    for (int i = first; i < argc; i++) {
        e = (struct err)ERR_INIT;
        const json_t *secret = secret_find(&s, argv[i], &e);
        json_t *item = secret ? item_of(&s, secret, o.show, &e) : NULL;
        if (item)
            json_array_append_new(rows, item);
        if (!secret)
            err_prefix(&e, "inspecting secret");
        if (e.msg[0])
            code = say_error(&e);
    }
    secrets_close(&s);
    bool json = !o.format || table_is_json(o.format);
    e = (struct err)ERR_INIT;
    if (json_array_size(rows) || json)
        if (table_render(&spec, json ? "json" : o.format, true, rows, &out, &e) < 0)
            return say_error(&e);
    fputs(buf_str(&out), stdout);
    return say_end(code);
}
