/* What a template is to its users; the rooms behind are template_lex.c … template_printf.c. */
#include "words/template.h"

#include "words/template_node.h"

#include <stdlib.h>

void template_free(struct template *t)
{
    if (!t)
        return;
    for (struct node *n = t->all, *next; n; n = next) {
        next = n->all;
        strv_free(&n->names);
        free(n->text);
        json_decref(n->value);
        free(n);
    }
    free(t->text);
    free(t);
}

void template_freep(struct template **t)
{
    template_free(*t);
}

/* Frees x. */
static int run(struct exec *x, struct val dot)
{
    x->out_start = x->out->len;
    x->vars[0] = (struct var){.name = "$", .v = dot};
    json_incref(dot.j);
    x->nvars = 1;
    int r = exec_list(x, dot, x->t->root);
    exec_pop_vars(x, 0);
    exec_drop(x, 0);
    free(x->pool);
    if (r < 0 && x->out->s) {
        x->out->len = x->out_start;
        x->out->s[x->out_start] = '\0';
    }
    free(x);
    return r < 0 ? -1 : 0;
}

int template_render(const struct template *t, json_t *data, struct buf *out, struct err *e)
{
    struct exec *x = xcalloc(1, sizeof *x);
    *x = (struct exec){.t = t, .out = out, .e = e};
    return run(x, (struct val){.j = data, .record = true});
}

int template_render_header(const struct template *t, template_name_fn *name, const void *arg,
                           struct buf *out, struct err *e)
{
    struct exec *x = xcalloc(1, sizeof *x);
    *x = (struct exec){.t = t, .out = out, .e = e, .header = name, .header_arg = arg};
    json_t *record = json_object();
    int r = run(x, (struct val){.j = record, .record = true});
    json_decref(record);
    return r;
}
