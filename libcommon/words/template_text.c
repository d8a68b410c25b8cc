/* Functions on strings, and what a function demands of its arguments. */
#include "words/template_node.h"

#include "words/utf8.h"

#include <ctype.h>
#include <string.h>

#define PAD_MAX 10000

int call_want_text(struct call *c, size_t i, const char **s, size_t *n)
{
    json_t *j = c->args[i].j;
    if (!json_is_string(j))
        return exec_error(c->x, c->nodes[i], "wrong type for value; expected string; got %s",
                          val_type(c->args[i]));
    *s = json_string_value(j);
    *n = json_string_length(j);
    return 0;
}

int call_want_int(struct call *c, size_t i, json_int_t *ret)
{
    if (!json_is_integer(c->args[i].j))
        return exec_error(c->x, c->nodes[i], "wrong type for value; expected int; got %s",
                          val_type(c->args[i]));
    *ret = json_integer_value(c->args[i].j);
    return 0;
}

int func_join(struct call *c, struct val *ret)
{
    cleanup(buf_free) struct buf b = BUF_INIT;
    json_t *list = c->args[0].j;
    const char *by;
    size_t n;
    if (list && !json_is_array(list) && !json_is_null(list))
        return exec_error(c->x, c->nodes[0], "wrong type for value; expected []string; got %s",
                          val_type(c->args[0]));
    if (call_want_text(c, 1, &by, &n) < 0)
        return -1;
    for (size_t i = 0; i < json_array_size(list) && b.len <= TEMPLATE_MAX_STRING; i++) {
        if (i)
            buf_add(&b, by, n);
        if (print_value(&b, json_array_get(list, i), 0) < 0)
            return call_error(c, "value is nested too deeply");
    }
    return call_text(c, &b, ret);
}

int func_split(struct call *c, struct val *ret)
{
    const char *s, *by;
    size_t n, m;
    if (call_want_text(c, 0, &s, &n) < 0 || call_want_text(c, 1, &by, &m) < 0)
        return -1;
    *ret = exec_own(c->x, json_array());
    while (n || m) {
        uint32_t cp;
        const char *at = m ? memmem(s, n, by, m) : s + utf8_next(s, n, &cp);
        size_t len = at ? (size_t)(at - s) : n;
        json_array_append_new(ret->j, json_stringn_nocheck(s, len));
        if (!at)
            break;
        n -= len + m;
        s += len + m;
    }
    return 0;
}

static int map_text(struct call *c, void (*change)(char *s, size_t n), struct val *ret)
{
    cleanup(buf_free) struct buf b = BUF_INIT;
    const char *s;
    size_t n;
    if (call_want_text(c, 0, &s, &n) < 0)
        return -1;
    buf_add(&b, s, n);
    change(b.s, n);
    return call_text(c, &b, ret);
}

static void make_lower(char *s, size_t n)
{
    for (size_t i = 0; i < n; i++)
        s[i] = (char)tolower((unsigned char)s[i]);
}

static void make_upper(char *s, size_t n)
{
    for (size_t i = 0; i < n; i++)
        s[i] = (char)toupper((unsigned char)s[i]);
}

/* A word begins behind anything but letters, digits, _ and what is not ASCII. */
static void make_title(char *s, size_t n)
{
    bool begins = true;
    for (size_t i = 0; i < n; i++) {
        if (begins)
            s[i] = (char)toupper((unsigned char)s[i]);
        begins = !isalnum((unsigned char)s[i]) && s[i] != '_' && !(s[i] & 0x80);
    }
}

int func_lower(struct call *c, struct val *ret)
{
    return map_text(c, make_lower, ret);
}

int func_upper(struct call *c, struct val *ret)
{
    return map_text(c, make_upper, ret);
}

int func_title(struct call *c, struct val *ret)
{
    return map_text(c, make_title, ret);
}

int func_pad(struct call *c, struct val *ret)
{
    cleanup(buf_free) struct buf b = BUF_INIT;
    const char *s;
    size_t n;
    json_int_t before = 0, after = 0;
    if (call_want_text(c, 0, &s, &n) < 0 || call_want_int(c, 1, &before) < 0 ||
        call_want_int(c, 2, &after) < 0)
        return -1;
    if (before < 0 || before > PAD_MAX || after < 0 || after > PAD_MAX)
        return call_error(c, "padding must be between 0 and %d", PAD_MAX);
    if (n)
        buf_addf(&b, "%*s", (int)before, "");
    buf_add(&b, s, n);
    if (n)
        buf_addf(&b, "%*s", (int)after, "");
    return call_text(c, &b, ret);
}

int func_truncate(struct call *c, struct val *ret)
{
    const char *s;
    size_t n;
    json_int_t to = 0;
    if (call_want_text(c, 0, &s, &n) < 0 || call_want_int(c, 1, &to) < 0)
        return -1;
    if (to < 0)
        return call_error(c, "index out of range: %lld", (long long)to);
    *ret = exec_own(c->x, json_stringn_nocheck(s, (size_t)to < n ? (size_t)to : n));
    return 0;
}
