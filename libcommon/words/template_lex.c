/* From text to tokens. */
#include "words/template_node.h"

#include "words/utf8.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static bool is_word(char c)
{
    return isalnum((unsigned char)c) || c == '_' || (c & 0x80);
}

int lex_error(struct lexer *l, const char *fmt, ...)
{
    char what[600];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(what, sizeof what, fmt, ap);
    va_end(ap);
    unsigned line = 1;
    for (const char *s = l->text; s < l->p; s++)
        line += *s == '\n';
    return err_set(l->e, 0, "template: " TEMPLATE_NAME ":%u: %s", line, what);
}

/* Shells hand \t and \n over as two characters; podman's users expect them to work. */
static void add_unescaped(struct buf *out, const char *s, const char *end)
{
    while (s < end) {
        if (*s == '\\' && s + 1 < end && (s[1] == 't' || s[1] == 'n')) {
            buf_addc(out, s[1] == 't' ? '\t' : '\n');
            s += 2;
        } else {
            buf_addc(out, *s++);
        }
    }
}

static void trim_left(struct buf *b, size_t from)
{
    size_t n = from;
    while (n < b->len && is_space(b->s[n]))
        n++;
    if (n == from)
        return;
    memmove(b->s + from, b->s + n, b->len - n + 1);
    b->len -= n - from;
}

static void trim_right(struct buf *b, size_t from)
{
    while (b->len > from && is_space(b->s[b->len - 1]))
        b->s[--b->len] = '\0';
}

static int skip_comment(struct lexer *l)
{
    const char *end = strstr(l->p, "*/");
    if (!end)
        return lex_error(l, "unclosed comment");
    l->p = end + 2;
    if (is_space(*l->p) && l->p[1] == '-') {
        l->trim = true;
        l->p += 2;
    }
    if (strncmp(l->p, "}}", 2) != 0)
        return lex_error(l, "comment ends before closing delimiter");
    l->p += 2;
    return 0;
}

int lex_text(struct lexer *l, struct buf *out)
{
    for (;;) {
        const char *open = strstr(l->p, "{{");
        const char *end = open ? open : l->p + strlen(l->p);
        size_t start = out->len;
        add_unescaped(out, l->p, end);
        if (l->trim)
            trim_left(out, start);
        l->trim = false;
        l->p = end;
        if (!open)
            return 0;
        l->p += 2;
        if (l->p[0] == '-' && is_space(l->p[1])) {
            trim_right(out, start);
            l->p += 2;
        }
        if (strncmp(l->p, "/*", 2) != 0)
            return 1;
        if (skip_comment(l) < 0)
            return -1;
    }
}

/* Past a quoted token that begins at l->p; backslashes protect unless it is raw. */
static int skip_quoted(struct lexer *l)
{
    char quote = *l->p;
    const char *s = l->p + 1;
    for (; *s && *s != quote; s++) {
        if (*s == '\n' && quote != '`')
            break;
        if (*s == '\\' && quote != '`' && s[1] && s[1] != '\n')
            s++;
    }
    if (*s != quote)
        return lex_error(l, "unterminated %s",
                         quote == '`'   ? "raw quoted string"
                         : quote == '"' ? "quoted string"
                                        : "character constant");
    l->p = s + 1;
    return 0;
}

static void skip_number(struct lexer *l)
{
    const char *s = l->p + 1;
    bool hex = l->p[0] == '0' && (*s == 'x' || *s == 'X');
    while (is_word(*s) || *s == '.' ||
           ((*s == '+' || *s == '-') && !hex && (s[-1] == 'e' || s[-1] == 'E')))
        s++;
    l->p = s;
}

static int lex_punctuation(struct lexer *l, struct token *t)
{
    static const char chars[] = "|(),=";
    static const enum tok kinds[] = {TOK_PIPE, TOK_OPEN, TOK_CLOSE, TOK_COMMA, TOK_ASSIGN};
    if (strncmp(l->p, ":=", 2) == 0) {
        t->kind = TOK_DECLARE;
        l->p += 2;
        return 0;
    }
    const char *found = strchr(chars, *l->p);
    if (!found) {
        uint32_t cp;
        size_t n = utf8_next(l->p, strlen(l->p), &cp);
        return lex_error(l, "bad character U+%04X '%.*s'", cp, (int)n, l->p);
    }
    t->kind = kinds[found - chars];
    l->p++;
    return 0;
}

static bool starts_number(const char *s)
{
    if (*s == '+' || *s == '-')
        s++;
    return isdigit((unsigned char)*s) || (*s == '.' && isdigit((unsigned char)s[1]));
}

int lex_next(struct lexer *l, struct token *t)
{
    const char *before = l->p;
    while (is_space(*l->p))
        l->p++;
    *t = (struct token){.from = l->p, .spaced = l->p != before};
    char c = *l->p;
    int r = 0;
    if (c == '\0') {
        return lex_error(l, "unclosed action");
    } else if (strncmp(l->p, "}}", 2) == 0) {
        t->kind = TOK_END_ACTION;
        l->p += 2;
    } else if (t->spaced && strncmp(l->p, "-}}", 3) == 0) {
        t->kind = TOK_END_ACTION;
        l->trim = true;
        l->p += 3;
    } else if (c == '"' || c == '`' || c == '\'') {
        t->kind = c == '"' ? TOK_STRING : c == '`' ? TOK_RAW : TOK_CHAR;
        r = skip_quoted(l);
    } else if (starts_number(l->p)) {
        t->kind = TOK_NUMBER;
        skip_number(l);
    } else if (c == '.' || c == '$' || is_word(c)) {
        t->kind = c == '$' ? TOK_VAR : c != '.' ? TOK_WORD : is_word(l->p[1]) ? TOK_FIELD : TOK_DOT;
        for (l->p++; is_word(*l->p); l->p++)
            ;
    } else {
        r = lex_punctuation(l, t);
    }
    t->to = l->p;
    return r;
}

/* \ooo, \xhh, \uhhhh, \Uhhhhhhhh: digits of the given base. -1 when they are not all there. */
static int read_digits(const char **s, const char *end, int base, int count, uint32_t *ret)
{
    uint32_t v = 0;
    for (int i = 0; i < count; i++, (*s)++) {
        static const char set[] = "0123456789abcdef";
        const char *d = *s < end ? strchr(set, tolower((unsigned char)**s)) : NULL;
        if (!d || *d == '\0' || d - set >= base)
            return -1;
        v = v * (uint32_t)base + (uint32_t)(d - set);
    }
    *ret = v;
    return 0;
}

/* One escape behind its backslash. */
static int unescape(const char **s, const char *end, struct buf *out)
{
    static const char names[] = "abfnrtv\\'\"", values[] = "\a\b\f\n\r\t\v\\'\"";
    char c = **s;
    const char *name = c ? strchr(names, c) : NULL;
    uint32_t v;
    if (name) {
        buf_addc(out, values[name - names]);
        (*s)++;
    } else if (c == 'x' || (c >= '0' && c <= '7')) {
        *s += c == 'x';
        if (read_digits(s, end, c == 'x' ? 16 : 8, c == 'x' ? 2 : 3, &v) < 0 || v > 0xff)
            return -1;
        buf_addc(out, (char)v);
    } else if (c == 'u' || c == 'U') {
        (*s)++;
        if (read_digits(s, end, 16, c == 'u' ? 4 : 8, &v) < 0 || v > 0x10ffff ||
            (v >= 0xd800 && v <= 0xdfff))
            return -1;
        utf8_put(out, v);
    } else {
        return -1;
    }
    return 0;
}

static json_t *number_value(const char *s)
{
    char *end;
    errno = 0;
    long long i = strtoll(s, &end, 0);
    if (*end == '\0' && errno == 0)
        return json_integer(i);
    double d = strtod(s, &end);
    return *end == '\0' && isfinite(d) ? json_real(d) : NULL;
}

json_t *lex_value(struct lexer *l, const struct token *t)
{
    cleanup(buf_free) struct buf b = BUF_INIT;
    json_t *v = NULL;
    if (t->kind == TOK_NUMBER) {
        for (const char *s = t->from; s < t->to; s++)
            if (*s != '_')
                buf_addc(&b, *s);
        v = number_value(buf_str(&b));
        if (!v)
            lex_error(l, "bad number syntax: \"%.*s\"", (int)(t->to - t->from), t->from);
        return v;
    }
    const char *s = t->from + 1, *end = t->to - 1;
    while (s < end) {
        if (*s != '\\' || t->kind == TOK_RAW) {
            buf_addc(&b, *s++);
        } else {
            s++;
            if (unescape(&s, end, &b) < 0) {
                lex_error(l, "invalid syntax");
                return NULL;
            }
        }
    }
    if (t->kind != TOK_CHAR)
        return json_stringn_nocheck(buf_str(&b), b.len);
    uint32_t cp = 0;
    if (b.len == 0 || utf8_next(b.s, b.len, &cp) != b.len) {
        lex_error(l, "malformed character constant: %.*s", (int)(t->to - t->from), t->from);
        return NULL;
    }
    return json_integer(cp);
}
