/*
 * What people write behind --format: Go's text/template as podman and docker users know it,
 * over jansson values.
 *
 * Literal text knows \t and \n. Actions: fields, variables, pipelines, parentheses, comments,
 * trim markers, if/else if/else, range (with break and continue), with. Functions: and or not
 * eq ne lt le gt ge, index len slice, print printf println, html, join json lower pad split title
 * truncate upper. define, template and block are refused.
 *
 * The value given to template_render is a *record* when it is an object; so are the elements of
 * an array given to it. In a record
 *   - a name nobody knows is an error, as for a Go structure (elsewhere it is «<no value>»);
 *   - a member ".Name" is how .Name looks to people: {{.Name}} finds it before "Name", while
 *     {{json .}} and {{.Name.Deeper}} never see it;
 *   - {{.Label "x"}} reads member x of the object "Label" or "Labels", "" when there is none.
 * Names are matched exactly first, then without regard to ASCII case.
 *
 * Work, depth and size are bounded: data may come from strangers.
 */
#ifndef POD_WORDS_TEMPLATE_H
#define POD_WORDS_TEMPLATE_H

#include "plain/buf.h"
#include "plain/err.h"

#include <jansson.h>

struct template;

int template_compile(const char *text, struct template **ret, struct err *e);
/* Appends to out; on failure out is as it was. */
int template_render(const struct template *t, json_t *data, struct buf *out, struct err *e);
void template_free(struct template *t);
void template_freep(struct template **t);
#define cleanup_template cleanup(template_freep) struct template

/*
 * The line above a table: every field reads as what name() appends for it, conditions hold and
 * ranges go round once.
 */
typedef void template_name_fn(const void *arg, const char *field, struct buf *out);
int template_render_header(const struct template *t, template_name_fn *name, const void *arg,
                           struct buf *out, struct err *e);

/*
 * JSON as Go writes it with SetEscapeHTML(false): indent blanks a level, one line when 0, no
 * newline at the end. Members keep their order. When record is set, the members of v (or of v's
 * elements) that begin with "." are left out.
 */
int template_json(const json_t *v, int indent, int record, struct buf *out, struct err *e);

#endif
