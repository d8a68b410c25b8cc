/* pod-exec's two rooms: the process description, and a terminal for it. */
#ifndef POD_BIN_EXEC_H
#define POD_BIN_EXEC_H

#include "things/ctr.h"

struct exec_opts {
    bool detach, interactive, tty, privileged, latest;
    const char *user, *workdir, *detach_keys;
    struct strv env, env_file;
    int64_t preserve_fds;
};

/* The OCI process object for command in the container, in a descriptor that reads as a file. */
int exec_describe(const struct ctr *c, const struct ctr_status *s, const struct exec_opts *o,
                  char *const *command, int *ret_fd, struct err *e);

/*
 * Runs argv, whose runtime connects to the socket that was given to it as `listen`, and moves
 * bytes between our terminal and the new one until the command ends; its exit code to *code.
 */
int exec_terminal(char *const *argv, int listen, int keep, const char *detach_keys, int *code,
                  struct err *e);

#endif
