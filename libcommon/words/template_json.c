/* JSON text as Go's encoder writes it. */
#include "words/template_node.h"

#include "words/utf8.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct writer {
    struct buf *out;
    int indent, depth;
};

static void put_text(struct buf *b, const char *s, size_t n)
{
    buf_addc(b, '"');
    for (size_t i = 0; i < n;) {
        static const char names[] = "nrt\\\"", values[] = "\n\r\t\\\"";
        uint32_t cp;
        size_t len = utf8_next(s + i, n - i, &cp);
        const char *name = cp && cp < 0x80 ? strchr(values, (int)cp) : NULL;
        if (name)
            buf_addf(b, "\\%c", names[name - values]);
        else if (cp < 0x20 || cp == 0x2028 || cp == 0x2029 || (cp == UTF8_BAD && len == 1))
            buf_addf(b, "\\u%04x", cp);
        else
            buf_add(b, s + i, len);
        i += len;
    }
    buf_addc(b, '"');
}

/* Plain digits from 1e-6 up to 1e21, as in JavaScript; else d.ddde±x without leading zeros. */
static void put_real(struct buf *b, double v)
{
    char digits[32];
    int point;
    print_digits(v, digits, &point);
    int n = (int)strlen(digits);
    if (v < 0)
        buf_addc(b, '-');
    if (digits[0] == '0') {
        buf_addc(b, '0');
    } else if (point < -5 || point > 21) {
        buf_addf(b, "%c%s%s", digits[0], n > 1 ? "." : "", digits + 1);
        buf_addf(b, "e%s%d", point > 0 ? "+" : "-", abs(point - 1));
    } else if (point <= 0) {
        buf_addf(b, "0.%.*s%s", -point, "00000", digits);
    } else {
        for (int i = 0; i < point; i++)
            buf_addc(b, i < n ? digits[i] : '0');
        if (n > point)
            buf_addf(b, ".%s", digits + point);
    }
}

static void new_line(struct writer *w)
{
    if (w->indent)
        buf_addf(w->out, "\n%*s", w->indent * w->depth, "");
}

static int put(struct writer *w, const json_t *v, int record);

static int put_object(struct writer *w, const json_t *v, int record)
{
    const char *key;
    json_t *item;
    bool any = false;
    buf_addc(w->out, '{');
    w->depth++;
    json_object_foreach((json_t *)(uintptr_t)v, key, item)
    {
        if (record && *key == '.')
            continue;
        if (any)
            buf_addc(w->out, ',');
        any = true;
        new_line(w);
        put_text(w->out, key, strlen(key));
        buf_adds(w->out, w->indent ? ": " : ":");
        if (put(w, item, 0) < 0)
            return -1;
    }
    w->depth--;
    if (any)
        new_line(w);
    buf_addc(w->out, '}');
    return 0;
}

static int put_array(struct writer *w, const json_t *v, int record)
{
    size_t n = json_array_size(v);
    buf_addc(w->out, '[');
    w->depth++;
    for (size_t i = 0; i < n; i++) {
        if (i)
            buf_addc(w->out, ',');
        new_line(w);
        if (put(w, json_array_get(v, i), record) < 0)
            return -1;
    }
    w->depth--;
    if (n)
        new_line(w);
    buf_addc(w->out, ']');
    return 0;
}

static int put(struct writer *w, const json_t *v, int record)
{
    if (w->depth > TEMPLATE_MAX_DEPTH || w->out->len > TEMPLATE_MAX_OUTPUT)
        return -1;
    switch (v ? json_typeof(v) : JSON_NULL) {
    case JSON_OBJECT:
        return put_object(w, v, record);
    case JSON_ARRAY:
        return put_array(w, v, record);
    case JSON_STRING:
        put_text(w->out, json_string_value(v), json_string_length(v));
        break;
    case JSON_INTEGER:
        buf_addf(w->out, "%lld", (long long)json_integer_value(v));
        break;
    case JSON_REAL:
        put_real(w->out, json_real_value(v));
        break;
    case JSON_TRUE:
        buf_adds(w->out, "true");
        break;
    case JSON_FALSE:
        buf_adds(w->out, "false");
        break;
    case JSON_NULL:
        buf_adds(w->out, "null");
        break;
    }
    return 0;
}

int template_json(const json_t *v, int indent, int record, struct buf *out, struct err *e)
{
    struct writer w = {.out = out, .indent = indent};
    size_t start = out->len;
    if (put(&w, v, record) == 0)
        return 0;
    if (out->s)
        out->s[out->len = start] = '\0';
    return err_set(e, 0, "value is too large or nested too deeply for JSON");
}
