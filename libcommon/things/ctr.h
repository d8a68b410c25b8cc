/*
 * Containers as they lie on disk, and what state they are in.
 *
 *   own/containers/<id>/container.json  the record, written once («record» below)
 *                       event           members of its lines in the journal (disk/journal.h)
 *                       config.json     OCI runtime-spec bundle configuration; rootfs/ its root
 *                       upper/ work/    the writable layer
 *                       lock            held (OFD, exclusive) by the container's monitor
 *                       live            of the last start, as run/<id>/live, a little later
 *                       exit            key=value lines: code, started, finished (ns), oom, error;
 *                                       behind those of live when the disk has no room for it
 *                       health.json     what its health checks said (things/health.h)
 *                       secrets/N       copies of secrets (things/secret.h)
 *                       ctr.log hosts hostname resolv.conf
 *   own/names/<name>                    symbolic link to ../containers/<id> or ../pods/<id>
 *   own/names.lock                      held while a name of somebody gone is taken or dropped
 *   own/running/<id>                    there while it runs, in whatever runtime directory
 *   run/<id>/live                       key=value lines: boot, pid, birth (start time in clock
 *                                       ticks), started (ns), monitor (pid); hints, not truth
 *   run/<id>/attach                     unix SOCK_SEQPACKET of the monitor (things/attach.h)
 *   run/<id>/paused                     how it was paused (things/pause.h); cgroup: its directory
 *   run/<id>/pid                        the runtime's pid file: there before the payload runs
 *
 * State is derived from these, never stored. Reading takes no lock and cannot wait.
 *
 * Keys of the record: id name created(RFC 3339) image imageName rootfs command[] entrypoint[]
 * createCommand[] createDir hooksDirs[] cdi[] cdiDirs[] labels{} annotations{} pod infra rm
 * tty stdin log{driver path maxSize maxFiles tag} restart{policy max} stopSignal stopTimeout
 * network{mode options[] ports[{hostIp hostPort containerPort protocol}]} userns runtime
 * runtimeFlags[] lowers[] env[] workdir user hostname mounts[] security{privileged readOnly
 * seccomp noNewPrivileges capAdd[] capDrop[]} limits{memory cpus pids} health{…}
 * (things/health.h)
 */
#ifndef POD_THINGS_CTR_H
#define POD_THINGS_CTR_H

#include "disk/kv.h"
#include "disk/proc.h"
#include "disk/roots.h"
#include "plain/err.h"
#include "words/json.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

enum ctr_state {
    CTR_CREATED,
    CTR_INITIALIZED, /* a monitor holds the lock, nothing runs yet */
    CTR_RUNNING,
    CTR_PAUSED,
    CTR_STOPPING,
    CTR_EXITED,
};

struct ctr_status {
    enum ctr_state state;
    pid_t pid;         /* of pid 1 on the host; 0 unless running */
    uint64_t birth;    /* its start time, to tell it from a later process of that number */
    pid_t monitor;     /* 0 when there is none: the container runs on without log and attach */
    bool half_started; /* it runs, but its monitor was killed before it could say so */
    int exit_code;     /* valid when exited; 255 when nobody saw the end */
    bool oom;
    bool stopping;                   /* runs, and was told to end */
    bool was_stopped;                /* since it was started last, running now or not */
    int restarts;                    /* by its policy, since it was started */
    int64_t started_ns, finished_ns; /* since the epoch; 0 = never */
};

struct ctr {
    char id[65];
    int dir;        /* own/containers/<id> */
    json_t *record; /* owned */
};
#define CTR_INIT                                                                                   \
    {                                                                                              \
        .dir = -1                                                                                  \
    }

struct ctr_status;
/* Likewise, and "stopping" for one that was told to end and still runs. */
const char *ctr_state_shown(const struct ctr_status *s);
/* Its processes are there, moving or not. */
bool ctr_is_up(const struct ctr_status *s);
const char *ctr_state_name(enum ctr_state s); /* "created", "running", … as podman prints them */

/* By id alone (64 hex). Fails when the record is damaged; the message names the container. */
int ctr_open(const struct roots *r, const char *id, struct ctr *ret, struct err *e);
/* Its two halves: without its record a container has a status, which costs much less to know. */
int ctr_enter(const struct roots *r, const char *id, struct ctr *ret, struct err *e);
int ctr_read(struct ctr *c, struct err *e);
void ctr_close(struct ctr *c);
/*
 * By name, id, or unique id prefix. Not found: podman's sentence «no container with name or ID
 * "x" found: no such container», code 125.
 */
int ctr_find(const struct roots *r, const char *name_or_id, struct ctr *ret, struct err *e);
/* Created in the runtime, by a monitor that waits to be told to start it (pod init). */
bool ctr_is_held(const struct roots *r, const struct ctr *c);
void ctr_status(const struct roots *r, const struct ctr *c, struct ctr_status *ret);
/* The process that the pid file in the runtime directory `run` names, if it still is that one. */
bool ctr_half_started(int run, pid_t *ret_pid, uint64_t *ret_birth);
/*
 * Ends what a killed monitor or runtime has left of a start, and removes all it had in the runtime
 * directory. The caller holds the lock, and the container does not run.
 */
void ctr_clear_run(const struct roots *r, const char *id);
/* Does so for those who were killed while they did it. */
void ctr_sweep_run(const struct roots *r);

/* Ids of all containers, in no order. Damaged ones are listed too. */
int ctr_list(const struct roots *r, struct strv *ret, struct err *e);
/* Those that `dir`/`name` has an entry for; ret gets them too. 0, -1: errno. */
int ctr_list_below(int dir, const char *name, struct strv *ret);
/*
 * Ids of those that may run, sorted, so that whoever looks for what runs need not look at all:
 * the runtime directory has an entry for each from before its start until after its end, and
 * own/running for those of other runtime directories. A monitor that was killed leaves one behind,
 * another store may have the same runtime directory: what really runs, ctr_status knows.
 */
int ctr_list_started(const struct roots *r, struct strv *ret, struct err *e);
/*
 * Several, one after the other; those that are damaged or have just gone are left out:
 *   cleanup_walk w = {.roots = r};
 *   if (ctr_list(r, &w.ids, e) < 0) …
 *   while (ctr_walk(&w)) … w.c …
 */
struct ctr_walk {
    const struct roots *roots;
    struct strv ids;
    bool backwards;
    size_t gone_by; /* so many of ids */
    struct ctr c;   /* valid until the next call */
};
bool ctr_walk(struct ctr_walk *w);
void ctr_walk_end(struct ctr_walk *w);
#define cleanup_walk cleanup(ctr_walk_end) struct ctr_walk
/* The one created last, by record; -1 with podman's sentence when there is none. */
int ctr_latest(const struct roots *r, struct ctr *ret, struct err *e);

bool ctr_logs_to_file(const struct ctr *c); /* k8s-file, which json-file is another name of */
const char *ctr_name(const struct ctr *c);
/* Absolute path of the container's directory; the caller's string. */
char *ctr_path(const struct roots *r, const char *id);

/* Writes the record into its directory, and what events say of it (things/event.h). */
int ctr_write_record(int dir, const json_t *record, struct err *e);
/* Makes a new container, built at own/staging/<id> and its name claimed, appear in containers/. */
int ctr_publish(const struct roots *r, const char *id, struct err *e);
/*
 * Moves the directory into own/trash, then frees the name. The caller holds the lock. c->record may
 * be NULL (a damaged one). Where ret_trash is not NULL it gets the name in own/trash.
 */
#define TRASH_NAME_SIZE 32
int ctr_discard(const struct roots *r, const struct ctr *c, char ret_trash[TRASH_NAME_SIZE],
                struct err *e);
/* Deletes own/trash/<name> inside the user's namespace; wait: until it is gone. */
int trash_delete(const struct roots *r, const char *name, bool wait, struct err *e);

/* names/<name> → id and whether it is a pod's; -1 when the name is free (dangling links count as
 * free). */
int name_lookup(const struct roots *r, const char *name, char ret_id[65], bool *is_pod);
/* A name in use: podman's sentence, code 125, e->sys EEXIST. */
int name_claim(const struct roots *r, const char *name, const char *id, bool is_pod, struct err *e);
/* Removes the name if it still points to id. */
void name_drop(const struct roots *r, const char *name, const char *id);
/* Every name that points to id. */
void name_drop_all(const struct roots *r, const char *id);
/* Names that point to nothing and to nothing that is being made. */
void names_sweep(const struct roots *r);

#endif
