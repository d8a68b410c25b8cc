/* printf: the format string. What a verb does is in template_print.c. */
#include "words/template_node.h"

#include "words/utf8.h"

#include <string.h>

/* A number in the format, or * and the next argument. */
static int read_number(struct call *c, const char **s, const char *end, size_t *next)
{
    long n = 0;
    if (*s < end && **s == '*') {
        const json_t *a = *next < c->n ? c->args[*next].j : NULL;
        (*s)++;
        (*next)++;
        json_int_t i = json_integer_value(a);
        return i < 0 || i > 1000 ? 0 : (int)i;
    }
    for (; *s < end && **s >= '0' && **s <= '9'; (*s)++)
        n = n > 1000 ? n : 10 * n + (**s - '0');
    return n > 1000 ? 1000 : (int)n;
}

static void read_verb(struct call *c, const char **s, const char *end, size_t *next, struct verb *v)
{
    *v = (struct verb){.width = -1, .precision = -1};
    for (; *s < end && strchr("-+# 0", **s) && **s; (*s)++) {
        v->minus |= **s == '-';
        v->plus |= **s == '+';
        v->sharp |= **s == '#';
        v->zero |= **s == '0';
        v->space |= **s == ' ';
    }
    if (*s < end && (**s == '*' || (**s >= '1' && **s <= '9')))
        v->width = read_number(c, s, end, next);
    if (*s < end && **s == '.') {
        (*s)++;
        v->precision = read_number(c, s, end, next);
    }
    if (*s < end)
        *s += utf8_next(*s, (size_t)(end - *s), &v->letter);
}

static void extra_args(struct call *c, size_t next, struct buf *b)
{
    buf_adds(b, "%!(EXTRA ");
    for (size_t i = next; i < c->n; i++) {
        if (i > next)
            buf_adds(b, ", ");
        buf_adds(b, val_type(c->args[i]));
        if (c->args[i].j && !json_is_null(c->args[i].j)) {
            buf_addc(b, '=');
            print_value(b, c->args[i].j, 0);
        }
    }
    buf_addc(b, ')');
}

int func_printf(struct call *c, struct val *ret)
{
    cleanup(buf_free) struct buf b = BUF_INIT;
    if (!json_is_string(c->args[0].j))
        return exec_error(c->x, c->nodes[0], "expected string; found %s", val_type(c->args[0]));
    const char *s = json_string_value(c->args[0].j), *end = s + json_string_length(c->args[0].j);
    size_t next = 1;
    while (s < end && b.len <= TEMPLATE_MAX_STRING) {
        struct verb v;
        if (*s != '%') {
            buf_addc(&b, *s++);
            continue;
        }
        s++;
        read_verb(c, &s, end, &next, &v);
        if (v.letter == '%') {
            buf_addc(&b, '%');
        } else if (v.letter == 0) {
            buf_adds(&b, "%!(NOVERB)");
        } else if (next >= c->n) {
            buf_adds(&b, "%!");
            utf8_put(&b, v.letter);
            buf_adds(&b, "(MISSING)");
        } else if (print_verb(&b, &v, c->args[next++].j, 0) < 0) {
            return call_error(c, "value is nested too deeply");
        }
    }
    if (next < c->n)
        extra_args(c, next, &b);
    return call_text(c, &b, ret);
}
