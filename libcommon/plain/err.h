/*
 * What went wrong, as one sentence for a person and one exit code for a script.
 *
 * Functions of floors 2 and 3 take a `struct err *e` last, return 0 or -1, and fill *e only
 * when they return -1. Programs print `Error: ` + msg, then hint on a line of its own.
 */
#ifndef POD_PLAIN_ERR_H
#define POD_PLAIN_ERR_H

struct err {
    int code;        /* exit code the program should end with (words/exitcode.h); 0 = none set */
    int sys;         /* errno at the time, 0 when no system call was involved */
    char msg[1200];  /* "what: which thing: why", no newline, no full stop */
    char hint[1200]; /* what to type next; empty when there is nothing to say */
};

#define ERR_INIT                                                                                   \
    {                                                                                              \
        0                                                                                          \
    }

/* All return -1, so that `return err_set(e, …)` reads as one step. code 0 means 125. */
int err_set(struct err *e, int code, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
/* As err_set with code 125, and ": strerror(errno)" put behind; keeps errno in e->sys. */
int err_sys(struct err *e, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* Adds the line that says what to type. Newlines in it are kept. */
int err_hint(struct err *e, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* Puts "prefix: " before the message. */
int err_prefix(struct err *e, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#endif
