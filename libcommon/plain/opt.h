/*
 * Command lines as podman's users type them: long options with `--name value` or `--name=value`,
 * letters that can be bundled (-it), booleans that take =true or =false, lists by repetition.
 *
 * One table per command is the only source: --help is printed from it, completions and the
 * check of the man page read that.
 */
#ifndef POD_PLAIN_OPT_H
#define POD_PLAIN_OPT_H

#include "plain/buf.h"
#include "plain/err.h"

#include <stddef.h>

enum opt_kind {
    OPT_BOOL,  /* bool */
    OPT_TRI,   /* int: -1 as initialised by the caller, then 0 or 1 */
    OPT_STR,   /* const char *, points into argv */
    OPT_LIST,  /* struct strv, one entry a use */
    OPT_INT,   /* int64_t */
    OPT_MULTI, /* as OPT_LIST, and a value with commas gives several entries */
};

struct opt {
    const char *name; /* long name; NULL ends the table */
    char letter;      /* 0 when there is none */
    enum opt_kind kind;
    const char *arg;  /* how the value is called in --help; NULL for OPT_BOOL and OPT_TRI */
    const char *help; /* one line; NULL keeps the option out of --help */
    size_t at;        /* offsetof the destination in the options structure */
};

struct cmd {
    const char *name;       /* "pod run" */
    const char *operands;   /* "IMAGE [COMMAND [ARG...]]" */
    const char *summary;    /* one line, no full stop */
    const char *more;       /* further text for --help, or NULL */
    const struct opt *opts; /* may be NULL */
    int min, max;           /* operands wanted; max < 0: any number */
    int stop_at_operand;    /* options end at the first operand (run, exec) */
};

enum { CMD_OK = 0, CMD_HELP = 1 }; /* and -1 */

/*
 * Reads argv[1..] into the structure at base. Operands are moved behind the options, in order:
 * they are argv[*first] … argv[argc-1]. Returns CMD_OK, CMD_HELP when --help or -h was given and
 * -h means nothing else, or -1 with *e (exit code 125, the hint names --help).
 */
int cmd_parse(const struct cmd *c, void *base, int argc, char **argv, int *first, struct err *e);

/* The text of --help. */
void cmd_help(const struct cmd *c, struct buf *out);

/* Sets *e to «unknown WHAT: GOT» with the nearest of names (ends with NULL) as its hint. */
int opt_unknown(const char *what, const char *got, const char *const *names, const char *help_of,
                struct err *e);

#endif
