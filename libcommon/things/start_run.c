/* Starting: the container's lock, its monitor, and what that answers. */
#include "things/start.h"

#include "disk/at.h"
#include "disk/lock.h"
#include "disk/report.h"
#include "plain/fdio.h"
#include "things/pod.h"
#include "things/ready.h"
#include "things/session.h"
#include "things/spawn.h"
#include "things/start_chain.h"
#include "words/attach.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define LOCK_PATIENCE_MS 5000

/* ---- one at a time ---- */

int start_lock(const struct roots *r, const struct ctr *c, int *ret_lock, pid_t *ret_pid,
               struct err *e)
{
    struct ctr_status s;
    for (int ms = 0; ms < LOCK_PATIENCE_MS; ms += 2) {
        cleanup_fd int lock = lock_try(c->dir, "lock", LOCK_EXCLUSIVE);
        if (lock < 0 && errno == ENOENT)
            return err_set(e, 0, "no container with ID %s found: no such container", c->id);
        if (lock < 0 && errno != EAGAIN)
            return err_sys(e, "cannot lock container %s", c->id);
        ctr_status(r, c, &s);
        if (ctr_is_up(&s) && !s.half_started) {
            *ret_pid = s.pid; /* where the lock is ours, its monitor was killed: it goes on */
            return START_RUNNING;
        }
        if (lock >= 0) {
            *ret_lock = fd_move_up(fd_take(&lock), 10);
            return *ret_lock < 0 ? err_sys(e, "cannot lock container %s", c->id) : 0;
        }
        if (s.state == CTR_INITIALIZED && ctr_is_held(r, c))
            return START_HELD;
        nanosleep(&(struct timespec){.tv_nsec = 2000000}, NULL);
    }
    err_set(e, 0, "container %s is being changed by another command", c->id);
    return err_hint(e, "Try again in a moment, or see: pod ps -a");
}

/* ---- its monitor ---- */

struct launch {
    const struct ctr *c;
    int lock, client;
    int gate, waits; /* a byte into gate lets the monitor, who has waits, go on; -1: not yet */
    struct start_job *job;
};

static int run_monitor(struct chain *ch, void *arg, struct err *e)
{
    struct launch *l = arg;
    cleanup(strv_free) struct strv argv = STRV_INIT;
    int report[2], gate[2], keep[4];
    size_t nkeep = 0;
    if (pipe2(gate, O_CLOEXEC) < 0)
        return err_sys(e, "cannot make a pipe");
    l->gate = gate[1];
    int waits = l->waits = fd_move_up(gate[0], 10);
    if (waits < 0 || pipe2(report, O_CLOEXEC) < 0)
        return err_sys(e, "cannot make a pipe");
    keep[nkeep++] = l->lock;
    keep[nkeep++] = waits;
    if (l->client >= 0)
        keep[nkeep++] = l->client;
    if (ch->lent_fd)
        keep[nkeep++] = ch->lent_fd;
    bool passthrough =
        strcmp(jx_str(json_object_get(l->c->record, "log"), "driver"), "passthrough") == 0;
    int std = passthrough ? SPAWN_INHERIT : -1;
    chain_monitor(ch, l->c, l->lock, waits, l->client, &argv);
    struct spawn s = {.argv = argv.v,
                      .in = std,
                      .out = std,
                      .err = std,
                      .report = report[1],
                      .keep = keep,
                      .nkeep = nkeep,
                      .preserve = ch->preserve};
    ready_prepare(l->c);
    int res = spawn(&s, &l->job->monitor, e);
    close(report[1]);
    l->job->report = report[0];
    if (res < 0)
        close(report[0]);
    return res;
}

/* Nothing has begun yet: the monitor sees the end of the gate, and leaves. */
static void call_off(const struct start_job *job)
{
    if (!job->monitor)
        return;
    spawn_wait(job->monitor);
    close(job->report);
}

/* The monitor, and what it needs to begin, side by side. */
static int launch(const struct roots *r, const struct ctr *c, struct chain *ch, int lock,
                  int client, struct start_job *job, struct err *e)
{
    struct launch l = {.c = c, .lock = lock, .client = client, .gate = -1, .waits = -1, .job = job};
    *job = (struct start_job){0};
    int res = chain_configure(r, c, ch, run_monitor, &l, e);
    if (res == 0)
        (void)fd_write_all(l.gate, "\n", 1); /* a monitor that has gone says so in its report */
    if (l.gate >= 0)
        close(l.gate);
    if (l.waits >= 0)
        close(l.waits); /* only now: no signal, should it have gone */
    if (res < 0)
        call_off(job);
    return res;
}

static int write_pid(const char *path, pid_t pid, struct err *e)
{
    char text[16];
    int n = snprintf(text, sizeof text, "%d", pid);
    if (path && at_write(AT_FDCWD, path, text, (size_t)n, 0644, AT_PLAIN) < 0)
        return err_sys(e, "cannot write process id to \"%s\"", path);
    return 0;
}

int start_held(int sock, struct err *e)
{
    static char answer[sizeof e->msg + 16];
    if (attach_send(sock, ATTACH_START, NULL, 0) < 0)
        return err_sys(e, "cannot talk to the container's monitor");
    ssize_t n;
    do
        n = recv(sock, answer, sizeof answer - 1, 0);
    while (n < 0 && (errno == EINTR || errno == ECONNRESET)); /* what it said before follows */
    if (n < 2 || answer[0] != ATTACH_SENT) {
        err_set(e, 0, "the container's monitor has gone");
        e->sys = ECONNRESET;
        return -1;
    }
    answer[n] = '\0';
    char *text = strchr(answer, '\t');
    return text ? err_set(e, atoi(answer + 1), "%s", text + 1) : 0;
}

/* It was created by `pod init`: its monitor waits for the word. */
static int start_now(const struct roots *r, const struct ctr *c, struct err *e)
{
    cleanup_fd int sock = attach_connect(r, c->id, e);
    return sock < 0 || start_held(sock, e) < 0 ? -1 : START_RUNNING;
}

/* A monitor that was killed a moment ago may seem to be there still: until its lock is free. */
static int lock_or_tell(const struct roots *r, const struct ctr *c, const struct start_how *how,
                        int *ret_lock, pid_t *ret_pid, struct err *e)
{
    for (int ms = 0;; ms += 2) {
        int res = start_lock(r, c, ret_lock, ret_pid, e);
        if (res != START_HELD || how->client_fd >= 0 || how->hold)
            return res;
        res = start_now(r, c, e);
        if (res >= 0 || !e->sys || ms >= LOCK_PATIENCE_MS)
            return res;
        *e = (struct err)ERR_INIT;
        nanosleep(&(struct timespec){.tv_nsec = 2000000}, NULL);
    }
}

int start_begin(const struct roots *r, const struct ctr *c, const struct start_how *how,
                struct start_job *ret, pid_t *ret_pid, struct err *e)
{
    struct chain ch = {.roots = r};
    cleanup_fd int client = how->client_fd < 0 ? -1 : fd_move_up(how->client_fd, 10);
    cleanup_fd int lock = -1;
    int res = lock_or_tell(r, c, how, &lock, ret_pid, e);
    if (res != 0)
        return res;
    ch.hold = how->hold;
    ch.preserve = how->preserve;
    ch.ctr_dir = ctr_path(r, c->id);
    ch.run_dir = xasprintf("%s/%s", r->run_path, c->id);
    res = runtime_find(c, &ch.runtime, &ch.ours, e);
    if (res == 0)
        res = spawn_set_aside(how->preserve, e);
    if (res == 0)
        res = start_before(r, c, e);
    pid_t lender = res == 0 && !how->beside ? chain_lend(c, &ch) : 0;
    if (res == 0)
        res = launch(r, c, &ch, lock, client, ret, e);
    if (ch.lent_fd)
        close(ch.lent_fd);
    if (res < 0) {
        chain_lend_end(lender);
        ctr_clear_run(r, c->id); /* the lock is ours still */
    } else {
        ret->lock = fd_take(&lock);
        ret->lender = lender;
    }
    chain_free(&ch);
    return res;
}

int start_end(const struct roots *r, const struct ctr *c, struct start_job *job, pid_t *ret_pid,
              struct err *e)
{
    char value[32];
    int res = report_read(job->report, "pod-monitor", value, sizeof value, e);
    close(job->report);
    chain_lend_end(job->lender);
    if (res < 0) {
        spawn_wait(job->monitor);
        ctr_clear_run(r, c->id); /* the lock is ours still */
    }
    close(job->lock);
    if (res < 0)
        return -1;
    *ret_pid = (pid_t)atoi(value);
    ready_say(r, c);
    return write_pid(jx_str0(c->record, "pidfile"), *ret_pid, e) < 0
               ? -1
               : write_pid(jx_str0(c->record, "conmonPidfile"), job->monitor, e);
}

int ctr_start(const struct roots *r, const struct ctr *c, const struct start_how *how,
              pid_t *ret_pid, struct err *e)
{
    struct start_job job;
    int res = start_begin(r, c, how, &job, ret_pid, e);
    return res == START_OK ? start_end(r, c, &job, ret_pid, e) : res;
}

bool start_joins(const struct ctr *c)
{
    const json_t *mode;
    const char *kind;
    json_object_foreach(json_object_get(c->record, "namespaces"), kind, mode)
    {
        if (str_starts(json_string_value(mode), "container:"))
            return true;
    }
    return false;
}

/* A pod without an infra container shares nothing. */
static bool joins_pod(const struct roots *r, const struct ctr *c)
{
    struct err ignored = ERR_INIT;
    struct pod p;
    if (!*jx_str(c->record, "pod") || pod_open(r, jx_str(c->record, "pod"), &p, &ignored) < 0)
        return false;
    bool shares = *jx_str(p.record, "infra");
    pod_close(&p);
    return shares;
}

const char *start_other_user(const struct roots *r, const struct ctr *c)
{
    static char text[160];
    long long uid = jx_int(c->record, "uid", 0), gid = jx_int(c->record, "gid", 0);
    if ((!uid && !gid) || !(start_joins(c) || joins_pod(r, c)) || !start_is_single(r))
        return NULL;
    snprintf(text, sizeof text,
             "user %lld:%lld runs as the only user ID of the containers whose namespaces it "
             "shares (single-id mode)",
             uid, gid);
    return text;
}

bool start_needs_others(const struct ctr *c)
{
    return start_joins(c) || *jx_str(c->record, "pod") || json_object_get(c->record, "requires");
}
