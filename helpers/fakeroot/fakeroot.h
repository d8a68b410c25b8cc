/*
 * pod-fakeroot's rooms: pod-fakeroot.c listens and waits; answer.c decides each system call;
 * caller.c is what the calling process says of itself in /proc and memory; who.c remembers whom
 * it has become; target.c finds the file it means, as it would find it, and does to it what can
 * be done; links.c remembers owners that the file itself cannot carry, and
 * copyup.c when it is time for that.
 */
#ifndef POD_FAKEROOT_H
#define POD_FAKEROOT_H

#include "disk/owner.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* The kernel does it as if nobody had asked us. */
#define GO_ON 1

/* A process that waits in a system call. */
struct caller {
    pid_t process, parent; /* what waits is a thread of process */
    int dir;               /* /proc/PID: of this thread for good, whoever has its number later */
    int mem;               /* and its memory; -1: closed to us */
    uint64_t caps;         /* effective */
    mode_t umask;
};

/* ---- pod-fakeroot.c ---- */
/* The host's /proc and our own root directory: kept, since target.c changes ours. */
extern int proc_dir, root_dir;

/* ---- answer.c ---- */
/* Takes one notification from the listener and answers it. -1: the listener is of no more use. */
int answer_next(int listener);

/* ---- caller.c ---- */
bool caller_open(pid_t pid, struct caller *ret);
void caller_close(struct caller *c);
bool caller_can(const struct caller *c, int cap);
/* The one id that the process has a name for, or -1 when that is not so. kind: 'u' or 'g'. */
int64_t caller_id(const struct caller *c, char kind);
/* The container's own user, root where that is unknown. */
struct owner caller_user(const struct caller *c);
/* A string in its memory of fewer than size bytes; 0 or a negative errno. */
int caller_string(const struct caller *c, uint64_t at, char *out, size_t size);
int caller_put(const struct caller *c, uint64_t at, uint32_t value);

/* ---- who.c ---- */
#define SAME UINT32_MAX /* the id that changes nothing: -1 of chown(2) and setresuid(2) */
struct ids {
    uint32_t real, effective, saved;
};
/* Has anybody become somebody else? */
bool who_anyone(void);
/* The ids that the process believes to have; false: its own. kind: 'u' or 'g'. */
bool who_is(const struct caller *c, char kind, struct ids *ret);
/* It believes from now on to be that; ids: only these change. Its own ones are all `own`. */
void who_becomes(const struct caller *c, char kind, const struct ids *ids, uint32_t own);

/* ---- copyup.c ---- */
struct copyup;
/* The system call of that name, if it is such a one, and what is to be done before it. */
const struct copyup *copyup_of(const char *name);
void copyup_prepare(const struct caller *c, const struct copyup *call, const uint64_t *a);

/* ---- links.c ---- */
/* One more layer of the container's, its own first; none when that cannot be committed. */
void links_layer(const char *top);
/*
 * chown of a link or a FIFO: SAME stays as it was. fd: O_PATH; user: the container's, whose files
 * are that nothing is remembered of. 0 or a negative errno.
 */
int links_own(int fd, const struct owner *user, uint32_t uid, uint32_t gid);
/* Its owner stays what it is, whatever is done to it next. */
void links_keep(int fd, const struct owner *user);

/* ---- target.c: each returns 0 or a negative errno, as the caller is to see it, or GO_ON ---- */
/*
 * What the call names: a path below dirfd (of the caller's, or AT_FDCWD), with fchownat's flags;
 * the path is NULL for dirfd itself.
 */
struct name {
    int dirfd;
    const char *path;
    int flags;
};
int target_chown(const struct caller *c, const struct name *n, uint32_t uid, uint32_t gid);
/* Before what only the kernel can do to the file. */
void target_keep(const struct caller *c, const struct name *n);
/* An empty file where the device would be. */
int target_mknod(const struct caller *c, const struct name *n, mode_t mode);

#endif
