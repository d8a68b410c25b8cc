/* The monitor's command line: what it runs to create, connect, start, delete and clean up. */
#ifndef POD_THINGS_START_CHAIN_H
#define POD_THINGS_START_CHAIN_H

#include "things/ctr.h"
#include "things/seccomp.h"

/* In run_dir: where pod-fakeroot listens. */
#define FAKEROOT_SOCKET "fakeroot"

struct chain {
    const struct roots *roots;
    char *ctr_dir, *run_dir, *runtime; /* owned */
    bool ours;                         /* the runtime is pod-runtime */
    bool net_fresh;
    bool hold;       /* only to be created (pod init) */
    bool single;     /* in single-id mode: pod-fakeroot stands beside the container */
    const char *net; /* what serves the network: a program's name, "" for nothing */
    bool ends_pod;   /* the pod's exit policy is "stop" */
    pid_t shm_pid;   /* whose /dev/shm comes to run_dir/shm; 0: nobody's */
    int preserve;    /* descriptors of the caller, at SPAWN_ASIDE meanwhile */
    int lent_fd;     /* namespaces made ahead come out there (start_lend.c); 0 */
    json_t *maps;    /* [uids, gids] of one that remaps, owned; NULL otherwise */
    char bpf[SECCOMP_NAME_SIZE + 8]; /* file in own/cache; "" for none */
};

/*
 * start.c: the run directory with config.json, and what of ch that needs. Where `ready` is given it
 * is called once, as soon as ch is whole: mostly before the configuration is made, which takes as
 * long as the monitor needs to come to be.
 */
typedef int chain_ready(struct chain *ch, void *arg, struct err *e);
int chain_configure(const struct roots *r, const struct ctr *c, struct chain *ch,
                    chain_ready *ready, void *arg, struct err *e);
/*
 * start_run.c: the lock, or START_RUNNING with *ret_pid. Whoever else has it, starts it (then it
 * will run), or has ended it and is about to let go.
 */
int start_lock(const struct roots *r, const struct ctr *c, int *ret_lock, pid_t *ret_pid,
               struct err *e);

/* lock, gate, client: descriptors; the monitor waits until it reads a byte from gate. -1: none */
void chain_monitor(const struct chain *ch, const struct ctr *c, int lock, int gate, int client,
                   struct strv *argv);
void chain_free(struct chain *ch);
/*
 * start_lend.c: has pod-userns make the container's user and network namespace while we go on, and
 * sets lent_fd. Its pid; 0: they are not wanted, or the runtime is to make them itself.
 */
pid_t chain_lend(const struct ctr *c, struct chain *ch);
/* It has done what it was for. 0: nobody. */
void chain_lend_end(pid_t lender);
/* start_rootfs.c: pod-rootfs and its options as root of the user's namespace, up to the command. */
void chain_rootfs(const struct chain *ch, const struct ctr *c, struct strv *argv);
/* Only the limits, as options of pod-cgroup. */
void chain_limits(const json_t *limits, struct strv *argv);
/*
 * start_limits.c: nothing without limits; else, before the monitor (prepare), a place where the
 * container's cgroup can be made, then that cgroup.
 */
void chain_cgroup(const struct chain *ch, const struct ctr *c, bool prepare, struct strv *argv);
/* start_fill.c: pod-rootfs' options for volumes that this container is the first to mount. */
void chain_fill(const struct chain *ch, const struct ctr *c, struct strv *argv);
/* A container's id as the user's namespace numbers it; what is not mapped becomes its root. */
int64_t chain_outside(const json_t *maps, size_t kind, int64_t id);
/* [uids, gids] of a container that remaps, the caller's; NULL of others. */
int chain_maps(const struct roots *r, const struct ctr *c, json_t **ret, struct err *e);

/* start_before.c: the working directory that was asked for is there, --requires run. */
int start_before(const struct roots *r, const struct ctr *c, struct err *e);

#endif
