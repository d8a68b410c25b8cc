#include "things/table.h"

#include "plain/str.h"
#include "words/template.h"
#include "words/utf8.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define MIN_WIDTH 12
#define GAP       2
#define INDENT    4

struct cell {
    const char *s;
    size_t n, runes, width;
    size_t column; /* within its line */
    bool last;     /* of its line: belongs to no column */
};

struct cells {
    struct cell *v;
    size_t n, cap;
};

static void add_cell(struct cells *c, const char *s, size_t n, size_t column, bool last)
{
    if (c->n == c->cap) {
        c->cap = c->cap ? 2 * c->cap : 64;
        c->v = xrealloc(c->v, c->cap * sizeof *c->v);
    }
    c->v[c->n++] =
        (struct cell){.s = s, .n = n, .runes = utf8_count(s, n), .column = column, .last = last};
}

static void split_cells(const char *s, size_t n, struct cells *ret)
{
    size_t column = 0;
    const char *end = s + n;
    while (s < end) {
        const char *stop = s;
        while (stop < end && *stop != '\t' && *stop != '\n')
            stop++;
        bool last = stop == end || *stop == '\n';
        add_cell(ret, s, (size_t)(stop - s), column, last);
        column = last ? 0 : column + 1;
        s = stop + 1;
        if (stop + 1 == end && !last)
            add_cell(ret, end, 0, column, true);
    }
}

/*
 * A column is a run of neighbouring lines that have it. The pass from the end finds for each cell
 * the widest one from there down to the end of its run; the pass from the start then hands the
 * run's first answer, which is the widest of all, to the others.
 */
static void set_widths(struct cells *c)
{
    size_t columns = 1, before = 0; /* columns of the line that was passed before */
    for (size_t i = 0; i < c->n; i++)
        if (c->v[i].column >= columns)
            columns = c->v[i].column + 1;
    size_t *widest = xcalloc(columns, sizeof *widest);
    for (size_t i = c->n; i-- > 0;) {
        struct cell *x = &c->v[i];
        if (x->last) {
            for (size_t k = x->column; k < before; k++)
                widest[k] = 0;
            before = x->column;
            continue;
        }
        size_t wanted = x->runes + GAP < MIN_WIDTH ? MIN_WIDTH : x->runes + GAP;
        if (wanted > widest[x->column])
            widest[x->column] = wanted;
        x->width = widest[x->column];
    }
    before = 0;
    for (size_t i = 0; i < c->n; i++) {
        struct cell *x = &c->v[i];
        if (x->last)
            before = x->column;
        else if (x->column < before)
            x->width = widest[x->column];
        else
            widest[x->column] = x->width;
    }
    free(widest);
}

void table_align(const char *text, size_t n, struct buf *out)
{
    struct cells c = {0};
    split_cells(text, n, &c);
    set_widths(&c);
    for (size_t i = 0; i < c.n; i++) {
        const struct cell *x = &c.v[i];
        buf_add(out, x->s, x->n);
        if (!x->last)
            buf_addf(out, "%*s", (int)(x->width - x->runes), "");
        else if (x->s + x->n < text + n)
            buf_addc(out, '\n');
    }
    free(c.v);
}

/* Past an action that begins at s; quotes protect the closing braces. */
static const char *skip_action(const char *s)
{
    char quote = 0;
    for (; *s; s++) {
        if (quote) {
            if (*s == '\\' && quote != '`' && s[1])
                s++;
            else if (*s == quote)
                quote = 0;
        } else if (*s == '"' || *s == '`' || *s == '\'') {
            quote = *s;
        } else if (strncmp(s, "}}", 2) == 0) {
            return s + 2;
        }
    }
    return s;
}

static void add_tabbed(struct buf *out, const char *s)
{
    while (*s) {
        if (strncmp(s, "{{", 2) == 0) {
            const char *end = skip_action(s);
            buf_add(out, s, (size_t)(end - s));
            s = end;
        } else {
            buf_addc(out, *s == ' ' ? '\t' : *s);
            s++;
        }
    }
}

/* Skips blanks and the given text; NULL when it is not there. */
static const char *skip_token(const char *s, const char *token)
{
    if (!s)
        return NULL;
    s += strspn(s, " \t\n");
    return str_starts(s, token) ? s + strlen(token) : NULL;
}

bool table_is_json(const char *format)
{
    const char *s = skip_token(format, "json");
    if (!s) {
        s = skip_token(skip_token(format, "{{"), "json");
        const char *dot = skip_token(s, ".");
        s = skip_token(dot ? dot : s, "}}");
    }
    return s && s[strspn(s, " \t\n")] == '\0';
}

static bool is_range(const char *format)
{
    return skip_token(skip_token(skip_token(skip_token(format, "{{"), "range"), "."), "}}") != NULL;
}

/* Is a new word at s + i of a name in camel case? CreatedAt, ImageID, IPv4 */
static bool word_begins(const char *s, size_t i)
{
    unsigned char before = (unsigned char)s[i - 1], c = (unsigned char)s[i];
    if (isupper(c))
        return !isupper(before) || islower((unsigned char)s[i + 1]);
    return isdigit(c) ? !isdigit(before) : isdigit(before);
}

static void header_of(const void *arg, const char *field, struct buf *out)
{
    const struct table_spec *spec = arg;
    for (const struct table_column *c = spec->columns; c && c->field; c++) {
        if (strcasecmp(c->field, field) == 0 && c->header) {
            buf_adds(out, c->header);
            return;
        }
    }
    for (size_t i = 0; field[i]; i++) {
        if (i && word_begins(field, i))
            buf_addc(out, ' ');
        buf_addc(out, (char)toupper((unsigned char)field[i]));
    }
}

static void end_line(struct buf *format)
{
    const char *s = buf_str(format);
    if (!str_ends(s, "\n") && !str_ends(s, "\\n"))
        buf_addc(format, '\n');
}

static void default_columns(const struct table_spec *spec, struct buf *out)
{
    for (const struct table_column *c = spec->columns; c && c->field; c++)
        buf_addf(out, "%s{{.%s}}", c == spec->columns ? "" : "\t", c->field);
}

static int render_rows(const struct template *t, json_t *rows, bool whole, struct buf *out,
                       struct err *e)
{
    if (whole)
        return template_render(t, rows, out, e);
    for (size_t i = 0; i < json_array_size(rows); i++)
        if (template_render(t, json_array_get(rows, i), out, e) < 0)
            return -1;
    return 0;
}

static int render_columns(const struct table_spec *spec, const char *format, bool noheading,
                          json_t *rows, struct buf *out, struct err *e)
{
    cleanup(buf_free) struct buf text = BUF_INIT, lines = BUF_INIT;
    cleanup_template *t = NULL;
    bool whole = is_range(format);
    if (*format)
        add_tabbed(&text, format);
    else
        default_columns(spec, &text);
    end_line(&text);
    if (template_compile(text.s, &t, e) < 0)
        return -1;
    if (!noheading && template_render_header(t, header_of, spec, &lines, e) < 0)
        return -1;
    if (render_rows(t, rows, whole, &lines, e) < 0)
        return -1;
    table_align(buf_str(&lines), lines.len, out);
    return 0;
}

int table_render(const struct table_spec *spec, const char *format, bool noheading, json_t *rows,
                 struct buf *out, struct err *e)
{
    if (!format || !*format || strcmp(format, "table") == 0)
        format = spec->default_format ? spec->default_format : "table ";
    if (table_is_json(format)) {
        int indent = spec->json_indent ? spec->json_indent : INDENT;
        if (template_json(rows, indent, 1, out, e) < 0)
            return -1;
        buf_addc(out, '\n');
        return 0;
    }
    if (str_starts(format, "table "))
        return render_columns(spec, format + strlen("table "), noheading, rows, out, e);
    cleanup(buf_free) struct buf text = BUF_INIT, lines = BUF_INIT;
    cleanup_template *t = NULL;
    buf_adds(&text, format);
    end_line(&text);
    if (template_compile(text.s, &t, e) < 0 ||
        render_rows(t, rows, is_range(format), &lines, e) < 0)
        return -1;
    buf_add(out, buf_str(&lines), lines.len);
    return 0;
}

int table_render_one(const char *format, int indent, json_t *record, struct buf *out, struct err *e)
{
    cleanup(buf_free) struct buf text = BUF_INIT;
    cleanup_template *t = NULL;
    if (!format || !*format || strcmp(format, "json") == 0) {
        if (template_json(record, indent, 1, out, e) < 0)
            return -1;
        buf_addc(out, '\n');
        return 0;
    }
    buf_adds(&text, format);
    end_line(&text);
    if (template_compile(text.s, &t, e) < 0)
        return -1;
    return template_render(t, record, out, e);
}
