/* pod-pod's verbs: each gets its own argv and returns the exit code. */
#ifndef POD_BIN_PODS_H
#define POD_BIN_PODS_H

#include "things/ctr.h"
#include "things/event.h"
#include "things/pod.h"

int verb_create(int argc, char **argv);
int verb_ps(int argc, char **argv);
int verb_inspect(int argc, char **argv);
int verb_start(int argc, char **argv);
int verb_stop(int argc, char **argv);
int verb_kill(int argc, char **argv);
int verb_restart(int argc, char **argv);
int verb_logs(int argc, char **argv);
int verb_stats(int argc, char **argv);
int verb_top(int argc, char **argv);
int verb_pause(int argc, char **argv);
int verb_unpause(int argc, char **argv);
int verb_rm(int argc, char **argv);
int verb_prune(int argc, char **argv);
int verb_exists(int argc, char **argv);
/* Run by a container's monitor at its end, where the pod's exit policy is "stop". */
int verb_settle(int argc, char **argv);

/* Names on the command line, or all pods, or the latest: ids to ret. */
int pods_select(const struct roots *r, char *const *operands, bool all, bool latest,
                struct strv *ret, struct err *e);
/* What start, stop, rm… are told: operands, --all, --latest, --pod-id-file. */
struct pods_which {
    bool all, latest;
    struct strv id_files;
};
int pods_which(const struct roots *r, const struct pods_which *w, char *const *operands,
               bool skip_unknown, struct strv *ret, struct err *e);

/* drive.c */
struct pods_life {
    struct pods_which which;
    bool force, ignore;
    int64_t time; /* -1: each container's own */
    const char *signal;
};
typedef int pods_member_fn(const struct roots *r, struct ctr *c, const struct pods_life *o,
                           struct err *e);
typedef int pods_fn(const struct roots *r, const char *id, const struct pods_life *o,
                    struct err *e);
/* Calls fn for each member; the infra container is the first, or backwards the last. */
int pods_each(const struct roots *r, const char *pod_id, bool backwards, pods_member_fn *fn,
              const struct pods_life *o, struct err *e);
/* fn for that pod, and the event that says so. */
int pods_do(const struct roots *r, const char *id, const struct pods_life *o, pods_fn *fn,
            const char *status, struct err *e);
/* life.c: the pod with its members; without o->force none may be running. */
int pods_remove(const struct roots *r, const char *id, const struct pods_life *o, struct err *e);
/* start.c: of one pod. */
int pods_start(const struct roots *r, const char *id, const struct pods_life *o, struct err *e);
/* Reads the command line into a struct pods_life and calls fn for each pod; status: its event. */
struct cmd;
int pods_drive(const struct cmd *c, int argc, char **argv, pods_fn *fn, const char *status);

/* Pulls the image where it is not there; an empty e->msg: the program that pulls has said why. */
int pods_need_image(const struct roots *r, const char *name, struct err *e);
/* "Created", "Running", "Degraded", "Paused", "Exited", "Stopped", as podman derives it from the
 * members. */
const char *pods_status(const struct roots *r, const struct strv *members, size_t *running);
/* {"Id", "Names", "Status"} of each member. */
json_t *pods_containers(const struct roots *r, const struct strv *members);

/* KEY=VALUE each, with podman's sentences for what cannot be understood. */
int pods_filter_check(const struct strv *filters, struct err *e);
/* row: as pod pod ps --format json has it. */
bool pods_filter_passes(const struct strv *filters, const struct pod *p, const json_t *row);

#endif
