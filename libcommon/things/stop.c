#include "things/stop.h"

#include "disk/at.h"
#include "disk/journal.h"
#include "disk/lock.h"
#include "plain/fdio.h"
#include "things/session.h"
#include "things/volume.h"
#include "words/attach.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#define KILL_PATIENCE_MS  10000
#define LOCK_PATIENCE_MS  10000
#define START_PATIENCE_MS 10000

static void nap(int *waited_ms)
{
    nanosleep(&(struct timespec){.tv_nsec = 2000000}, NULL);
    *waited_ms += 2;
}

/* A monitor that waits to start it again goes. */
static void no_restart(const struct roots *r, const struct ctr *c)
{
    struct err gone = ERR_INIT;
    cleanup_fd int sock = attach_connect(r, c->id, &gone);
    if (sock >= 0)
        attach_send(sock, ATTACH_STOP, NULL, 0);
}

/* It was to be held by a monitor that was killed: its first process would wait for ever. */
static void end_stranded(const struct roots *r, const struct ctr *c)
{
    cleanup_fd int lock = lock_try(c->dir, "lock", LOCK_EXCLUSIVE);
    if (lock >= 0)
        ctr_clear_run(r, c->id);
}

int stop_begin(const struct roots *r, const struct ctr *c, int sig, struct err *e)
{
    struct ctr_status s;
    no_restart(r, c);
    for (int ms = 0;; nap(&ms)) { /* on its way up: then it is stopped when it is there */
        ctr_status(r, c, &s);
        if (s.state != CTR_INITIALIZED || ms > START_PATIENCE_MS)
            break;
        if (s.half_started)
            end_stranded(r, c);
    }
    if (!ctr_is_up(&s))
        return 0;
    if (ctr_signal(r, c, sig > 0 ? sig : (int)jx_int(c->record, "stopSignal", SIGTERM), e) < 0 &&
        e->sys != ESRCH)
        return -1;
    journal_container(c->dir, "stop", NULL);
    return 0;
}

int stop_finish(const struct roots *r, const struct ctr *c, int64_t seconds, bool *ret_killed,
                struct err *e)
{
    int code;
    int64_t wait = seconds >= 0 ? seconds : jx_int(c->record, "stopTimeout", 10);
    int ms = wait > 2000000 ? -1 : (int)wait * 1000;
    *ret_killed = false;
    int res = ctr_wait(r, c, ms, &code, e);
    if (res != 1)
        return res;
    *ret_killed = true;
    if (ctr_signal(r, c, SIGKILL, e) < 0 && e->sys != ESRCH)
        return -1;
    res = ctr_wait(r, c, KILL_PATIENCE_MS, &code, e);
    if (res == 1)
        return err_set(
            e, 0, "container %s did not end after SIGKILL: a process of it hangs in the kernel",
            c->id);
    return res;
}

static int end_it(const struct roots *r, const struct ctr *c, int64_t seconds, struct err *e)
{
    bool killed;
    if (stop_begin(r, c, seconds == 0 ? SIGKILL : 0, e) < 0)
        return -1;
    return stop_finish(r, c, seconds == 0 ? 10 : seconds, &killed, e);
}

static int refuse(const struct ctr *c, enum ctr_state state, struct err *e)
{
    err_set(e, 2,
            "cannot remove container %s as it is %s - running or paused containers cannot be "
            "removed without force: container state improper",
            c->id, ctr_state_name(state));
    return err_hint(e, "Type: pod rm -f %s", c->record ? ctr_name(c) : c->id);
}

/*
 * The container's lock, once it does not run. Between start and end a monitor or another command
 * has it for a moment; one that waits to start the container again is told not to.
 */
static int lock_ended(const struct roots *r, const struct ctr *c, bool force, int64_t seconds,
                      struct err *e)
{
    bool created_only = ctr_is_held(r, c); /* and on its way back to where it was */
    for (int ms = 0; ms < LOCK_PATIENCE_MS; nap(&ms)) {
        struct ctr_status s;
        ctr_status(r, c, &s);
        bool runs = ctr_is_up(&s);
        if (!force && (runs || (s.state == CTR_INITIALIZED && !created_only)))
            return refuse(c, s.state, e);
        /* one that is paused hears nothing but SIGKILL */
        if (runs && !s.half_started && end_it(r, c, s.state == CTR_PAUSED ? 0 : seconds, e) < 0)
            return -1;
        cleanup_fd int fd = lock_try(c->dir, "lock", LOCK_EXCLUSIVE);
        if (fd < 0 && errno == ENOENT) {
            err_set(e, 1, "no container with ID %s found: no such container", c->id);
            e->sys = ENOENT;
            return -1;
        }
        if (fd < 0 && errno != EAGAIN)
            return err_sys(e, "cannot lock container %s", c->id);
        if (fd < 0) {
            if (!runs && ms == 0)
                no_restart(r, c);
            continue;
        }
        ctr_status(r, c, &s);
        if (!ctr_is_up(&s) || s.half_started)
            return fd_take(&fd);
    }
    err_set(e, 0, "container %s is being changed by another command", c->id);
    return err_hint(e, "Try again in a moment, or see: pod ps -a");
}

/* --cidfile goes with the container it names. */
static void drop_cidfile(const struct ctr *c)
{
    const char *path = jx_str0(c->record, "cidfile");
    cleanup(buf_free) struct buf b = BUF_INIT;
    if (path && at_read(AT_FDCWD, path, 4096, &b) == 0 && str_starts(buf_str(&b), c->id))
        unlink(path);
}

int ctr_remove(const struct roots *r, struct ctr *c, bool force, bool volumes, int64_t seconds,
               struct err *e)
{
    char trash[TRASH_NAME_SIZE];
    cleanup(strv_free) struct strv names = STRV_INIT;
    cleanup_fd int lock = lock_ended(r, c, force, seconds, e);
    if (lock < 0)
        return force && e->sys == ENOENT ? 0 : -1; /* by another, or its monitor, after --rm */
    ctr_clear_run(r, c->id); /* while it is to be seen: nothing may outlive it unseen */
    if (ctr_discard(r, c, trash, e) < 0)
        return -1;
    journal_container(c->dir, "remove", NULL);
    drop_cidfile(c);
    if (volumes || jx_bool(c->record, "rm"))
        volumes_of(c->record, true, &names);
    int res = volumes_reclaim(r, &names, trash, e);
    return trash_delete(r, trash, false, e) < 0 ? -1 : res;
}
