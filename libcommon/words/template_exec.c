/* Walking the nodes. */
#include "words/template_node.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FLOW_NEXT, FLOW_BREAK, FLOW_CONTINUE }; /* and -1 */

struct val exec_own(struct exec *x, json_t *fresh)
{
    if (x->npool == x->cap) {
        x->cap = x->cap ? 2 * x->cap : 32;
        x->pool = xrealloc(x->pool, x->cap * sizeof(json_t *));
    }
    x->pool[x->npool++] = fresh;
    return (struct val){.j = fresh};
}

void exec_drop(struct exec *x, size_t to)
{
    while (x->npool > to)
        json_decref(x->pool[--x->npool]);
}

static int eval_command(struct exec *x, struct val dot, const struct node *c,
                        const struct val *final, struct val *ret);

/* and, or: later operands are not evaluated once the answer is known. */
static int eval_logic(struct exec *x, struct val dot, const struct node *c, const struct val *final,
                      struct val *ret)
{
    bool is_or = strcmp(c->body->func->name, "or") == 0;
    const struct node *n = c->body->next;
    if (!n && !final)
        return exec_error(x, c->body, "wrong number of args for %s: want at least 1 got 0",
                          c->body->func->name);
    for (; n; n = n->next) {
        struct node lone = *n; /* an operand by itself is a command of one word */
        lone.next = NULL;
        struct node command = {.kind = N_COMMAND, .body = &lone, .pos = n->pos};
        if (n->kind == N_NIL)
            *ret = (struct val){0};
        else if (eval_command(x, dot, &command, NULL, ret) < 0)
            return -1;
        if (val_truth(*ret) == is_or)
            return 0;
    }
    if (final)
        *ret = *final;
    return 0;
}

static int eval_operand(struct exec *x, struct val dot, const struct node *n, const struct val *arg,
                        struct val *ret)
{
    struct val base = dot;
    switch (n->kind) {
    case N_DOT:
        *ret = dot;
        return 0;
    case N_CONST:
        *ret = (struct val){.j = n->value};
        return 0;
    case N_NIL:
        *ret = exec_own(x, json_null());
        return 0;
    case N_PIPE:
        return eval_pipe(x, dot, n, ret);
    case N_FIELD:
        return eval_fields(x, n, base, arg, ret);
    case N_VAR:
        base = exec_find_var(x, n->text)->v;
        exec_own(x, json_incref(base.j)); /* may be in use when the variable is set anew */
        return eval_fields(x, n, base, arg, ret);
    case N_CHAIN:
        if (eval_operand(x, dot, n->body, NULL, &base) < 0)
            return -1;
        return eval_fields(x, n, base, arg, ret);
    default: {
        const struct node command = {.kind = N_COMMAND,
                                     .body = (struct node *)(uintptr_t)n,
                                     .pos = n->pos,
                                     .from = n->from,
                                     .to = n->to};
        return eval_command(x, dot, &command, NULL, ret);
    }
    }
}

/* The first argument that is a string is better than no header at all. */
static void header_of_call(struct call *c, struct val *ret)
{
    *ret = exec_own(c->x, json_string(""));
    for (size_t i = 0; i < c->n; i++) {
        if (json_is_string(c->args[i].j)) {
            *ret = c->args[i];
            return;
        }
    }
}

static int eval_call(struct exec *x, struct val dot, const struct node *c, const struct val *final,
                     struct val *ret)
{
    const struct func *f = c->body->func;
    struct call call = {.x = x, .at = c};
    if (!f->run)
        return eval_logic(x, dot, c, final, ret);
    for (const struct node *n = c->body->next; n; n = n->next) {
        if (call.n == CALL_MAX_ARGS - 1)
            return exec_error(x, c, "too many arguments");
        /* an operand that is a function's name is a call without arguments */
        struct node lone = *n;
        lone.next = NULL;
        if (eval_operand(x, dot, &lone, NULL, &call.args[call.n]) < 0)
            return -1;
        call.nodes[call.n++] = n;
    }
    if (final) {
        call.args[call.n] = *final;
        call.nodes[call.n++] = c;
    }
    int n = (int)call.n;
    if (n < f->min || (f->max >= 0 && n > f->max))
        return exec_error(x, c->body, "wrong number of args for %s: want %s%d got %d", f->name,
                          f->max == f->min ? "" : "at least ", f->min, n);
    if (f->run(&call, ret) == 0)
        return 0;
    if (!x->header)
        return -1;
    header_of_call(&call, ret);
    return 0;
}

static int eval_command(struct exec *x, struct val dot, const struct node *c,
                        const struct val *final, struct val *ret)
{
    const struct node *first = c->body;
    if (++x->steps > TEMPLATE_MAX_STEPS)
        return exec_error(x, c, "too much work");
    if (first->kind == N_CALL)
        return eval_call(x, dot, c, final, ret);
    struct val arg;
    const struct val *given = final;
    bool takes = first->kind == N_FIELD || first->kind == N_VAR || first->kind == N_CHAIN;
    if (first->next) {
        if (!takes || final || first->next->next)
            return exec_error(x, first, "can't give argument to non-function %.*s",
                              (int)(first->to - first->from), x->t->text + first->from);
        struct node lone = *first->next;
        lone.next = NULL;
        if (eval_operand(x, dot, &lone, NULL, &arg) < 0)
            return -1;
        given = &arg;
    }
    if (first->kind == N_NIL)
        return exec_error(x, first, "nil is not a command");
    return eval_operand(x, dot, first, given, ret);
}

int eval_pipe(struct exec *x, struct val dot, const struct node *pipe, struct val *ret)
{
    struct val v = {0};
    const struct val *final = NULL;
    for (const struct node *c = pipe->body; c; c = c->next) {
        struct val out = {0};
        if (eval_command(x, dot, c, final, &out) < 0)
            return -1;
        v = out;
        final = &v;
    }
    *ret = v;
    return 0;
}

static int exec_action(struct exec *x, struct val dot, const struct node *n)
{
    struct val v;
    if (eval_pipe(x, dot, n->pipe, &v) < 0)
        return -1;
    if (n->pipe->names.n)
        return exec_set_var(x, n->pipe, n->pipe->names.v[0], v);
    if (!v.j)
        buf_adds(x->out, "<no value>");
    else if (print_value(x->out, v.j, 0) < 0)
        return exec_error(x, n->pipe, "value is nested too deeply");
    return 0;
}

static int exec_if(struct exec *x, struct val dot, const struct node *n)
{
    struct val v;
    if (eval_pipe(x, dot, n->pipe, &v) < 0)
        return -1;
    if (n->pipe->names.n && exec_set_var(x, n->pipe, n->pipe->names.v[0], v) < 0)
        return -1;
    if (x->header || val_truth(v))
        return exec_list(x, n->kind == N_WITH && !x->header ? v : dot, n->body);
    return exec_list(x, dot, n->otherwise);
}

static int range_once(struct exec *x, const struct node *n, struct val key, struct val item)
{
    size_t vars = x->nvars;
    const struct strv *names = &n->pipe->names;
    int r = 0;
    if (++x->steps > TEMPLATE_MAX_STEPS)
        return exec_error(x, n->pipe, "too much work");
    if (names->n == 2)
        r = exec_set_var(x, n->pipe, names->v[0], key);
    if (r == 0 && names->n)
        r = exec_set_var(x, n->pipe, names->v[names->n - 1], item);
    if (r == 0)
        r = exec_list(x, item, n->body);
    exec_pop_vars(x, vars);
    return r == FLOW_CONTINUE ? FLOW_NEXT : r;
}

static int range_array(struct exec *x, const struct node *n, struct val v)
{
    for (size_t i = 0; i < json_array_size(v.j); i++) {
        struct val item = {.j = json_array_get(v.j, i), .record = v.record};
        size_t pool = x->npool;
        int r = range_once(x, n, exec_own(x, json_integer((json_int_t)i)), item);
        exec_drop(x, pool);
        if (r != FLOW_NEXT)
            return r;
    }
    return 0;
}

static int range_object(struct exec *x, const struct node *n, struct val v)
{
    size_t count;
    cleanup_free const char **keys = sorted_keys(v.j, &count);
    for (size_t i = 0; i < count; i++) {
        struct val item = {.j = json_object_get(v.j, keys[i])};
        size_t pool = x->npool;
        int r = range_once(x, n, exec_own(x, json_string_nocheck(keys[i])), item);
        exec_drop(x, pool);
        if (r != FLOW_NEXT)
            return r;
    }
    return 0;
}

static int exec_range(struct exec *x, struct val dot, const struct node *n)
{
    struct val v;
    if (eval_pipe(x, dot, n->pipe, &v) < 0)
        return -1;
    int r;
    if (x->header) {
        r = range_once(x, n, exec_own(x, json_string("")), dot);
    } else if (!v.j || json_is_null(v.j) ||
               ((json_is_array(v.j) || json_is_object(v.j)) && !val_truth(v))) {
        return exec_list(x, dot, n->otherwise);
    } else if (json_is_array(v.j)) {
        r = range_array(x, n, v);
    } else if (json_is_object(v.j)) {
        r = range_object(x, n, v);
    } else {
        cleanup(buf_free) struct buf b = BUF_INIT;
        print_value(&b, v.j, 0);
        return exec_error(x, n->pipe, "range can't iterate over %.200s", buf_str(&b));
    }
    return r == FLOW_BREAK ? FLOW_NEXT : r;
}

static int exec_node(struct exec *x, struct val dot, const struct node *n)
{
    size_t vars = x->nvars;
    int r;
    switch (n->kind) {
    case N_TEXT:
        buf_add(x->out, n->text, n->len);
        return FLOW_NEXT;
    case N_BREAK:
        return FLOW_BREAK;
    case N_CONTINUE:
        return FLOW_CONTINUE;
    case N_ACTION:
        return exec_action(x, dot, n);
    case N_RANGE:
        r = exec_range(x, dot, n);
        break;
    default:
        r = exec_if(x, dot, n);
        break;
    }
    exec_pop_vars(x, vars);
    return r;
}

int exec_list(struct exec *x, struct val dot, const struct node *n)
{
    size_t vars = x->nvars;
    int r = FLOW_NEXT;
    for (; n && r == FLOW_NEXT; n = n->next) {
        size_t pool = x->npool;
        r = exec_node(x, dot, n);
        exec_drop(x, pool);
        if (r >= 0 && x->out->len - x->out_start > TEMPLATE_MAX_OUTPUT)
            r = err_set(x->e, 0, "template: " TEMPLATE_NAME ": output is larger than %u MiB",
                        TEMPLATE_MAX_OUTPUT >> 20);
        if (r >= 0 && ++x->steps > TEMPLATE_MAX_STEPS)
            r = err_set(x->e, 0, "template: " TEMPLATE_NAME ": too much work");
    }
    exec_pop_vars(x, vars);
    return r;
}
