/* Values as Go's fmt package prints them: %v of everything, and the verbs of printf. */
#include "words/template_node.h"

#include "words/utf8.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int by_key(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

const char **sorted_keys(const json_t *o, size_t *n)
{
    const char **keys = xcalloc(json_object_size(o) + 1, sizeof *keys), *key;
    json_t *item;
    *n = 0;
    json_object_foreach((json_t *)(uintptr_t)o, key, item) keys[(*n)++] = key;
    qsort(keys, *n, sizeof *keys, by_key);
    return keys;
}

void print_digits(double v, char digits[32], int *point)
{
    char text[48];
    int precision = 0;
    do
        snprintf(text, sizeof text, "%.*e", precision, v < 0 ? -v : v);
    while (strtod(text, NULL) != (v < 0 ? -v : v) && ++precision < 17);
    char *e = strchr(text, 'e'), *out = digits;
    *point = atoi(e + 1) + 1;
    for (char *s = text; s < e; s++)
        if (*s != '.')
            *out++ = *s;
    while (out > digits + 1 && out[-1] == '0')
        out--;
    *out = '\0';
}

void print_float(struct buf *b, double v)
{
    char digits[32];
    int point;
    print_digits(v, digits, &point);
    int n = (int)strlen(digits), exponent = point - 1;
    if (v < 0)
        buf_addc(b, '-');
    if (digits[0] == '0') {
        buf_addc(b, '0');
    } else if (exponent < -4 || exponent >= 6) {
        buf_addf(b, "%c%s%s", digits[0], n > 1 ? "." : "", digits + 1);
        buf_addf(b, "e%c%02d", exponent < 0 ? '-' : '+', abs(exponent));
    } else if (point <= 0) {
        buf_addf(b, "0.%.*s%s", -point, "00000", digits);
    } else {
        for (int i = 0; i < point; i++)
            buf_addc(b, i < n ? digits[i] : '0');
        if (n > point)
            buf_addf(b, ".%s", digits + point);
    }
}

void print_quoted(struct buf *b, const char *s, size_t n)
{
    static const char names[] = "abfnrtv\\\"", values[] = "\a\b\f\n\r\t\v\\\"";
    buf_addc(b, '"');
    for (size_t i = 0; i < n;) {
        uint32_t cp;
        size_t len = utf8_next(s + i, n - i, &cp);
        const char *name = cp && cp < 0x80 ? strchr(values, (int)cp) : NULL;
        if (name)
            buf_addf(b, "\\%c", names[name - values]);
        else if ((cp == UTF8_BAD && len == 1) || cp < 0x20 || cp == 0x7f)
            buf_addf(b, "\\x%02x", (unsigned char)s[i]);
        else if (cp > 0x7f && (cp < 0xa1 || cp == 0xad || cp == 0xfeff ||
                               (cp >= 0x2000 && cp <= 0x200f) || (cp >= 0x2028 && cp <= 0x202f)))
            buf_addf(b, "\\u%04x", cp);
        else
            buf_add(b, s + i, len);
        i += len;
    }
    buf_addc(b, '"');
}

static void pad_out(struct buf *b, size_t from, const struct verb *v, bool number)
{
    size_t have = utf8_count(b->s + from, b->len - from);
    if (v->width < 0 || have >= (size_t)v->width)
        return;
    size_t more = (size_t)v->width - have;
    size_t at = from;
    char fill = ' ';
    if (v->minus) {
        at = b->len;
    } else if (v->zero && number) {
        fill = '0';
        at += b->s[at] == '-' || b->s[at] == '+' || b->s[at] == ' ';
    }
    buf_reserve(b, more);
    memmove(b->s + at + more, b->s + at, b->len - at + 1);
    memset(b->s + at, fill, more);
    b->len += more;
}

static void print_string(struct buf *b, const struct verb *v, const char *s, size_t n)
{
    if (v->precision >= 0) {
        size_t keep = 0;
        uint32_t cp;
        for (int i = 0; i < v->precision && keep < n; i++)
            keep += utf8_next(s + keep, n - keep, &cp);
        n = keep;
    }
    if (v->letter == 'q' || (v->letter == 'v' && v->sharp)) {
        print_quoted(b, s, n);
    } else if (v->letter == 'x' || v->letter == 'X') {
        for (size_t i = 0; i < n; i++)
            buf_addf(b, v->letter == 'x' ? "%s%02x" : "%s%02X", v->space && i ? " " : "",
                     (unsigned char)s[i]);
    } else {
        buf_add(b, s, n);
    }
}

static void print_integer(struct buf *b, const struct verb *v, json_int_t i)
{
    unsigned long long u = i < 0 ? 0 - (unsigned long long)i : (unsigned long long)i;
    const char *sign = i < 0 ? "-" : v->plus ? "+" : v->space ? " " : "";
    int digits = v->precision < 0 ? 1 : v->precision;
    switch (v->letter) {
    case 'b': {
        char bits[65], *p = bits + 64;
        *p = '\0';
        do
            *--p = (char)('0' + (u & 1));
        while (u >>= 1);
        buf_addf(b, "%s%s", sign, p);
        break;
    }
    case 'o':
        buf_addf(b, "%s%s%.*llo", sign, v->sharp ? "0" : "", digits, u);
        break;
    case 'x':
        buf_addf(b, "%s%s%.*llx", sign, v->sharp ? "0x" : "", digits, u);
        break;
    case 'X':
        buf_addf(b, "%s%s%.*llX", sign, v->sharp ? "0X" : "", digits, u);
        break;
    case 'c':
        utf8_put(b, i < 0 || i > 0x10ffff ? UTF8_BAD : (uint32_t)i);
        break;
    case 'q':
        buf_addc(b, '\'');
        utf8_put(b, i < 0 || i > 0x10ffff ? UTF8_BAD : (uint32_t)i);
        buf_addc(b, '\'');
        break;
    case 'U':
        buf_addf(b, "U+%04llX", u);
        break;
    default:
        buf_addf(b, "%s%.*llu", sign, digits, u);
    }
}

static void print_real(struct buf *b, const struct verb *v, double d)
{
    char fmt[8] = "%.*f";
    if (v->plus && d >= 0)
        buf_addc(b, '+');
    else if (v->space && d >= 0)
        buf_addc(b, ' ');
    if (v->precision < 0 && strchr("vgG", (int)v->letter)) {
        print_float(b, d);
        return;
    }
    fmt[3] = v->letter == 'v' ? 'g' : (char)v->letter;
    buf_addf(b, fmt, v->precision < 0 ? 6 : v->precision, d);
}

/* [a b], map[k:v], each part printed with the verb. */
static int print_parts(struct buf *b, const struct verb *v, const json_t *j, int depth)
{
    if (depth > TEMPLATE_MAX_DEPTH)
        return -1;
    if (json_is_array(j)) {
        buf_addc(b, '[');
        for (size_t i = 0; i < json_array_size(j); i++) {
            if (i)
                buf_addc(b, ' ');
            if (print_verb(b, v, json_array_get(j, i), depth + 1) < 0)
                return -1;
        }
        buf_addc(b, ']');
        return 0;
    }
    size_t n;
    int r = 0;
    cleanup_free const char **keys = sorted_keys(j, &n);
    buf_adds(b, "map[");
    for (size_t i = 0; i < n && r == 0; i++) {
        if (i)
            buf_addc(b, ' ');
        size_t from = b->len;
        print_string(b, v, keys[i], strlen(keys[i]));
        pad_out(b, from, v, false);
        buf_addc(b, ':');
        r = print_verb(b, v, json_object_get(j, keys[i]), depth + 1);
    }
    buf_addc(b, ']');
    return r;
}

/* «%!d(string=hi)» */
static void bad_verb(struct buf *b, const struct verb *v, const json_t *j)
{
    buf_adds(b, "%!");
    utf8_put(b, v->letter);
    if (!j || json_is_null(j)) {
        buf_adds(b, "(<nil>)");
        return;
    }
    buf_addf(b, "(%s=", val_type((struct val){.j = (json_t *)(uintptr_t)j}));
    print_value(b, j, 0);
    buf_addc(b, ')');
}

int print_verb(struct buf *b, const struct verb *v, const json_t *j, int depth)
{
    static const char *const wanted[] = {
        [JSON_STRING] = "vsqxX", [JSON_INTEGER] = "vdboxXcqU", [JSON_REAL] = "vgGeEfF",
        [JSON_TRUE] = "vt",      [JSON_FALSE] = "vt",          [JSON_NULL] = "v",
    };
    if (json_is_array(j) || json_is_object(j))
        return print_parts(b, v, j, depth);
    json_type type = j ? json_typeof(j) : JSON_NULL;
    size_t from = b->len;
    if (v->letter > 0x7f || !strchr(wanted[type], (int)v->letter)) {
        bad_verb(b, v, j);
        return 0;
    }
    if (type == JSON_STRING)
        print_string(b, v, json_string_value(j), json_string_length(j));
    else if (type == JSON_INTEGER)
        print_integer(b, v, json_integer_value(j));
    else if (type == JSON_REAL)
        print_real(b, v, json_real_value(j));
    else
        buf_adds(b, type == JSON_NULL ? "<nil>" : type == JSON_TRUE ? "true" : "false");
    pad_out(b, from, v, type == JSON_INTEGER || type == JSON_REAL);
    return 0;
}

int print_value(struct buf *b, const json_t *j, int depth)
{
    const struct verb plain = {.width = -1, .precision = -1, .letter = 'v'};
    return print_verb(b, &plain, j, depth);
}
