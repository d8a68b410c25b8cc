/* What every program says in the same way. The library never prints; this does. */
#ifndef POD_BIN_SAY_H
#define POD_BIN_SAY_H

#include "plain/err.h"
#include "plain/opt.h"

#include "words/version.h"

/* "Error: …" and the hint on stderr; returns the exit code. */
int say_error(const struct err *e);
/*
 * A sentence that changes nothing of what is done. To people "Warning: …"; in a script's stderr
 * the line that podman's users look for: time="…" level=warning msg="…".
 */
void say_warning(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/*
 * The one warning of single-id mode (words/userns.h), once for as long as the namespace is held;
 * and more, unless that is NULL (start_other_user).
 */
void say_single_id(const char *run_path, const char *more);
/*
 * The warning and the question whether to go on, on stdout: 1 for yes, 0 for no, -1 when there is
 * nobody to answer, which is said too.
 */
int say_confirm(const char *warning);
/* --help on stdout; returns 0, or 125 when stdout cannot take it. */
int say_help(const struct cmd *c);
/*
 * cmd_parse with both spoken: returns the first operand's index, or -1 with *code set to what
 * main should return.
 */
int say_parse(const struct cmd *c, void *base, int argc, char **argv, int *code);
/* Flushes stdout; a failed write (full disk, closed pipe) turns code 0 into 125. */
int say_end(int code);

/*
 * A program with verbs: finds argv[1] in the table and runs it with argv moved by one.
 * Prints the list for --help; an unknown verb names the nearest.
 */
struct verb {
    const char *name;
    const char *summary;
    int (*run)(int argc, char **argv);
};
int say_verbs(const char *program, const char *summary, const struct verb *verbs, int argc,
              char **argv);

#endif
