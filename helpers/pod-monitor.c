/*
 * pod-monitor: watches one container from before its first instruction to after its last.
 *
 * Started by pod-run and pod-start with the container's lock as an inherited descriptor; tells
 * them on descriptor 3 that the container runs ("ok<TAB>PID") or why not. It leaves the session,
 * so that the caller may go; from then on the records and the attach socket are all there is.
 * When it is killed the container runs on: state is derived from the process itself.
 */
#include "monitor/mon.h"

#include "disk/at.h"
#include "disk/lock.h"
#include "disk/report.h"
#include "disk/rmtree.h"
#include "plain/fdio.h"
#include "plain/str.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define BACKOFF_START_MS 100
#define BACKOFF_MAX_MS   60000

static void leave_session(const struct options *o)
{
    prctl(PR_SET_CHILD_SUBREAPER, 1);
    prctl(PR_SET_NAME, "pod-monitor");
    setsid();
    if (chdir("/") < 0)
        return;
    if (!o->passthrough) {
        int null = open("/dev/null", O_RDWR | O_CLOEXEC);
        for (int fd = 0; fd < 3; fd++)
            dup2(null, fd);
        close(null);
    }
    fd_close_from(3, NULL, 0);
}

/* A descriptor for each client that attaches; the container's own limit stands in its config. */
static void more_files(void)
{
    struct rlimit r;
    if (getrlimit(RLIMIT_NOFILE, &r) == 0) {
        r.rlim_cur = r.rlim_max;
        setrlimit(RLIMIT_NOFILE, &r);
    }
}

/* `pod update --restart` leaves a file: what we were told at our start is outdated then. */
static void read_policy(const struct mon *m, char how[32], long long *ret_max)
{
    cleanup(buf_free) struct buf b = BUF_INIT;
    cleanup_free char *path = xasprintf("%s/restart", m->o->ctr_dir);
    if (at_read(AT_FDCWD, path, 64, &b) == 0 && sscanf(buf_str(&b), "%31s %lld", how, ret_max) == 2)
        return;
    snprintf(how, 32, "%s", m->o->restart ? m->o->restart : "no");
    *ret_max = m->o->restart_max;
}

static bool restart_wanted(const struct mon *m)
{
    char how[32];
    long long max;
    read_policy(m, how, &max);
    if (m->stop_wanted || strcmp(how, "no") == 0)
        return false;
    if (max > 0 && m->restarts >= max)
        return false;
    return strcmp(how, "on-failure") != 0 || m->exit_code != 0;
}

static void back_off(struct mon *m)
{
    int64_t ms = BACKOFF_START_MS;
    for (int i = 0; i < m->restarts && ms < BACKOFF_MAX_MS; i++)
        ms *= 2;
    if (ms > BACKOFF_MAX_MS)
        ms = BACKOFF_MAX_MS;
    loop_rest(m, ms);
}

/* What the runtime remembers of it: by the runtime itself, or in one go when that is all. */
static void erase(struct mon *m)
{
    if (m->o->state_dir)
        rmtree(AT_FDCWD, m->o->state_dir);
    else
        launch_run_quietly(&m->o->erase);
}

/* The container is gone: everything of it is closed before anybody is told. */
static void finish(struct mon *m, const char *error)
{
    alarm(0);
    health_end(m);
    record_exit(m, error);
    erase(m);
    if (m->net_exit >= 0)
        close(m->net_exit); /* the network program ends on this */
    m->net_exit = -1;
}

/*
 * Our descriptor keeps the container's mounts alive until we part: its exit then reaches us, and
 * the caller, before the kernel has torn them down, which can take longer than the whole run.
 */
static void hold_mounts(struct mon *m)
{
    cleanup_free char *path = xasprintf("/proc/%d/ns/mnt", m->pid);
    m->mounts = open(path, O_RDONLY | O_CLOEXEC);
}

/* Before the layer may be mounted again: two mounts must not share it. */
static void release_mounts(struct mon *m)
{
    if (m->mounts >= 0)
        close(m->mounts);
    m->mounts = -1;
}

/* Of the first start only: nobody waits for another. */
static void announce(struct mon *m)
{
    char pid[16];
    if (m->announced)
        return;
    m->announced = true;
    snprintf(pid, sizeof pid, "%d", m->pid);
    report_ok(pid);
    close(REPORT_FD);
}

/* `pod init` has what it wanted; `pod start` comes when it comes, or `pod stop`. */
static int hold(struct mon *m, struct err *e)
{
    if (record_held(m, true, e) < 0)
        return -1;
    announce(m);
    m->held = true;
    loop_hold(m);
    m->held = false;
    record_held(m, false, e);
    return m->start_wanted ? 0 : err_set(e, 0, "container %s was not started", m->o->id);
}

static int once(struct mon *m, bool held, struct err *e)
{
    m->exited = false;
    m->exit_code = 0;
    m->pid = 0;
    int r = launch_create(m, e);
    if (r == 0 && held)
        r = hold(m, e);
    if (r == 0)
        r = launch_start(m, e);
    if (r == 0)
        r = record_started(m, e);
    if (r == 0)
        health_begin(m); /* what the last run said of its health is no more, whoever looks now */
    clients_answer_start(m, r < 0 ? e : NULL);
    if (r < 0) {
        launch_undo(m);
        erase(m);
        return -1;
    }
    announce(m);
    hold_mounts(m);
    m->timed_out = false;
    alarm((unsigned)m->o->timeout);
    return 0;
}

/* Readers may go on from here: the lock is free, then the clients are told, then we go. */
static void part(struct mon *m)
{
    record_erase_runtime(m);
    if (m->o->remove) {
        record_discard(m);
        launch_run_quietly(&m->o->reclaim);
    } else {
        release_mounts(m);
        record_event(m, "cleanup");
    }
    lock_release(m->o->lock_fd);
    clients_goodbye(m);
    if (m->o->remove)
        launch_run_quietly(&m->o->trash_cmd);
    launch_run_quietly(&m->o->exit_cmd);
    launch_run_quietly(&m->o->after);
}

/*
 * The container's configuration is written while we come to be; a byte on the gate says that it is
 * there. The gate's end of file means that this has failed, or that whoever did it was killed.
 */
static int wait_for_config(const struct mon *m, struct err *e)
{
    char word;
    cleanup_fd int gate = m->o->gate_fd;
    if (gate >= 0 && fd_read_full(gate, &word, 1) != 1)
        return err_set(e, 0, "the command that starts container %s has gone", m->o->id);
    return 0;
}

static int watch(struct mon *m, struct err *e)
{
    if (clients_listen(m, e) < 0 ||
        log_open(&m->log, m->o->log_path, m->o->log_max, m->o->log_files, e) < 0 ||
        (m->o->journald && journald_open(&m->log, m->o, e) < 0) || wait_for_config(m, e) < 0 ||
        once(m, m->o->hold, e) < 0)
        return -1;
    for (;;) {
        loop_run(m);
        finish(m, NULL);
        if (!restart_wanted(m))
            return 0;
        release_mounts(m);
        back_off(m);
        if (m->stop_wanted)
            return 0;
        m->restarts++;
        record_event(m, "restart");
        if (once(m, false, e) < 0) {
            m->exit_code = e->code;
            record_exit(m, e->msg);
            return 0;
        }
    }
}

int main(int argc, char **argv)
{
    (void)argc;
    struct err e = ERR_INIT;
    struct options o = {0};
    if (options_parse(argv, &o) < 0) {
        err_set(&e, 0, "pod-monitor: is started by pod run and pod start, not by hand");
        report_err(&e);
        fprintf(stderr, "Error: %s\n", e.msg);
        return 125;
    }
    leave_session(&o);
    more_files();
    struct mon m = {.o = &o,
                    .in = -1,
                    .out = -1,
                    .err = -1,
                    .console_listen = -1,
                    .net_exit = -1,
                    .mounts = -1,
                    .listen = -1,
                    .health_timer = -1,
                    .log = {.fd = -1, .journal = -1},
                    .signals = loop_signals()};
    if (o.client_fd >= 0)
        clients_add(&m, o.client_fd, true);
    int r = watch(&m, &e);
    log_end(&m.log);
    if (r < 0) {
        record_erase_runtime(&m);
        lock_release(o.lock_fd);
        report_err(&e);
        return e.code;
    }
    part(&m);
    return 0;
}
