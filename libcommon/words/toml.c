#include "words/toml.h"

#include "disk/at.h"
#include "plain/buf.h"
#include "plain/str.h"
#include "words/json.h"
#include "words/tomlvalue.h"

#include <fcntl.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

/*
 * What may still be added to a table depends on how it came to be. The marks are kept beside the
 * document, by the address of the (living) value: "open" for tables that had their [header],
 * "closed" for inline tables and plain arrays, "list" for arrays made by [[header]].
 */
static const char *mark_of(const struct toml *t, const json_t *v)
{
    char key[24];
    snprintf(key, sizeof key, "%p", (const void *)v);
    return jx_str(t->marks, key);
}

void toml_mark(struct toml *t, const json_t *v, const char *mark)
{
    char key[24];
    snprintf(key, sizeof key, "%p", (const void *)v);
    json_object_set_new(t->marks, key, json_string(mark));
}

int toml_fail(struct toml *t, const char *fmt, ...)
{
    char why[400];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(why, sizeof why, fmt, ap);
    va_end(ap);
    return err_set(t->e, 0, "%s:%d: %s", t->what, t->line, why);
}

void toml_blanks(struct toml *t)
{
    while (t->p < t->end && (*t->p == ' ' || *t->p == '\t'))
        t->p++;
}

/* Blanks, a comment, then a newline or the end. */
static int end_of_line(struct toml *t)
{
    toml_blanks(t);
    if (t->p < t->end && *t->p == '#')
        while (t->p < t->end && *t->p != '\n')
            t->p++;
    if (t->p < t->end && *t->p == '\r')
        t->p++;
    if (t->p < t->end && *t->p != '\n')
        return toml_fail(t, "unexpected text after the value");
    if (t->p < t->end) {
        t->p++;
        t->line++;
    }
    return 0;
}

/* Dotted key into parts. */
static int key_parts(struct toml *t, struct strv *ret)
{
    for (;;) {
        cleanup(buf_free) struct buf b = BUF_INIT;
        toml_blanks(t);
        if (toml_key_part(t, &b) < 0)
            return -1;
        strv_add(ret, buf_str(&b));
        if (ret->n > TOML_MAX_DEPTH)
            return toml_fail(t, "key of too many parts");
        toml_blanks(t);
        if (t->p == t->end || *t->p != '.')
            return 0;
        t->p++;
    }
}

/* The table below `in` called name, made when missing; the last one of a list of tables. */
static int descend(struct toml *t, json_t *in, const char *name, json_t **ret)
{
    json_t *v = json_object_get(in, name);
    if (!v) {
        v = json_object();
        if (json_object_set_new(in, name, v) < 0)
            return toml_fail(t, "key is not UTF-8");
    }
    if (json_is_array(v) && str_eq(mark_of(t, v), "list"))
        v = json_array_get(v, json_array_size(v) - 1);
    if (!json_is_object(v) || str_eq(mark_of(t, v), "closed"))
        return toml_fail(t, "\"%s\" was given a value before, it cannot become a table", name);
    *ret = v;
    return 0;
}

int toml_assign(struct toml *t, json_t *table)
{
    cleanup(strv_free) struct strv key = STRV_INIT;
    if (key_parts(t, &key) < 0)
        return -1;
    if (t->p == t->end || *t->p != '=')
        return toml_fail(t, "expected \"=\" after key \"%s\"", key.v[key.n - 1]);
    t->p++;
    for (size_t i = 0; i + 1 < key.n; i++) {
        if (descend(t, table, key.v[i], &table) < 0)
            return -1;
        toml_mark(t, table, "open");
    }
    const char *last = key.v[key.n - 1];
    if (json_object_get(table, last))
        return toml_fail(t, "key \"%s\" is set twice", last);
    json_t *v = NULL;
    if (toml_value(t, &v) < 0)
        return -1;
    if (json_object_set_new(table, last, v) < 0)
        return toml_fail(t, "key is not UTF-8");
    return 0;
}

static int open_table(struct toml *t, json_t *in, const char *name)
{
    json_t *v = json_object_get(in, name);
    if (json_is_array(v))
        return toml_fail(t, "\"%s\" is a list, not a table", name);
    if (descend(t, in, name, &t->table) < 0)
        return -1;
    if (*mark_of(t, t->table))
        return toml_fail(t, "table [%s] is opened twice", name);
    toml_mark(t, t->table, "open");
    return 0;
}

static int open_list(struct toml *t, json_t *in, const char *name)
{
    json_t *v = json_object_get(in, name);
    if (!v) {
        v = json_array();
        if (json_object_set_new(in, name, v) < 0)
            return toml_fail(t, "key is not UTF-8");
        toml_mark(t, v, "list");
    }
    if (!json_is_array(v) || !str_eq(mark_of(t, v), "list"))
        return toml_fail(t, "\"%s\" was given a value before, it cannot become [[%s]]", name, name);
    t->table = json_object();
    json_array_append_new(v, t->table);
    return 0;
}

/* [a.b] or [[a.b]] */
static int header(struct toml *t)
{
    cleanup(strv_free) struct strv key = STRV_INIT;
    bool list = t->p + 1 < t->end && t->p[1] == '[';
    t->p += list ? 2 : 1;
    if (key_parts(t, &key) < 0)
        return -1;
    for (int i = 0; i < (list ? 2 : 1); i++, t->p++)
        if (t->p == t->end || *t->p != ']')
            return toml_fail(t, "expected \"%s\" after the table's name", list ? "]]" : "]");
    json_t *in = t->root;
    for (size_t i = 0; i + 1 < key.n; i++)
        if (descend(t, in, key.v[i], &in) < 0)
            return -1;
    const char *last = key.v[key.n - 1];
    return list ? open_list(t, in, last) : open_table(t, in, last);
}

static int document(struct toml *t)
{
    if (t->end - t->p >= 3 && memcmp(t->p, "\xef\xbb\xbf", 3) == 0)
        t->p += 3;
    while (t->p < t->end) {
        toml_blanks(t);
        if (t->p == t->end)
            break;
        if (!strchr("#\r\n", *t->p) || !*t->p)
            if ((*t->p == '[' ? header(t) : toml_assign(t, t->table)) < 0)
                return -1;
        if (end_of_line(t) < 0)
            return -1;
    }
    return 0;
}

int toml_parse(const char *what, const char *p, size_t n, json_t **ret, struct err *e)
{
    struct toml t = {.what = what, .p = p, .end = p + n, .line = 1, .e = e};
    t.root = t.table = json_object();
    t.marks = json_object();
    int r = document(&t);
    json_decref(t.marks);
    if (r < 0)
        json_decref(t.root);
    else
        *ret = t.root;
    return r;
}

int toml_load(const char *path, json_t **ret, struct err *e)
{
    cleanup(buf_free) struct buf b = BUF_INIT;
    if (at_read(AT_FDCWD, path, 1 << 20, &b) < 0)
        return err_sys(e, "cannot read \"%s\"", path);
    return toml_parse(path, buf_str(&b), b.len, ret, e);
}
