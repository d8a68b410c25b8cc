/*
 * pod-healthcheck: one health check now, for people and for the monitor's timer. The command runs
 * as pod exec would run it; what is left of one that takes too long is killed.
 */
#include "say.h"

#include "disk/at.h"
#include "disk/journal.h"
#include "plain/fdio.h"
#include "things/health.h"
#include "things/select.h"
#include "things/spawn.h"
#include "words/exitcode.h"
#include "words/timefmt.h"
#include "words/units.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define TIMED_OUT      (-1)
#define MAX_OUTPUT     65536
#define MAX_CHILDREN   4096
#define CLOSE_PATIENCE 500 /* ms, for the last words of a command that has ended */

struct options {
    bool latest;
};
static const struct opt options[] = {
    {"latest", 'l', OPT_BOOL, NULL, "The container created last", offsetof(struct options, latest)},
    {0},
};
static const struct cmd run_command = {
    .name = "pod healthcheck run",
    .operands = "CONTAINER",
    .summary = "Check the health of a container now",
    .more = "Exit codes: 0 it is healthy, 1 the check failed, 125 pod failed, there is no such\n"
            "container, it does not run or has no health check.",
    .opts = options,
    .max = 1,
};

static int64_t now_ns(void)
{
    return timefmt_to_ns(timefmt_clock());
}

/* ---- the command ---- */

static void command_line(const struct ctr *c, struct strv *argv)
{
    const json_t *test = json_object_get(health_wanted(c), "test"), *v;
    bool shell = strcmp(json_string_value(json_array_get(test, 0)), "CMD-SHELL") == 0;
    size_t i;
    strv_take(argv, bin_path("pod-exec"));
    strv_add(argv, "--no-journal");
    strv_add(argv, c->id);
    if (shell) {
        strv_add(argv, "sh");
        strv_add(argv, "-c");
    }
    json_array_foreach(test, i, v)
    {
        if (i > 0)
            strv_add(argv, json_string_value(v));
    }
}

/* The runtime passes no SIGKILL on: its children, which are the command, get it first. */
static void end_all(pid_t pid)
{
    char path[64];
    cleanup(buf_free) struct buf b = BUF_INIT;
    snprintf(path, sizeof path, "/proc/%d/task/%d/children", pid, pid);
    if (at_read(AT_FDCWD, path, MAX_CHILDREN, &b) == 0)
        for (char *p = b.s, *end; p && strtol(p, &end, 10) > 1; p = end)
            kill((pid_t)strtol(p, NULL, 10), SIGKILL);
    kill(pid, SIGKILL);
}

static bool ended(pid_t pid)
{
    siginfo_t si = {0};
    return waitid(P_PID, (id_t)pid, &si, WEXITED | WNOHANG | WNOWAIT) == 0 && si.si_pid == pid;
}

/* Until the end of the output, or of the command when something else keeps the output open. */
static bool collect(int fd, pid_t pid, int64_t timeout_ns, struct buf *out)
{
    int64_t until = now_ns() + timeout_ns;
    char b[4096];
    for (int64_t left; (left = until - now_ns()) > 0;) {
        struct pollfd p = {.fd = fd, .events = POLLIN};
        int64_t ms = left / 1000000 + 1;
        int n = poll(&p, 1, ms > CLOSE_PATIENCE ? CLOSE_PATIENCE : (int)ms);
        if (n == 0 && ended(pid))
            return true;
        if (n <= 0)
            continue;
        ssize_t got = read(fd, b, sizeof b);
        if (got <= 0)
            return true;
        if (out->len < MAX_OUTPUT)
            buf_add(out, b, (size_t)got);
    }
    return false;
}

/* A command that has closed its output may run on. */
static bool wait_until(pid_t pid, int64_t until)
{
    while (!ended(pid)) {
        if (now_ns() >= until)
            return false;
        nanosleep(&(struct timespec){.tv_nsec = 10000000}, NULL);
    }
    return true;
}

static int check(const struct ctr *c, struct health_result *res, struct buf *out, struct err *e)
{
    cleanup(strv_free) struct strv argv = STRV_INIT;
    int64_t timeout = jx_int(health_wanted(c), "timeout", 0);
    int p[2];
    pid_t pid;
    command_line(c, &argv);
    if (pipe2(p, O_CLOEXEC) < 0)
        return err_sys(e, "cannot make a pipe");
    struct spawn s = {.argv = argv.v, .in = -1, .out = p[1], .err = p[1], .report = -1};
    res->start_ns = now_ns();
    int r = spawn(&s, &pid, e);
    close(p[1]);
    if (r == 0) {
        bool in_time = collect(p[0], pid, timeout, out) && wait_until(pid, res->start_ns + timeout);
        if (!in_time)
            end_all(pid);
        res->code = spawn_wait(pid);
        if (!in_time) {
            res->code = TIMED_OUT;
            buf_clear(out);
            buf_adds(out, "healthcheck command exceeded timeout of ");
            units_duration_text(out, timeout);
        }
    }
    close(p[0]);
    res->end_ns = now_ns();
    res->output = buf_str(out);
    return r;
}

/* ---- what comes of it ---- */

static void act(const struct ctr *c)
{
    static const struct {
        const char *action, *program;
    } all[] = {{"kill", "pod-kill"}, {"restart", "pod-restart"}, {"stop", "pod-stop"}};
    const char *action = jx_str(health_wanted(c), "onFailure");
    struct err e = ERR_INIT;
    pid_t pid;
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        if (strcmp(all[i].action, action) != 0)
            continue;
        cleanup_free char *program = bin_path(all[i].program);
        char *argv[] = {program, (char *)(uintptr_t)c->id, NULL};
        struct spawn s = {.argv = argv,
                          .in = -1,
                          .out = -1,
                          .err = SPAWN_INHERIT,
                          .report = -1,
                          .new_session = 1};
        if (spawn(&s, &pid, &e) < 0 || spawn_wait(pid) != 0)
            say_warning("cannot %s container %s, which is unhealthy", action, ctr_name(c));
    }
}

/* The container may have gone meanwhile: then nothing was found out. */
static int judge(const struct roots *r, const struct ctr *c, struct health_result *res,
                 int64_t started_ns, int *code, struct err *e)
{
    struct ctr_status s;
    char status[16];
    bool changed;
    ctr_status(r, c, &s);
    if (s.state != CTR_RUNNING || s.started_ns != started_ns)
        return err_set(e, 0, "container %s ended during its health check", c->id);
    int64_t grace = jx_int(health_wanted(c), "startPeriod", 0);
    res->forgiven = res->code != 0 && res->start_ns - started_ns < grace;
    if (health_note(c, res, status, &changed, e) < 0)
        return -1;
    if (changed) {
        cleanup_free char *more = xasprintf("\"HealthStatus\":\"%s\"", status);
        journal_container(c->dir, "health_status", more);
    }
    if (strcmp(status, "unhealthy") == 0 && res->code != 0)
        act(c);
    *code = res->code == 0 ? EXIT_DONE : EXIT_NO;
    if (res->code != 0)
        puts(res->forgiven ? "starting" : "unhealthy");
    return 0;
}

static int work(const struct roots *r, const char *name, int *code, struct err *e)
{
    struct ctr c;
    struct ctr_status s;
    struct health_result res = {0};
    cleanup(buf_free) struct buf out = BUF_INIT;
    if (ctr_find(r, name, &c, e) < 0)
        return -1;
    ctr_status(r, &c, &s);
    if (!health_wanted(&c)) {
        err_set(e, 0, "container %s has no defined healthcheck", c.id);
        return err_hint(e, "One is defined by: pod create --health-cmd COMMAND …");
    }
    if (s.state != CTR_RUNNING)
        return err_set(e, 0, "container %s is not running", c.id);
    return check(&c, &res, &out, e) < 0 ? -1 : judge(r, &c, &res, s.started_ns, code, e);
}

static int do_run(int argc, char **argv)
{
    struct err e = ERR_INIT;
    struct options o = {0};
    struct roots r;
    struct select which = {0};
    cleanup(strv_free) struct strv names = STRV_INIT;
    int code = 0;
    int first = say_parse(&run_command, &o, argc, argv, &code);
    if (first < 0)
        return code;
    which.latest = o.latest;
    if (roots_open(&r, &e) < 0 || select_names(&r, &which, argv + first, &names, &e) < 0 ||
        work(&r, names.v[0], &code, &e) < 0)
        return say_error(&e);
    return say_end(code);
}

int main(int argc, char **argv)
{
    static const struct verb verbs[] = {
        {"run", "Check the health of a container now", do_run},
        {0},
    };
    return say_verbs("pod healthcheck", "Health checks of containers", verbs, argc, argv);
}
