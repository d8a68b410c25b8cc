/*
 * Lists as people and scripts get them: columns under a header, a line per row by --format, or
 * JSON. Rows are JSON objects, records in the sense of words/template.h: a member ".Names" is
 * how .Names looks in a table, "Names" what --format json gives.
 *
 *   no format             the program's default, columns under a header
 *   table {{.A}}\t{{.B}}  columns; blanks between actions count as column ends, as in podman
 *   json, {{json .}}      the rows as one JSON array
 *   {{range .}}…{{end}}   once over all rows
 *   anything else         a line per row, no header
 */
#ifndef POD_THINGS_TABLE_H
#define POD_THINGS_TABLE_H

#include "plain/buf.h"
#include "plain/err.h"

#include <jansson.h>
#include <stdbool.h>

struct table_column {
    const char *field;  /* NULL ends the list */
    const char *header; /* NULL: the field's words in capitals, CreatedAt → CREATED AT */
};

struct table_spec {
    const struct table_column *columns;
    const char *default_format; /* "table …"; NULL: all the columns in their order */
    int json_indent;            /* blanks; 0: 4 */
};

/*
 * Appends the list to out. format may be NULL or "". rows must be an array and stays the
 * caller's. On failure out is as it was.
 */
int table_render(const struct table_spec *spec, const char *format, bool noheading, json_t *rows,
                 struct buf *out, struct err *e);
/* One object, for inspect-like programs: {{json .}} is one line here, "" and NULL are indented
 * JSON of indent blanks. A newline ends it. */
int table_render_one(const char *format, int indent, json_t *record, struct buf *out,
                     struct err *e);
/* Is it "json" or {{json .}}: are the rows wanted as they are? */
bool table_is_json(const char *format);

/*
 * Lines whose cells end with tabs become columns at least 12 wide with 2 blanks between them;
 * a column reaches as far as neighbouring lines have it. The last cell of a line is not padded.
 */
void table_align(const char *text, size_t n, struct buf *out);

#endif
