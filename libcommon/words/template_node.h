/* Inside of words/template_*.c: the parsed form and the values that flow through it. */
#ifndef POD_WORDS_TEMPLATE_NODE_H
#define POD_WORDS_TEMPLATE_NODE_H

#include "plain/str.h"
#include "words/template.h"

#include <stdbool.h>
#include <stdint.h>

#define TEMPLATE_NAME       "format"
#define TEMPLATE_MAX_TEXT   (1U << 20)
#define TEMPLATE_MAX_NEST   100          /* blocks and parentheses */
#define TEMPLATE_MAX_DEPTH  500          /* of data that is printed */
#define TEMPLATE_MAX_VARS   64           /* in scope at once */
#define TEMPLATE_MAX_STRING (16U << 20)  /* what a function may return */
#define TEMPLATE_MAX_OUTPUT (256U << 20) /* of one rendering */
#define TEMPLATE_MAX_STEPS  5000000      /* nodes visited in one rendering */

enum tok {
    TOK_END_ACTION, /* }} */
    TOK_FIELD,      /* .Name */
    TOK_DOT,
    TOK_VAR, /* $ or $name */
    TOK_WORD,
    TOK_STRING,
    TOK_RAW,
    TOK_CHAR,
    TOK_NUMBER,
    TOK_PIPE,
    TOK_OPEN,
    TOK_CLOSE,
    TOK_DECLARE, /* := */
    TOK_ASSIGN,
    TOK_COMMA,
};

struct token {
    enum tok kind;
    const char *from, *to;
    bool spaced; /* blanks stood before it */
};

struct lexer {
    const char *text, *p;
    bool trim; /* the last action ended with -}} */
    struct err *e;
};

/* Appends literal text up to the next action. 1: an action follows; 0: the end; -1 error. */
int lex_text(struct lexer *l, struct buf *out);
int lex_next(struct lexer *l, struct token *ret);
/* The value of a string, character or number token; NULL and *e when it is none. */
json_t *lex_value(struct lexer *l, const struct token *t);
int lex_error(struct lexer *l, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

enum node_kind {
    N_TEXT,
    N_ACTION,
    N_IF,
    N_RANGE,
    N_WITH,
    N_BREAK,
    N_CONTINUE,
    N_PIPE,
    N_COMMAND,
    N_DOT,
    N_NIL,
    N_CONST,
    N_FIELD,
    N_VAR,
    N_CHAIN, /* (pipeline).Field */
    N_CALL,
};

struct func;

struct node {
    enum node_kind kind;
    bool assign;       /* N_PIPE: = rather than := */
    size_t pos;        /* where an error about it points */
    size_t from, to;   /* its source, to be quoted */
    struct node *next; /* sibling: statement, command of a pipeline, operand of a command */
    struct node *all;  /* every node of the template */
    struct strv names; /* fields of N_FIELD, N_VAR, N_CHAIN; variables of N_PIPE */
    char *text;        /* N_TEXT, name of N_VAR */
    size_t len;        /* of N_TEXT */
    json_t *value;     /* N_CONST */
    const struct func *func;
    struct node *pipe; /* of a statement */
    struct node *body; /* statements; commands of N_PIPE; operands of N_COMMAND; N_CHAIN's root */
    struct node *otherwise;
};

struct template
{
    char *text;
    struct node *all, *root;
};

struct val {
    json_t *j; /* borrowed; NULL: there is no value */
    bool record;
};

struct var {
    const char *name;
    struct val v; /* with a reference of its own */
};

struct exec {
    const struct template *t;
    struct buf *out;
    size_t out_start;
    unsigned long steps;
    struct var vars[TEMPLATE_MAX_VARS];
    size_t nvars;
    json_t **pool; /* values made on the way, dropped at the end of their statement */
    size_t npool, cap;
    template_name_fn *header; /* set while the line above a table is made */
    const void *header_arg;
    struct err *e;
};

/* «template: format:1:2: executing "format" at <source>: …» */
int exec_error(struct exec *x, const struct node *at, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/* Wraps a fresh value that lives until its statement ends. */
struct val exec_own(struct exec *x, json_t *fresh);
void exec_drop(struct exec *x, size_t to); /* drops what was owned since npool was `to` */
int exec_list(struct exec *x, struct val dot, const struct node *n);
int eval_pipe(struct exec *x, struct val dot, const struct node *pipe, struct val *ret);
struct var *exec_find_var(struct exec *x, const char *name);
/* Declares or assigns, as the pipeline says. */
int exec_set_var(struct exec *x, const struct node *pipe, const char *name, struct val v);
void exec_pop_vars(struct exec *x, size_t to);
/* Follows names from v; args and final are what is given to the last of them. */
int eval_fields(struct exec *x, const struct node *at, struct val v, const struct val *arg,
                struct val *ret);

/* A call on its way: arguments are evaluated, nodes say where they came from. */
#define CALL_MAX_ARGS 64
struct call {
    struct exec *x;
    const struct node *at;
    size_t n;
    struct val args[CALL_MAX_ARGS];
    const struct node *nodes[CALL_MAX_ARGS];
};
struct func {
    const char *name;
    int min, max; /* arguments; max < 0: any number */
    int (*run)(struct call *c, struct val *ret);
};
const struct func *func_find(const char *name, size_t n);
int call_error(const struct call *c, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* Sets *ret to a string; the buffer is emptied. An error when it is too long. */
int call_text(struct call *c, struct buf *b, struct val *ret);
int call_want_text(struct call *c, size_t i, const char **s, size_t *n);
int call_want_int(struct call *c, size_t i, json_int_t *ret);
int func_join(struct call *c, struct val *ret);
int func_lower(struct call *c, struct val *ret);
int func_pad(struct call *c, struct val *ret);
int func_printf(struct call *c, struct val *ret);
int func_split(struct call *c, struct val *ret);
int func_title(struct call *c, struct val *ret);
int func_truncate(struct call *c, struct val *ret);
int func_upper(struct call *c, struct val *ret);

bool val_truth(struct val v);
const char *val_type(struct val v); /* Go's name of its type */
/* A verb of printf with its flags, as it stood between % and the letter. */
struct verb {
    bool minus, plus, sharp, zero, space;
    int width, precision; /* -1: none */
    uint32_t letter;
};
int print_verb(struct buf *b, const struct verb *v, const json_t *j, int depth);
/* As Go's %v; -1 when it is nested too deeply. */
int print_value(struct buf *b, const json_t *v, int depth);
void print_quoted(struct buf *b, const char *s, size_t n);
/* The shortest decimal digits that read back as v; value is 0.DIGITS × 10^*point. */
void print_digits(double v, char digits[32], int *point);
void print_float(struct buf *b, double v);
/* Keys in byte order; the array is the caller's, the keys are the object's. */
const char **sorted_keys(const json_t *o, size_t *n);

#endif
