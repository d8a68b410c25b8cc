/*
 * Starting a container: configuration of the moment, then the monitor and its chain of commands
 *   pod-userns enter -- pod-rootfs … -- RUNTIME create|run …
 */
#ifndef POD_THINGS_START_H
#define POD_THINGS_START_H

#include "things/ctr.h"

struct start_how {
    int client_fd; /* our peer's end of a seqpacket pair: the monitor's first client; -1: none.
                      Closed here in any case. */
    bool hold;     /* only create it, as far as the runtime's `create` goes */
    bool beside;   /* other starts are under way beside this one */
    int preserve;  /* so many descriptors of ours, from 3 up, are the container's for this start */
};

/*
 * Starts c, and first the infra container of its pod where that does not run. 0 with the pid,
 * START_RUNNING when it runs already, or -1 (code 126 and 127: the command cannot be run).
 * Whom it shall notify (--sdnotify=conmon) is told; one that is to be healthy first:
 * things/ready.h. START_HELD: it was only created (hold), and a client was given or hold is wanted
 * again; else it is started now.
 */
enum { START_OK = 0, START_RUNNING = 1, START_HELD = 2 };
int ctr_start(const struct roots *r, const struct ctr *c, const struct start_how *how,
              pid_t *ret_pid, struct err *e);

/*
 * The same in two steps, so that several can be under way at once. START_OK: the monitor is at
 * work, and start_end waits for its answer; on any other result there is nothing to end.
 */
struct start_job {
    int lock, report;
    pid_t monitor, lender;
};
int start_begin(const struct roots *r, const struct ctr *c, const struct start_how *how,
                struct start_job *ret, pid_t *ret_pid, struct err *e);
int start_end(const struct roots *r, const struct ctr *c, struct start_job *job, pid_t *ret_pid,
              struct err *e);
/* sock: a connection to the monitor of one that is held. */
int start_held(int sock, struct err *e);
/* Is one of its namespaces another container's, that container's user namespace included? */
bool start_joins(const struct ctr *c);
/*
 * In single-id mode one that shares namespaces has the id of those it joins, whatever user was
 * asked for: a sentence that says so, until the next call; NULL: it is who it should be.
 */
const char *start_other_user(const struct roots *r, const struct ctr *c);
/* Must others run before it can be started? */
bool start_needs_others(const struct ctr *c);

/*
 * The OCI configuration, as text at the end of ret: the one that it runs with, or what a start
 * would make now. Members of a pod need its infra container to run.
 */
int ctr_config(const struct roots *r, const struct ctr *c, struct buf *ret, struct err *e);

/* The command that becomes root of the user's namespace first: «pod-userns enter -- », added to
 * argv. */
void start_add_userns(struct strv *argv);
/* «pod-rootfs --seal», which becomes root of it itself when enter is set. */
void start_add_rootfs(bool enter, struct strv *argv);

/* Its options for n descriptors that are aside (spawn.h); nothing when there are none. */
void start_add_preserved(int64_t n, struct strv *argv);

/* Are the user's containers in single-id mode (words/userns.h)? */
bool start_is_single(const struct roots *r);

/* Where the runtime keeps its states: run/runtime. Caller's string. */
char *runtime_root(const struct roots *r);
/* The record's runtime as a path; *ours says whether it is pod-runtime. Caller's string. */
int runtime_find(const struct ctr *c, char **ret, bool *ours, struct err *e);
/* The runtime's path and what that runtime wants before its verb, --root above all. */
void runtime_globals(const struct roots *r, const char *path, bool ours, struct strv *argv);
/* The options that the record has for it, then the verb. */
void runtime_verb(const struct ctr *c, const char *verb, struct strv *argv);

#endif
