/* pod-runtime's command line: options of the whole program, then a verb with its own. */
#ifndef POD_RUNTIME_OPTIONS_H
#define POD_RUNTIME_OPTIONS_H

#include "plain/err.h"
#include "plain/opt.h"
#include "plain/str.h"

#include <stdbool.h>
#include <stdint.h>

struct options {
    /* before the verb */
    const char *root, *log, *log_format, *log_level, *cgroup_manager;
    int64_t report;
    bool debug, systemd_cgroup, version;
    /* create, run */
    const char *bundle, *config, *pid_file, *console_socket, *seccomp;
    int64_t lent_fd;                   /* a socket of pod-userns lend; 0: none */
    int64_t preserve_fds, preserve_at; /* at: where they are, when not at 3 */
    bool detach, keep, no_pivot, no_subreaper, no_keyring;
    /* exec */
    const char *process, *cwd, *user, *apparmor, *label, *cgroup;
    const char *journal; /* pod's directory of the container, where its events are told */
    struct strv env, caps, gids;
    bool tty, no_new_privs, ignore_paused;
    /* delete, kill, list, ps, spec */
    bool force, all, regex, quiet, rootless;
    const char *format;
    /* update */
    const char *resources, *memory, *memory_swap, *reservation, *shares, *quota, *period, *cpus,
        *mems, *pids, *blkio_weight;
    const char *interval;
    bool stats;
};

/* Reads all of argv. rest[0] is then the verb, its operands follow; NULL when there is none. */
int options_read(int argc, char **argv, struct options *o, char ***rest, struct err *e);
/* --help of the verb, or of the program when verb is NULL. */
void options_help(const char *verb, struct buf *out);

#endif
