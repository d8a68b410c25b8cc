/*
 * pod-runtime's rooms. One invocation works on one container, described by `struct rt`; the
 * process that becomes the container's pid 1 is called init, its parent the runtime.
 *
 * create.c orders the steps; ns.c makes namespaces; rootfs.c, mounts.c, dev.c build the file
 * tree; process.c turns init into the payload; state.c is the disk; verbs.c the short commands.
 */
#ifndef POD_RUNTIME_RT_H
#define POD_RUNTIME_RT_H

#include "plain/err.h"
#include "words/json.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* In the state's directory: what `start` writes into, and where init says why it could not exec. */
#define EXEC_FIFO   "exec.fifo"
#define EXEC_ANSWER "exec.answer"

struct rt {
    const char *root; /* directory of states, one subdirectory a container */
    const char *id;
    const char *bundle;
    const char *pid_file, *console_socket, *log, *log_format, *process_file;
    int seccomp_fd; /* compiled form of linux.seccomp to load as it is; -1: compile */
    int report_fd;  /* -1, or where the one-line answer goes */
    int64_t preserve_fds;
    bool detach, force, all;
    json_t *spec; /* config.json, owned */
    char *rootfs; /* absolute path of root.path */
    unsigned caller_uid,
        caller_gid; /* who called us, as the container numbers ids: owner of sources */
};

/* ---- state.c ---- */
struct state {
    pid_t pid;
    uint64_t birth;
    char *bundle, *created;
    json_t *annotations; /* NULL when there are none */
};
int state_reserve(const struct rt *rt, struct err *e); /* mkdir; EEXIST is an error */
int state_save(const struct rt *rt, pid_t pid, struct err *e);
int state_load(const struct rt *rt, struct state *ret, struct err *e);
void state_free(struct state *s);
void state_remove(const struct rt *rt);
/* "created", "running" or "stopped" (runtime-spec «State») */
const char *state_status(const struct rt *rt, const struct state *s);
char *state_file(const struct rt *rt, const char *name);
json_t *state_json(const struct rt *rt, const struct state *s, const char *status);

/* ---- ns.c ---- */
struct nsplan {
    int fresh;  /* CLONE_NEW* to make */
    int joined; /* CLONE_NEW* to enter, by the descriptors below */
    int fd[8];
    int type[8];
    size_t n;
};
int ns_plan(const json_t *spec, struct nsplan *ret, struct err *e);
int ns_join(const struct nsplan *p, struct err *e);
/* clone with the fresh namespaces; pid 0 in the child. */
pid_t ns_clone(const struct nsplan *p, int *pidfd);
int ns_write_maps(const json_t *spec, pid_t pid, struct err *e);
int ns_loopback_up(void);

/* ---- rootfs.c ---- */
/* Everything between clone and the payload's credentials: mounts, devices, masks, pivot. */
int rootfs_setup(struct rt *rt, int *ret_console_master, struct err *e);
int rootfs_set_sysctls(const json_t *spec, struct err *e);

/* ---- mounts.c ---- */
int mounts_all(const struct rt *rt, int rootfd, struct err *e);
int mounts_masks(const struct rt *rt, int rootfd, struct err *e);
/*
 * Opens (O_PATH) dest below rootfd, following links as if rootfd were /, making what is missing:
 * directories, and as the last component a directory or an empty file.
 */
int open_in_root(int rootfd, const char *dest, bool want_dir, struct err *e);
/* The path of an open descriptor, for system calls that want one. */
struct fdpath {
    char s[40];
};
struct fdpath fd_path(int fd);

/* ---- dev.c ---- */
int dev_populate(const struct rt *rt, int rootfd, struct err *e);
/* Opens a pty of the container's own devpts; the slave becomes /dev/console there. */
int dev_console(int rootfd, const json_t *process, int *ret_master, char *slave, size_t size,
                struct err *e);
/* Unlocks and sizes the pty behind master; slave gets its path in the container. */
int dev_open_pty(int master, const json_t *process, char *slave, size_t size, struct err *e);
/* Connected to whoever waits for the terminal; the master goes there by SCM_RIGHTS. */
int dev_console_connect(const char *socket_path, struct err *e);
int dev_use_terminal(const char *slave, struct err *e);

/* ---- process.c ---- */
/* Credentials, limits, seccomp as process says; then the path that exec will use in *ret_path. */
int process_prepare(const struct rt *rt, const json_t *process, char **ret_path, struct err *e);
/* Seals descriptors, loads seccomp, execs. Returns only on failure. */
int process_exec(const struct rt *rt, const json_t *process, const char *path, struct err *e);

/* ---- hooks.c ---- */
int hooks_run(const struct rt *rt, const char *stage, pid_t pid, const char *status, struct err *e);
bool hooks_any(const struct rt *rt, const char *stage);

/* ---- create.c, verbs.c, exec.c: each returns the exit code ---- */
int cmd_create(struct rt *rt, bool start_too, struct err *e); /* 0/-1 */
/* What init does from its first instruction; never returns. */
void init_main(struct rt *rt, const struct nsplan *plan, int sync, int fifo_dir)
    __attribute__((noreturn));
int cmd_start(struct rt *rt, struct err *e);
int cmd_state(struct rt *rt, struct err *e);
int cmd_kill(struct rt *rt, const char *signal, struct err *e);
int cmd_delete(struct rt *rt, struct err *e);
int cmd_exec(struct rt *rt, char **argv, int *ret_code, struct err *e);

#endif
