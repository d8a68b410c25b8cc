/* pod-exec's rooms: the process description, a terminal for it, and runtimes not ours. */
#ifndef POD_BIN_EXEC_H
#define POD_BIN_EXEC_H

#include "things/ctr.h"

struct exec_opts {
    bool detach, interactive, tty, privileged, latest, no_journal;
    const char *user, *workdir, *detach_keys;
    struct strv env, env_file;
    int64_t preserve_fds;
    bool single; /* the container has one user id (words/userns.h), and these are it */
    int64_t only_uid, only_gid;
};
/* Fills in the last of these. */
void exec_find_single(const struct ctr_status *s, struct exec_opts *o);

/* The OCI process object for command in the container, in a descriptor that reads as a file. */
int exec_describe(const struct ctr *c, const struct ctr_status *s, const struct exec_opts *o,
                  char *const *command, int *ret_fd, struct err *e);

/* ---- foreign.c ---- */
struct exec_foreign {
    int preserve;         /* descriptors that are aside (spawn.h), with ours too */
    char *pid_file, *log; /* NULL: the runtime is ours */
    int in;               /* as struct spawn has it */
};
void exec_foreign_open(struct exec_foreign *f, const char *dir, const struct exec_opts *o);
void exec_foreign_close(struct exec_foreign *f);
/* Runs the runtime to its end; *ret is the command, now a child of ours. std: our streams go. */
int exec_foreign_start(char *const *argv, const struct exec_foreign *f, int keep, bool std,
                       pid_t *ret, struct err *e);
/* Its exit code; signals are passed on meanwhile. */
int exec_foreign_wait(pid_t pid);

/* ---- terminal.c ---- */
/*
 * Runs argv, whose runtime connects to the socket that was given to it as `listen`, and moves
 * bytes between our terminal and the new one until the command ends; its exit code to *code.
 */
int exec_terminal(char *const *argv, const struct exec_foreign *f, int listen, int keep,
                  const char *detach_keys, int *code, struct err *e);

/* ---- line.c ---- */
/*
 * [pod-cgroup --join DIR --] pod-userns enter -- pod-rootfs --seal --
 * RUNTIME exec --process /proc/self/fd/N ID
 * f: filled in; but for `preserve` only when the runtime is not ours.
 */
int exec_line(const struct roots *r, const struct ctr *c, const struct exec_opts *o, int process,
              const char *console, struct exec_foreign *f, struct strv *argv, struct err *e);

#endif
