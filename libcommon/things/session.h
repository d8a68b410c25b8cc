/* Talking to a container's monitor (words/attach.h): one request, or a person's whole session. */
#ifndef POD_THINGS_SESSION_H
#define POD_THINGS_SESSION_H

#include "disk/roots.h"
#include "plain/err.h"

#include <stdbool.h>
#include <stddef.h>

/* Connects to run/<id>/attach. -1 with errno in e->sys: ENOENT or ECONNREFUSED when nobody listens.
 */
int attach_connect(const struct roots *r, const char *id, struct err *e);
/* One packet. 0 or -1 with errno. */
int attach_send(int sock, char kind, const void *p, size_t n);
int attach_sendf(int sock, char kind, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
/* Through the monitor when it lives, else straight to the process. 0, or -1 (ESRCH: it is gone). */
struct ctr;
int ctr_signal(const struct roots *r, const struct ctr *c, int sig, struct err *e);
/*
 * Waits until c has ended: its exit code to *ret_code. timeout_ms < 0: for ever. Returns 0, 1 when
 * the time was up, -1. Works without a monitor too (then by the process itself).
 */
int ctr_wait(const struct roots *r, const struct ctr *c, int timeout_ms, int *ret_code,
             struct err *e);

struct session {
    const struct roots *roots;
    const char *id; /* of the container */
    int sock;
    int signals;             /* from session_signals, or 0 */
    bool tty;                /* the container has a terminal; ours goes raw if it is one too */
    bool input;              /* pass our standard input on */
    bool no_out, no_err;     /* do not pass its standard output or error on to ours */
    bool proxy;              /* pass signals on */
    const char *detach_keys; /* "ctrl-p,ctrl-q"; "" for none; NULL for the default */
};
enum { SESSION_EXIT = 0, SESSION_DETACHED = 1, SESSION_LOST = 2 };
/*
 * Blocks the signals that are passed on (and SIGWINCH) and returns the descriptor that they arrive
 * on: to be called before the container is started, so that none is lost.
 */
int session_signals(bool proxy);
/*
 * Moves bytes between our descriptors 0, 1, 2 and the container until it exits, the person
 * detaches, or the monitor is gone. SIGINT and the like stay blocked when proxy is set. When our
 * output is closed (`| head`) the container is told to end.
 */
int session_run(const struct session *s, int *ret_code, struct err *e);
/*
 * After SESSION_LOST: waits for the end all the same; our signals are our own again. -1 when nobody
 * saw with which code it ended.
 */
int session_lost(const struct roots *r, const struct ctr *c, int *ret_code, struct err *e);
/* "ctrl-p,ctrl-q" to bytes; the number of them, or -1. */
int detach_keys_parse(const char *text, char *out, size_t size);

#endif
