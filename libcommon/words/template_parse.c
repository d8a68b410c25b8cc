/* From tokens to nodes, by recursive descent. */
#include "words/template_node.h"

#include <stdio.h>
#include <string.h>

struct parser {
    struct lexer l;
    struct template *t;
    struct token tok; /* the current token */
    const char *vars[TEMPLATE_MAX_VARS];
    size_t var_len[TEMPLATE_MAX_VARS];
    size_t nvars;
    int nest, loops;
};

enum stop { STOP_EOF, STOP_END, STOP_ELSE };

static int parse_list(struct parser *p, struct node **ret, enum stop *stop);
static int parse_pipe(struct parser *p, enum tok end, const char *context, struct node **ret);

static int step(struct parser *p)
{
    return lex_next(&p->l, &p->tok);
}

static bool is_word(const struct parser *p, const char *word)
{
    size_t n = (size_t)(p->tok.to - p->tok.from);
    return p->tok.kind == TOK_WORD && strlen(word) == n && memcmp(p->tok.from, word, n) == 0;
}

/* Begins at the current token. */
static struct node *node_new(struct parser *p, enum node_kind kind)
{
    struct node *n = xcalloc(1, sizeof *n);
    n->kind = kind;
    n->all = p->t->all;
    p->t->all = n;
    n->pos = n->from = (size_t)(p->tok.from - p->l.text);
    n->to = (size_t)(p->tok.to - p->l.text);
    return n;
}

static int unexpected(struct parser *p, const char *context)
{
    const struct token *t = &p->tok;
    return lex_error(&p->l, "unexpected %s%.*s%s in %s", t->kind == TOK_WORD ? "<" : "\"",
                     (int)(t->to - t->from), t->from, t->kind == TOK_WORD ? ">" : "\"", context);
}

static int add_var(struct parser *p, const struct token *t)
{
    if (p->nvars == TEMPLATE_MAX_VARS)
        return lex_error(&p->l, "too many variables");
    p->vars[p->nvars] = t->from;
    p->var_len[p->nvars++] = (size_t)(t->to - t->from);
    return 0;
}

static bool has_var(const struct parser *p, const struct token *t)
{
    size_t n = (size_t)(t->to - t->from);
    for (size_t i = 0; i < p->nvars; i++)
        if (p->var_len[i] == n && memcmp(p->vars[i], t->from, n) == 0)
            return true;
    return false;
}

static int parse_word(struct parser *p, struct node **ret)
{
    const char *s = p->tok.from;
    size_t len = (size_t)(p->tok.to - s);
    static const char *const statements[] = {"if",    "range",    "with",   "else",
                                             "end",   "template", "define", "block",
                                             "break", "continue", NULL};
    for (const char *const *w = statements; *w; w++)
        if (is_word(p, *w))
            return unexpected(p, "command");
    if (is_word(p, "true") || is_word(p, "false")) {
        *ret = node_new(p, N_CONST);
        (*ret)->value = json_boolean(len == 4);
    } else if (is_word(p, "nil")) {
        *ret = node_new(p, N_NIL);
    } else {
        const struct func *f = func_find(s, len);
        if (!f)
            return lex_error(&p->l, "function \"%.*s\" not defined", (int)len, s);
        *ret = node_new(p, N_CALL);
        (*ret)->func = f;
    }
    return step(p);
}

static int parse_parens(struct parser *p, struct node **ret)
{
    size_t from = (size_t)(p->tok.from - p->l.text);
    if (step(p) < 0 || parse_pipe(p, TOK_CLOSE, "parenthesized pipeline", ret) < 0)
        return -1;
    (*ret)->from = from;
    (*ret)->to = (size_t)(p->tok.to - p->l.text);
    return step(p);
}

static int parse_term(struct parser *p, struct node **ret)
{
    const struct token *t = &p->tok;
    switch (t->kind) {
    case TOK_WORD:
        return parse_word(p, ret);
    case TOK_OPEN:
        return parse_parens(p, ret);
    case TOK_DOT:
        *ret = node_new(p, N_DOT);
        break;
    case TOK_FIELD:
        *ret = node_new(p, N_FIELD);
        strv_take(&(*ret)->names, xstrndup(t->from + 1, (size_t)(t->to - t->from) - 1));
        break;
    case TOK_VAR:
        if (!has_var(p, t))
            return lex_error(&p->l, "undefined variable \"%.*s\"", (int)(t->to - t->from), t->from);
        *ret = node_new(p, N_VAR);
        (*ret)->text = xstrndup(t->from, (size_t)(t->to - t->from));
        break;
    case TOK_STRING:
    case TOK_RAW:
    case TOK_CHAR:
    case TOK_NUMBER:
        *ret = node_new(p, N_CONST);
        (*ret)->value = lex_value(&p->l, t);
        if (!(*ret)->value)
            return -1;
        break;
    default:
        return unexpected(p, "operand");
    }
    return step(p);
}

/* A term and the fields that follow it without a blank. */
static int parse_operand(struct parser *p, struct node **ret)
{
    struct node *n;
    if (parse_term(p, &n) < 0)
        return -1;
    bool first = true;
    while (p->tok.kind == TOK_FIELD && !p->tok.spaced) {
        if (first && n->kind != N_FIELD && n->kind != N_VAR) {
            if (n->kind != N_PIPE)
                return lex_error(&p->l, "unexpected . after term \"%.*s\"", (int)(n->to - n->from),
                                 p->l.text + n->from);
            struct node *chain = node_new(p, N_CHAIN);
            chain->body = n;
            chain->from = n->from;
            n = chain;
        }
        if (first)
            n->pos = (size_t)(p->tok.from - p->l.text);
        first = false;
        n->to = (size_t)(p->tok.to - p->l.text);
        strv_take(&n->names, xstrndup(p->tok.from + 1, (size_t)(p->tok.to - p->tok.from) - 1));
        if (step(p) < 0)
            return -1;
    }
    *ret = n;
    return 0;
}

static int parse_command(struct parser *p, struct node **ret)
{
    struct node *c = node_new(p, N_COMMAND), **tail = &c->body;
    while (p->tok.kind != TOK_PIPE && p->tok.kind != TOK_CLOSE && p->tok.kind != TOK_END_ACTION) {
        if (c->body && !p->tok.spaced && p->tok.kind != TOK_OPEN)
            return unexpected(p, "operand");
        if (parse_operand(p, tail) < 0)
            return -1;
        c->to = (*tail)->to;
        tail = &(*tail)->next;
    }
    if (!c->body)
        return unexpected(p, "command");
    *ret = c;
    return 0;
}

/* `$x :=`, `$x =`, and in range `$i, $x :=`; otherwise the lexer goes back to where it was. */
static int parse_declaration(struct parser *p, const char *context, struct node *pipe)
{
    struct token names[2];
    struct lexer before = p->l;
    int n = 0;
    names[n++] = p->tok;
    if (step(p) < 0)
        return -1;
    if (p->tok.kind == TOK_COMMA) {
        if (strcmp(context, "range") != 0)
            return lex_error(&p->l, "too many declarations in %s", context);
        if (step(p) < 0)
            return -1;
        if (p->tok.kind != TOK_VAR)
            return unexpected(p, context);
        names[n++] = p->tok;
        if (step(p) < 0)
            return -1;
    }
    if (p->tok.kind != TOK_DECLARE && p->tok.kind != TOK_ASSIGN) {
        if (n == 2)
            return unexpected(p, context);
        p->l = before;
        p->tok = names[0];
        return 0;
    }
    pipe->assign = p->tok.kind == TOK_ASSIGN;
    for (int i = 0; i < n; i++) {
        if (pipe->assign && !has_var(p, &names[i]))
            return lex_error(&p->l, "undefined variable \"%.*s\"",
                             (int)(names[i].to - names[i].from), names[i].from);
        if (!pipe->assign && add_var(p, &names[i]) < 0)
            return -1;
        strv_take(&pipe->names, xstrndup(names[i].from, (size_t)(names[i].to - names[i].from)));
    }
    return step(p);
}

static bool executable(const struct node *command)
{
    enum node_kind k = command->body->kind;
    return k != N_CONST && k != N_NIL && k != N_DOT && k != N_PIPE;
}

/* Leaves the token that ended it as the current one. */
static int parse_pipe(struct parser *p, enum tok end, const char *context, struct node **ret)
{
    struct node *pipe = node_new(p, N_PIPE), **tail = &pipe->body;
    if (++p->nest > TEMPLATE_MAX_NEST)
        return lex_error(&p->l, "nested too deeply");
    if (p->tok.kind == TOK_VAR && end == TOK_END_ACTION && parse_declaration(p, context, pipe) < 0)
        return -1;
    if (p->tok.kind == end)
        return lex_error(&p->l, "missing value for %s", context);
    for (int stage = 1; p->tok.kind != end; stage++) {
        if (parse_command(p, tail) < 0)
            return -1;
        if (stage > 1 && !executable(*tail))
            return lex_error(&p->l, "non executable command in pipeline stage %d", stage);
        pipe->to = (*tail)->to;
        tail = &(*tail)->next;
        if (p->tok.kind == TOK_PIPE) {
            if (step(p) < 0)
                return -1;
        } else if (p->tok.kind != end) {
            return end == TOK_CLOSE ? lex_error(&p->l, "unclosed left paren")
                                    : unexpected(p, context);
        }
    }
    p->nest--;
    *ret = pipe;
    return 0;
}

static int expect_end(struct parser *p, const char *context)
{
    if (step(p) < 0)
        return -1;
    return p->tok.kind == TOK_END_ACTION ? 0 : unexpected(p, context);
}

/* if, range, with: from behind the word to its {{end}}. */
static int parse_control(struct parser *p, enum node_kind kind, struct node **ret)
{
    const char *word = kind == N_IF ? "if" : kind == N_RANGE ? "range" : "with";
    struct node *n = node_new(p, kind);
    size_t vars = p->nvars;
    enum stop stop;
    *ret = n;
    if (++p->nest > TEMPLATE_MAX_NEST)
        return lex_error(&p->l, "nested too deeply");
    if (step(p) < 0 || parse_pipe(p, TOK_END_ACTION, word, &n->pipe) < 0)
        return -1;
    size_t own = p->nvars;
    p->loops += kind == N_RANGE;
    if (parse_list(p, &n->body, &stop) < 0)
        return -1;
    p->loops -= kind == N_RANGE;
    p->nvars = own;
    if (stop == STOP_ELSE) {
        if (step(p) < 0)
            return -1;
        if (kind != N_RANGE && is_word(p, word)) {
            /* `else if` and `else with` share the {{end}} of what they continue */
            if (parse_control(p, kind, &n->otherwise) < 0)
                return -1;
            stop = STOP_END;
        } else if (p->tok.kind != TOK_END_ACTION) {
            return unexpected(p, "else");
        } else if (parse_list(p, &n->otherwise, &stop) < 0) {
            return -1;
        } else if (stop == STOP_ELSE) {
            return lex_error(&p->l, "expected end; found {{else}}");
        }
    }
    if (stop == STOP_EOF)
        return lex_error(&p->l, "unexpected EOF");
    p->nest--;
    p->nvars = vars;
    return 0;
}

static int parse_jump(struct parser *p, enum node_kind kind, struct node **ret)
{
    *ret = node_new(p, kind);
    if (p->loops == 0)
        return lex_error(&p->l, "{{%s}} outside {{range}}", kind == N_BREAK ? "break" : "continue");
    return expect_end(p, "command");
}

/* One action behind its {{. *ret stays NULL when it closed the list (*stop says how). */
static int parse_action(struct parser *p, struct node **ret, enum stop *stop)
{
    if (step(p) < 0)
        return -1;
    if (is_word(p, "end")) {
        *stop = STOP_END;
        return expect_end(p, "end");
    }
    if (is_word(p, "else")) {
        *stop = STOP_ELSE;
        return 0;
    }
    if (is_word(p, "if"))
        return parse_control(p, N_IF, ret);
    if (is_word(p, "range"))
        return parse_control(p, N_RANGE, ret);
    if (is_word(p, "with"))
        return parse_control(p, N_WITH, ret);
    if (is_word(p, "break"))
        return parse_jump(p, N_BREAK, ret);
    if (is_word(p, "continue"))
        return parse_jump(p, N_CONTINUE, ret);
    *ret = node_new(p, N_ACTION);
    return parse_pipe(p, TOK_END_ACTION, "command", &(*ret)->pipe);
}

static int parse_list(struct parser *p, struct node **ret, enum stop *stop)
{
    struct node **tail = ret;
    for (;;) {
        struct buf text = BUF_INIT;
        int more = lex_text(&p->l, &text);
        if (text.len) {
            p->tok = (struct token){.from = p->l.p, .to = p->l.p};
            *tail = node_new(p, N_TEXT);
            (*tail)->len = text.len;
            (*tail)->text = buf_take(&text);
            tail = &(*tail)->next;
        }
        buf_free(&text);
        if (more <= 0) {
            *stop = STOP_EOF;
            return more;
        }
        if (parse_action(p, tail, stop) < 0)
            return -1;
        if (!*tail)
            return 0;
        tail = &(*tail)->next;
    }
}

int template_compile(const char *text, struct template **ret, struct err *e)
{
    if (strlen(text) > TEMPLATE_MAX_TEXT)
        return err_set(e, 0, "template: " TEMPLATE_NAME ": longer than %u bytes",
                       TEMPLATE_MAX_TEXT);
    struct template *t = xcalloc(1, sizeof *t);
    t->text = xstrdup(text);
    struct parser p = {.l = {.text = t->text, .p = t->text, .e = e}, .t = t};
    enum stop stop = STOP_EOF;
    p.vars[0] = "$";
    p.var_len[0] = p.nvars = 1;
    int r = parse_list(&p, &t->root, &stop);
    if (r == 0 && stop != STOP_EOF)
        r = lex_error(&p.l, "unexpected {{%s}}", stop == STOP_END ? "end" : "else");
    if (r < 0) {
        template_free(t);
        return -1;
    }
    *ret = t;
    return 0;
}
