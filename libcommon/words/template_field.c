/* Values: what they are, the way to a field, variables; and how a failure is said. */
#include "words/template_node.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

int exec_error(struct exec *x, const struct node *at, const char *fmt, ...)
{
    const char *text = x->t->text;
    char what[600];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(what, sizeof what, fmt, ap);
    va_end(ap);
    unsigned line = 1;
    size_t start = 0;
    for (size_t i = 0; i < at->pos; i++) {
        if (text[i] != '\n')
            continue;
        line++;
        start = i + 1;
    }
    return err_set(x->e, 0,
                   "template: " TEMPLATE_NAME ":%u:%zu: executing \"" TEMPLATE_NAME
                   "\" at <%.*s>: %s",
                   line, at->pos - start, (int)(at->to - at->from), text + at->from, what);
}

void exec_pop_vars(struct exec *x, size_t to)
{
    while (x->nvars > to)
        json_decref(x->vars[--x->nvars].v.j);
}

static int declare(struct exec *x, const struct node *at, const char *name, struct val v)
{
    if (x->nvars == TEMPLATE_MAX_VARS)
        return exec_error(x, at, "too many variables");
    json_incref(v.j);
    x->vars[x->nvars++] = (struct var){.name = name, .v = v};
    return 0;
}

struct var *exec_find_var(struct exec *x, const char *name)
{
    size_t i = x->nvars;
    while (i-- > 1)
        if (strcmp(x->vars[i].name, name) == 0)
            return &x->vars[i];
    return &x->vars[0];
}

int exec_set_var(struct exec *x, const struct node *pipe, const char *name, struct val v)
{
    if (!pipe->assign)
        return declare(x, pipe, name, v);
    struct var *var = exec_find_var(x, name);
    json_incref(v.j);
    json_decref(var->v.j);
    var->v = v;
    return 0;
}

bool val_truth(struct val v)
{
    switch (v.j ? json_typeof(v.j) : JSON_NULL) {
    case JSON_NULL:
    case JSON_FALSE:
        return false;
    case JSON_TRUE:
        return true;
    case JSON_INTEGER:
        return json_integer_value(v.j) != 0;
    case JSON_REAL:
        return json_real_value(v.j) < 0 || json_real_value(v.j) > 0;
    case JSON_STRING:
        return json_string_length(v.j) > 0;
    case JSON_ARRAY:
        return json_array_size(v.j) > 0;
    case JSON_OBJECT:
        return json_object_size(v.j) > 0;
    }
    return false;
}

const char *val_type(struct val v)
{
    static const char *const names[] = {
        [JSON_OBJECT] = "map[string]interface {}",
        [JSON_ARRAY] = "[]interface {}",
        [JSON_STRING] = "string",
        [JSON_INTEGER] = "int",
        [JSON_REAL] = "float64",
        [JSON_TRUE] = "bool",
        [JSON_FALSE] = "bool",
        [JSON_NULL] = "<nil>",
    };
    return v.j ? names[json_typeof(v.j)] : "<nil>";
}

/* In a record the form for people comes first, unless the way goes on below it. */
static json_t *find_member(struct val v, const char *name, bool last)
{
    cleanup_free char *shown = xasprintf(".%s", name);
    json_t *found = v.record && last ? json_object_get(v.j, shown) : NULL;
    if (!found)
        found = json_object_get(v.j, name);
    if (found)
        return found;
    const char *key;
    json_t *item;
    json_object_foreach(v.j, key, item)
    {
        bool is_shown = v.record && *key == '.';
        if (strcasecmp(key + (is_shown && last), name) == 0 && (last || !is_shown))
            return item;
    }
    return NULL;
}

static int unknown_field(struct exec *x, const struct node *at, const char *name, json_t *record)
{
    cleanup(buf_free) struct buf known = BUF_INIT;
    size_t count;
    cleanup_free const char **keys = sorted_keys(record, &count);
    for (size_t i = 0; i < count && known.len < 1000; i++) {
        const char *key = keys[i] + (*keys[i] == '.');
        if (key == keys[i] || !json_object_get(record, key))
            buf_addf(&known, "%s.%s", known.len ? " " : "", key);
    }
    exec_error(x, at, "can't evaluate field %s", name);
    return err_hint(x->e, "Fields: %s", buf_str(&known));
}

static int eval_field(struct exec *x, const struct node *at, struct val v, const char *name,
                      bool last, struct val *ret)
{
    if (!v.j) {
        *ret = (struct val){0};
        return 0;
    }
    if (json_is_null(v.j))
        return exec_error(x, at, "nil pointer evaluating interface {}.%s", name);
    if (!json_is_object(v.j))
        return exec_error(x, at, "can't evaluate field %s in type %s", name, val_type(v));
    json_t *found = find_member(v, name, last);
    if (!found && v.record)
        return unknown_field(x, at, name, v.j);
    *ret = (struct val){.j = found};
    return 0;
}

/* {{.Label "x"}}: podman's and docker's one method that takes an argument. */
static int eval_method(struct exec *x, const struct node *at, struct val v, const char *name,
                       struct val arg, struct val *ret)
{
    cleanup_free char *many = xasprintf("%ss", name);
    json_t *o = json_object_get(v.j, name);
    if (!json_is_object(o))
        o = json_object_get(v.j, many);
    if (!v.record || !json_is_object(o) || !json_is_string(arg.j))
        return exec_error(x, at, "%s has arguments but cannot be invoked as function", name);
    json_t *found = json_object_get(o, json_string_value(arg.j));
    *ret = found ? (struct val){.j = found} : exec_own(x, json_string(""));
    return 0;
}

static struct val header_of(struct exec *x, const char *name)
{
    cleanup(buf_free) struct buf b = BUF_INIT;
    x->header(x->header_arg, name, &b);
    return exec_own(x, json_stringn_nocheck(buf_str(&b), b.len));
}

int eval_fields(struct exec *x, const struct node *at, struct val v, const struct val *arg,
                struct val *ret)
{
    const struct strv *names = &at->names;
    if (x->header && names->n && !(arg && json_is_string(arg->j))) {
        *ret = header_of(x, names->v[names->n - 1]);
        return 0;
    }
    if (x->header && names->n) {
        *ret = header_of(x, json_string_value(arg->j));
        return 0;
    }
    for (size_t i = 0; i < names->n; i++) {
        bool last = i + 1 == names->n;
        int r = last && arg ? eval_method(x, at, v, names->v[i], *arg, &v)
                            : eval_field(x, at, v, names->v[i], last, &v);
        if (r < 0)
            return -1;
    }
    if (names->n == 0 && arg)
        return exec_error(x, at, "can't give argument to non-function %s", at->text);
    *ret = v;
    return 0;
}
