/*
 * Other programs of ours, and the one line they answer on descriptor 3 (disk/report.h).
 *
 * Contract with helpers: 0 input, 1 output, 2 people, 3 one line to the parent. End of file on 3
 * without a line means that the helper died, and that is an error.
 */
#ifndef POD_THINGS_SPAWN_H
#define POD_THINGS_SPAWN_H

#include "disk/report.h"
#include "plain/buf.h"
#include "plain/err.h"

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* Absolute path of a helper: ../libexec/pod/NAME from the running program. Caller's string. */
char *tool_path(const char *name);
/* Likewise ../bin/NAME. */
char *bin_path(const char *name);
/* Likewise ../share/pod/NAME. */
char *share_path(const char *name);

struct spawn {
    char *const *argv;
    int in, out, err; /* descriptors for 0, 1, 2; -1: /dev/null, SPAWN_INHERIT: as ours */
    int report;       /* becomes descriptor 3; -1: none */
    const int *keep;  /* further descriptors, kept under their own numbers (all above 3) */
    size_t nkeep;
    int preserve;    /* so many that are aside (below) are kept as well */
    int new_session; /* setsid() first */
};
#define SPAWN_INHERIT (-2)

/*
 * Descriptors of our caller's, from 3 up, that are for a program further on: they are at ASIDE and
 * above as well then, close-on-exec, so that 3 can be the report's. What was there is closed.
 */
#define SPAWN_ASIDE 200
/* Before anything is opened: did our caller pass n? */
int spawn_can_preserve(int64_t n, struct err *e);
int spawn_set_aside(int n, struct err *e);

/* fork + exec. A failing exec is reported on the report descriptor as any helper would. */
int spawn(const struct spawn *s, pid_t *ret, struct err *e);
/* Exit code of a child: its own, or 128 + signal. */
int spawn_wait(pid_t pid);
/*
 * What the program writes to its standard output (s->out is set here), at most max bytes, at the
 * end of b: its exit code, or -1 when it could not be run or said too much.
 */
int spawn_and_read(struct spawn *s, size_t max, struct buf *b, struct err *e);
/* spawn + report_read + wait in one; argv[0] is a helper's path. */
int spawn_and_report(struct spawn *s, const char *who, char *value, size_t size, struct err *e);

#endif
