#include "words/tomlvalue.h"

#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static bool at(const struct toml *t, const char *s)
{
    size_t n = strlen(s);
    return (size_t)(t->end - t->p) >= n && memcmp(t->p, s, n) == 0;
}

static void add_utf8(struct buf *b, uint32_t c)
{
    if (c < 0x80) {
        buf_addc(b, (char)c);
    } else if (c < 0x800) {
        buf_addc(b, (char)(0xc0 | c >> 6));
        buf_addc(b, (char)(0x80 | (c & 0x3f)));
    } else if (c < 0x10000) {
        buf_addc(b, (char)(0xe0 | c >> 12));
        buf_addc(b, (char)(0x80 | (c >> 6 & 0x3f)));
        buf_addc(b, (char)(0x80 | (c & 0x3f)));
    } else {
        buf_addc(b, (char)(0xf0 | c >> 18));
        buf_addc(b, (char)(0x80 | (c >> 12 & 0x3f)));
        buf_addc(b, (char)(0x80 | (c >> 6 & 0x3f)));
        buf_addc(b, (char)(0x80 | (c & 0x3f)));
    }
}

/* \uXXXX and \UXXXXXXXX; p stands behind the letter. NUL is refused: these become C strings. */
static int unicode(struct toml *t, int digits, struct buf *b)
{
    uint32_t c = 0;
    for (int i = 0; i < digits; i++, t->p++) {
        if (t->p == t->end || !isxdigit((unsigned char)*t->p))
            return toml_fail(t, "a \\%c escape needs %d hex digits", digits == 4 ? 'u' : 'U',
                             digits);
        char d = *t->p;
        c = c << 4 | (uint32_t)(isdigit((unsigned char)d) ? d - '0' : (d | 32) - 'a' + 10);
    }
    if (c == 0 || c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff))
        return toml_fail(t, "escaped character U+%04X is not allowed", c);
    add_utf8(b, c);
    return 0;
}

/* p stands behind the backslash. */
static int escape(struct toml *t, bool multi, struct buf *b)
{
    static const char from[] = "btnfr\"\\", to[] = "\b\t\n\f\r\"\\";
    if (t->p == t->end)
        return toml_fail(t, "string without an end");
    char c = *t->p;
    const char *f = c ? strchr(from, c) : NULL;
    if (f) {
        t->p++;
        buf_addc(b, to[f - from]);
        return 0;
    }
    if (c == 'u' || c == 'U') {
        t->p++;
        return unicode(t, c == 'u' ? 4 : 8, b);
    }
    if (!multi || !strchr(" \t\r\n", c) || !c)
        return toml_fail(t, "unknown escape in a string");
    /* a line that ends in a backslash continues at the next text */
    bool newline = false;
    for (; t->p < t->end && *t->p && strchr(" \t\r\n", *t->p); t->p++)
        if (*t->p == '\n') {
            t->line++;
            newline = true;
        }
    return newline ? 0 : toml_fail(t, "unknown escape in a string");
}

/* Up to two quotes may stand right before the closing three. */
static void closing_quotes(struct toml *t, char q, struct buf *b)
{
    t->p += 3;
    for (int i = 0; i < 2 && t->p < t->end && *t->p == q; i++, t->p++)
        buf_addc(b, q);
}

static int multi_string(struct toml *t, char q, struct buf *b)
{
    const char three[] = {q, q, q, '\0'};
    t->p += 3;
    if (at(t, "\r\n"))
        t->p++;
    if (at(t, "\n")) {
        t->p++;
        t->line++;
    }
    while (t->p < t->end) {
        if (at(t, three)) {
            closing_quotes(t, q, b);
            return 0;
        }
        char c = *t->p++;
        if (c == '\\' && q == '"') {
            if (escape(t, true, b) < 0)
                return -1;
            continue;
        }
        if (c == '\n')
            t->line++;
        else if (iscntrl((unsigned char)c) && c != '\t' && !(c == '\r' && at(t, "\n")))
            return toml_fail(t, "control character in a string");
        buf_addc(b, c);
    }
    return toml_fail(t, "string without an end");
}

static int string(struct toml *t, bool may_be_multi, struct buf *b)
{
    char q = *t->p;
    if (at(t, q == '"' ? "\"\"\"" : "'''")) {
        if (!may_be_multi)
            return toml_fail(t, "a key cannot be a multi-line string");
        return multi_string(t, q, b);
    }
    t->p++;
    while (t->p < t->end && *t->p != '\n') {
        char c = *t->p++;
        if (c == q)
            return 0;
        if (c == '\\' && q == '"') {
            if (escape(t, false, b) < 0)
                return -1;
            continue;
        }
        if (iscntrl((unsigned char)c) && c != '\t')
            return toml_fail(t, "control character in a string");
        buf_addc(b, c);
    }
    return toml_fail(t, "string without an end");
}

int toml_key_part(struct toml *t, struct buf *ret)
{
    if (t->p < t->end && (*t->p == '"' || *t->p == '\''))
        return string(t, false, ret);
    const char *start = t->p;
    while (t->p < t->end && (isalnum((unsigned char)*t->p) || *t->p == '_' || *t->p == '-'))
        t->p++;
    if (t->p == start)
        return toml_fail(t, "expected a key");
    buf_add(ret, start, (size_t)(t->p - start));
    return 0;
}

/* Blanks, comments and newlines between the items of an array. */
static void skip_lines(struct toml *t)
{
    for (; t->p < t->end; t->p++) {
        if (*t->p == '#')
            while (t->p + 1 < t->end && t->p[1] != '\n')
                t->p++;
        else if (*t->p == '\n')
            t->line++;
        else if (*t->p != ' ' && *t->p != '\t' && *t->p != '\r')
            return;
    }
}

static int array(struct toml *t, json_t *a)
{
    t->p++;
    for (;;) {
        skip_lines(t);
        if (at(t, "]"))
            break;
        json_t *v = NULL;
        if (toml_value(t, &v) < 0)
            return -1;
        json_array_append_new(a, v);
        skip_lines(t);
        if (at(t, "]"))
            break;
        if (!at(t, ","))
            return toml_fail(t, "expected \",\" or \"]\" in an array");
        t->p++;
    }
    t->p++;
    return 0;
}

static int inline_table(struct toml *t, json_t *o)
{
    t->p++;
    toml_blanks(t);
    if (at(t, "}")) {
        t->p++;
        return 0;
    }
    for (;;) {
        toml_blanks(t);
        if (toml_assign(t, o) < 0)
            return -1;
        toml_blanks(t);
        if (at(t, "}"))
            break;
        if (!at(t, ","))
            return toml_fail(t, "expected \",\" or \"}\" in an inline table");
        t->p++;
    }
    t->p++;
    return 0;
}

/* Underscores are allowed between digits only. */
static int undigit(struct toml *t, const char *s, size_t n, char *out)
{
    size_t len = 0;
    for (size_t i = 0; i < n; i++) {
        bool between = i > 0 && i + 1 < n && isxdigit((unsigned char)s[i - 1]) &&
                       isxdigit((unsigned char)s[i + 1]);
        if (s[i] != '_')
            out[len++] = s[i];
        else if (!between)
            return toml_fail(t, "misplaced \"_\" in a number");
    }
    out[len] = '\0';
    return 0;
}

static bool based(const char *s, int *base)
{
    if (s[0] != '0' || !s[1] || !strchr("xob", s[1]))
        return false;
    *base = s[1] == 'x' ? 16 : s[1] == 'o' ? 8 : 2;
    return isxdigit((unsigned char)s[2]);
}

static int number(struct toml *t, const char *word, size_t n, json_t **ret)
{
    char s[64], *end;
    int base = 10;
    if (n >= sizeof s)
        return toml_fail(t, "number too long");
    if (undigit(t, word, n, s) < 0)
        return -1;
    const char *digits = *s == '+' || *s == '-' ? s + 1 : s;
    bool prefixed = based(s, &base);
    if (!prefixed && !isdigit((unsigned char)*digits))
        return toml_fail(t, "expected a value");
    if (!prefixed && digits[0] == '0' && isdigit((unsigned char)digits[1]))
        return toml_fail(t, "a number cannot begin with 0");
    if (strchr(s, ':') || (strlen(s) > 7 && s[4] == '-' && s[7] == '-'))
        return toml_fail(t, "dates are not understood");
    errno = 0;
    long long v = strtoll(prefixed ? s + 2 : s, &end, base);
    if (*end == '\0') {
        *ret = json_integer(v);
    } else if (!prefixed && strspn(digits, "0123456789.eE+-") == strlen(digits)) {
        *ret = json_real(strtod(s, &end)); /* NULL when it is infinite */
    }
    if (errno == ERANGE || *end || !*ret) {
        json_decref(*ret);
        *ret = NULL;
        return toml_fail(t, "malformed number");
    }
    return 0;
}

static int word(struct toml *t, json_t **ret)
{
    const char *start = t->p;
    while (t->p < t->end && (isalnum((unsigned char)*t->p) || strchr("_+-.:", *t->p)) && *t->p)
        t->p++;
    size_t n = (size_t)(t->p - start);
    if (n == 4 && memcmp(start, "true", 4) == 0)
        *ret = json_true();
    else if (n == 5 && memcmp(start, "false", 5) == 0)
        *ret = json_false();
    else
        return number(t, start, n, ret);
    return 0;
}

static int text(struct toml *t, json_t **ret)
{
    cleanup(buf_free) struct buf b = BUF_INIT;
    if (string(t, true, &b) < 0)
        return -1;
    *ret = json_stringn(buf_str(&b), b.len);
    return *ret ? 0 : toml_fail(t, "string is not UTF-8");
}

int toml_value(struct toml *t, json_t **ret)
{
    toml_blanks(t);
    if (t->p == t->end)
        return toml_fail(t, "expected a value");
    if (*t->p == '"' || *t->p == '\'')
        return text(t, ret);
    if (*t->p != '[' && *t->p != '{')
        return word(t, ret);
    if (t->nest >= TOML_MAX_DEPTH)
        return toml_fail(t, "values nested too deep");
    bool list = *t->p == '[';
    json_t *v = list ? json_array() : json_object();
    t->nest++;
    int r = list ? array(t, v) : inline_table(t, v);
    t->nest--;
    if (r < 0) {
        json_decref(v);
        return -1;
    }
    toml_mark(t, v, "closed");
    *ret = v;
    return 0;
}
