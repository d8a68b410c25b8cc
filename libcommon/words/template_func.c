/* The functions a template can call. */
#include "words/template_node.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

int call_error(const struct call *c, const char *fmt, ...)
{
    char what[300];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(what, sizeof what, fmt, ap);
    va_end(ap);
    return exec_error(c->x, c->at, "error calling %s: %s", c->at->body->func->name, what);
}

int call_text(struct call *c, struct buf *b, struct val *ret)
{
    if (b->len > TEMPLATE_MAX_STRING)
        return call_error(c, "result is longer than %u MiB", TEMPLATE_MAX_STRING >> 20);
    *ret = exec_own(c->x, json_stringn_nocheck(buf_str(b), b->len));
    buf_clear(b);
    return 0;
}

static void answer(struct call *c, bool truth, struct val *ret)
{
    *ret = exec_own(c->x, json_boolean(truth));
}

static int run_not(struct call *c, struct val *ret)
{
    answer(c, !val_truth(c->args[0]), ret);
    return 0;
}

static int text_order(const json_t *a, const json_t *b)
{
    size_t n = json_string_length(a), m = json_string_length(b);
    int d = memcmp(json_string_value(a), json_string_value(b), n < m ? n : m);
    return d ? d : (n > m) - (n < m);
}

static int number_order(const json_t *a, const json_t *b)
{
    if (json_is_integer(a) && json_is_integer(b)) {
        json_int_t x = json_integer_value(a), y = json_integer_value(b);
        return (x > y) - (x < y);
    }
    double x = json_number_value(a), y = json_number_value(b);
    return (x > y) - (x < y);
}

static bool is_nothing(struct val v)
{
    return !v.j || json_is_null(v.j);
}

/* Is args[0] the same as args[i]? Numbers of both kinds compare: JSON has but one. */
static int same(struct call *c, size_t i, bool *ret)
{
    struct val a = c->args[0], b = c->args[i];
    struct val bad = json_is_array(a.j) || json_is_object(a.j) ? a : b;
    if (json_is_array(bad.j) || json_is_object(bad.j))
        return call_error(c, "non-comparable type %s", val_type(bad));
    if (is_nothing(a) || is_nothing(b))
        *ret = is_nothing(a) && is_nothing(b);
    else if (json_is_string(a.j) && json_is_string(b.j))
        *ret = text_order(a.j, b.j) == 0;
    else if (json_is_number(a.j) && json_is_number(b.j))
        *ret = number_order(a.j, b.j) == 0;
    else if (json_is_boolean(a.j) && json_is_boolean(b.j))
        *ret = json_is_true(a.j) == json_is_true(b.j);
    else
        return call_error(c, "incompatible types for comparison");
    return 0;
}

static int run_eq(struct call *c, struct val *ret)
{
    bool equal = false;
    for (size_t i = 1; i < c->n && !equal; i++)
        if (same(c, i, &equal) < 0)
            return -1;
    answer(c, equal, ret);
    return 0;
}

static int run_ne(struct call *c, struct val *ret)
{
    bool equal;
    if (same(c, 1, &equal) < 0)
        return -1;
    answer(c, !equal, ret);
    return 0;
}

static int order(struct call *c, int *ret)
{
    const json_t *a = c->args[0].j, *b = c->args[1].j;
    if (json_is_string(a) && json_is_string(b))
        *ret = text_order(a, b);
    else if (json_is_number(a) && json_is_number(b))
        *ret = number_order(a, b);
    else if (strcmp(val_type(c->args[0]), val_type(c->args[1])) == 0)
        return call_error(c, "invalid type for comparison");
    else
        return call_error(c, "incompatible types for comparison");
    return 0;
}

#define ORDERING(name, op)                                                                         \
    static int run_##name(struct call *c, struct val *ret)                                         \
    {                                                                                              \
        int d;                                                                                     \
        if (order(c, &d) < 0)                                                                      \
            return -1;                                                                             \
        answer(c, d op 0, ret);                                                                    \
        return 0;                                                                                  \
    }
ORDERING(lt, <)
ORDERING(le, <=)
ORDERING(gt, >)
ORDERING(ge, >=)

static int run_len(struct call *c, struct val *ret)
{
    const json_t *j = c->args[0].j;
    size_t n;
    if (json_is_string(j))
        n = json_string_length(j);
    else if (json_is_array(j))
        n = json_array_size(j);
    else if (json_is_object(j))
        n = json_object_size(j);
    else
        return call_error(c, "len of type %s", val_type(c->args[0]));
    *ret = exec_own(c->x, json_integer((json_int_t)n));
    return 0;
}

/* What a map lacks reads as "" when all it has are strings: Go knows its type, we must guess. */
static struct val missing(struct call *c, json_t *map)
{
    const char *key;
    json_t *item;
    json_object_foreach(map, key, item) if (!json_is_string(item)) return (struct val){0};
    return exec_own(c->x, json_string(""));
}

static int index_one(struct call *c, struct val v, size_t i, struct val *ret)
{
    struct val key = c->args[i];
    if (is_nothing(v))
        return call_error(c, "index of untyped nil");
    if (json_is_object(v.j)) {
        if (!json_is_string(key.j))
            return call_error(c, "value has type %s; should be string", val_type(key));
        json_t *found = json_object_get(v.j, json_string_value(key.j));
        *ret = found ? (struct val){.j = found} : missing(c, v.j);
        return 0;
    }
    if (!json_is_array(v.j) && !json_is_string(v.j))
        return call_error(c, "can't index item of type %s", val_type(v));
    if (!json_is_integer(key.j))
        return call_error(c, "cannot index slice/array with type %s", val_type(key));
    json_int_t at = json_integer_value(key.j);
    size_t n = json_is_array(v.j) ? json_array_size(v.j) : json_string_length(v.j);
    if (at < 0 || (size_t)at >= n)
        return call_error(c, "index out of range: %lld", (long long)at);
    if (json_is_array(v.j))
        *ret = (struct val){.j = json_array_get(v.j, (size_t)at), .record = v.record};
    else
        *ret = exec_own(c->x, json_integer((unsigned char)json_string_value(v.j)[at]));
    return 0;
}

static int run_index(struct call *c, struct val *ret)
{
    struct val v = c->args[0];
    for (size_t i = 1; i < c->n; i++)
        if (index_one(c, v, i, &v) < 0)
            return -1;
    *ret = v;
    return 0;
}

static int run_slice(struct call *c, struct val *ret)
{
    json_t *j = c->args[0].j;
    if (!json_is_string(j) && !json_is_array(j))
        return call_error(c, "can't slice item of type %s", val_type(c->args[0]));
    json_int_t n = (json_int_t)(json_is_string(j) ? json_string_length(j) : json_array_size(j));
    json_int_t ends[2] = {0, n};
    for (size_t i = 1; i < c->n; i++) {
        if (call_want_int(c, i, &ends[i - 1]) < 0)
            return -1;
        if (ends[i - 1] < 0 || ends[i - 1] > n)
            return call_error(c, "index out of range: %lld", (long long)ends[i - 1]);
    }
    if (ends[0] > ends[1])
        return call_error(c, "invalid slice index: %lld > %lld", (long long)ends[0],
                          (long long)ends[1]);
    if (json_is_string(j)) {
        *ret = exec_own(c->x, json_stringn_nocheck(json_string_value(j) + ends[0],
                                                   (size_t)(ends[1] - ends[0])));
        return 0;
    }
    *ret = exec_own(c->x, json_array());
    ret->record = c->args[0].record;
    for (json_int_t i = ends[0]; i < ends[1]; i++)
        json_array_append(ret->j, json_array_get(j, (size_t)i));
    return 0;
}

static int print_all(struct call *c, bool line, struct val *ret)
{
    cleanup(buf_free) struct buf b = BUF_INIT;
    for (size_t i = 0; i < c->n; i++) {
        /* print puts blanks only between operands neither of which is a string */
        if (i && (line || (!json_is_string(c->args[i].j) && !json_is_string(c->args[i - 1].j))))
            buf_addc(&b, ' ');
        if (print_value(&b, c->args[i].j, 0) < 0)
            return call_error(c, "value is nested too deeply");
    }
    if (line)
        buf_addc(&b, '\n');
    return call_text(c, &b, ret);
}

static int run_print(struct call *c, struct val *ret)
{
    return print_all(c, false, ret);
}

static int run_println(struct call *c, struct val *ret)
{
    return print_all(c, true, ret);
}

static int run_json(struct call *c, struct val *ret)
{
    cleanup(buf_free) struct buf b = BUF_INIT;
    struct err e = ERR_INIT;
    if (template_json(c->args[0].j, 0, c->args[0].record, &b, &e) < 0)
        return call_error(c, "%s", e.msg);
    return call_text(c, &b, ret);
}

const struct func *func_find(const char *name, size_t n)
{
    static const struct func all[] = {
        {"and", 1, -1, NULL}, /* these two choose which operands are evaluated at all */
        {"or", 1, -1, NULL},
        {"not", 1, 1, run_not},
        {"eq", 2, -1, run_eq},
        {"ne", 2, 2, run_ne},
        {"lt", 2, 2, run_lt},
        {"le", 2, 2, run_le},
        {"gt", 2, 2, run_gt},
        {"ge", 2, 2, run_ge},
        {"index", 1, -1, run_index},
        {"len", 1, 1, run_len},
        {"slice", 1, 3, run_slice},
        {"print", 0, -1, run_print},
        {"printf", 1, -1, func_printf},
        {"println", 0, -1, run_println},
        {"join", 2, 2, func_join},
        {"json", 1, 1, run_json},
        {"lower", 1, 1, func_lower},
        {"pad", 3, 3, func_pad},
        {"split", 2, 2, func_split},
        {"title", 1, 1, func_title},
        {"truncate", 2, 2, func_truncate},
        {"upper", 1, 1, func_upper},
    };
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        if (strlen(all[i].name) == n && memcmp(all[i].name, name, n) == 0)
            return &all[i];
    return NULL;
}
