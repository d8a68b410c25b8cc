#include "things/stop.h"

#include "disk/lock.h"
#include "disk/rmtree.h"
#include "plain/fdio.h"
#include "things/session.h"
#include "words/attach.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <time.h>

#define KILL_PATIENCE_MS 10000
#define LOCK_PATIENCE_MS 5000

int stop_begin(const struct roots *r, const struct ctr *c, int sig, struct err *e)
{
    struct err gone = ERR_INIT;
    struct ctr_status s;
    cleanup_fd int sock = attach_connect(r, c->id, &gone);
    if (sock >= 0)
        attach_send(sock, ATTACH_STOP, NULL, 0);
    ctr_status(r, c, &s);
    if (s.state != CTR_RUNNING)
        return 0;
    if (ctr_signal(r, c, sig > 0 ? sig : (int)jx_int(c->record, "stopSignal", SIGTERM), e) < 0 &&
        e->sys != ESRCH)
        return -1;
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

/* The monitor lets go of the lock just before it tells that the container has ended. */
static int take_lock(const struct ctr *c, struct err *e)
{
    for (int ms = 0; ms < LOCK_PATIENCE_MS; ms += 2) {
        int fd = lock_try(c->dir, "lock", LOCK_EXCLUSIVE);
        if (fd >= 0 || errno != EAGAIN)
            return fd < 0 ? err_sys(e, "cannot lock container %s", c->id) : fd;
        nanosleep(&(struct timespec){.tv_nsec = 2000000}, NULL);
    }
    return err_set(e, 0, "container %s is being changed by another command", c->id);
}

static int end_it(const struct roots *r, const struct ctr *c, int64_t seconds, struct err *e)
{
    bool killed;
    if (stop_begin(r, c, seconds == 0 ? SIGKILL : 0, e) < 0)
        return -1;
    return stop_finish(r, c, seconds == 0 ? 10 : seconds, &killed, e);
}

int ctr_remove(const struct roots *r, struct ctr *c, bool force, int64_t seconds, struct err *e)
{
    struct ctr_status s;
    char trash[TRASH_NAME_SIZE];
    ctr_status(r, c, &s);
    if (s.state == CTR_RUNNING || s.state == CTR_PAUSED || s.state == CTR_INITIALIZED) {
        if (!force) {
            err_set(e, 2,
                    "cannot remove container %s as it is %s - running or paused containers cannot "
                    "be removed without force: container state improper",
                    c->id, ctr_state_name(s.state));
            return err_hint(e, "Type: pod rm -f %s", c->record ? ctr_name(c) : c->id);
        }
        if (end_it(r, c, seconds, e) < 0)
            return -1;
    }
    cleanup_fd int lock = take_lock(c, e);
    if (lock < 0 || ctr_discard(r, c, trash, e) < 0)
        return -1;
    rmtree(r->run, c->id);
    return trash_delete(r, trash, false, e);
}
