/*
 * pod-stop and pod-kill: end containers. stop asks, waits and then insists; kill sends one signal.
 */
#include "say.h"

#include "disk/journal.h"
#include "things/select.h"
#include "things/session.h"
#include "things/stop.h"
#include "words/exitcode.h"
#include "words/signame.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

struct options {
    struct select which;
    int64_t time;
    const char *signal;
};

#define AT(f) offsetof(struct options, f)
static const struct opt stop_options[] = {
    {"all", 'a', OPT_BOOL, NULL, "All running containers", AT(which.all)},
    {"cidfile", 0, OPT_LIST, "FILE", "Read a container's ID from FILE", AT(which.cidfile)},
    {"filter", 'f', OPT_LIST, "KEY=VALUE", "Only those that match, as for pod ps",
     AT(which.filter)},
    {"ignore", 'i', OPT_BOOL, NULL, "No error for a container that does not exist",
     AT(which.ignore)},
    {"latest", 'l', OPT_BOOL, NULL, "The container created last", AT(which.latest)},
    {"time", 't', OPT_INT, "SECONDS", "Wait so long before SIGKILL", AT(time)},
    {"timeout", 0, OPT_INT, "SECONDS", NULL, AT(time)},
    {0},
};
static const struct opt kill_options[] = {
    {"all", 'a', OPT_BOOL, NULL, "All running containers", AT(which.all)},
    {"cidfile", 0, OPT_LIST, "FILE", "Read a container's ID from FILE", AT(which.cidfile)},
    {"latest", 'l', OPT_BOOL, NULL, "The container created last", AT(which.latest)},
    {"signal", 's', OPT_STR, "SIGNAL", "Signal to send (default KILL)", AT(signal)},
    {0},
};

static const struct cmd stop_command = {
    .name = "pod stop",
    .operands = "CONTAINER...",
    .summary = "Stop one or more containers",
    .more = "Exit codes: 0 stopped, 125 pod failed or a container does not exist.",
    .opts = stop_options,
    .max = -1,
};
static const struct cmd kill_command = {
    .name = "pod kill",
    .operands = "CONTAINER...",
    .summary = "Send a signal to one or more containers",
    .more = "Exit codes: 0 sent, 125 pod failed or a container does not run.",
    .opts = kill_options,
    .max = -1,
};

struct target {
    struct ctr c;
    const char *name;
    bool found;
};

static bool runs(const struct roots *r, const struct ctr *c)
{
    struct ctr_status s;
    ctr_status(r, c, &s);
    return s.state == CTR_RUNNING || s.state == CTR_INITIALIZED;
}

static int kill_one(const struct roots *r, const struct ctr *c, int sig, bool all, struct err *e)
{
    struct ctr_status s;
    ctr_status(r, c, &s);
    if (ctr_is_up(&s)) {
        if (ctr_signal(r, c, sig, e) == 0) {
            journal_container(c->dir, "kill", NULL);
            return 0;
        }
        if (e->sys != ESRCH)
            return -1;
        ctr_status(r, c, &s); /* it has just ended */
    }
    if (all)
        return 1;
    return err_set(e, 0,
                   "can only kill running containers. %s is in state %s: container state improper",
                   c->id, ctr_state_name(s.state));
}

static int kill_all(const struct roots *r, struct target *t, size_t n, const struct options *o,
                    int sig)
{
    struct err e = ERR_INIT;
    int code = 0;
    for (size_t i = 0; i < n; i++) {
        int res = t[i].found ? kill_one(r, &t[i].c, sig, o->which.all, &e) : 1;
        if (res < 0)
            code = say_error(&e);
        else if (res == 0)
            puts(t[i].name);
    }
    return code;
}

static int check_state(const struct roots *r, const struct ctr *c, struct err *e)
{
    struct ctr_status s;
    ctr_status(r, c, &s);
    if (s.state != CTR_PAUSED)
        return 0;
    err_set(e, 0,
            "can only stop created or running containers. %s is in state %s: container state "
            "improper",
            c->id, ctr_state_name(s.state));
    return err_hint(e, "Type: pod unpause %s", ctr_name(c));
}

/* Everybody gets the signal first, then each is waited for: ten containers take as long as one. */
static int stop_all(const struct roots *r, struct target *t, size_t n, const struct options *o)
{
    struct err e = ERR_INIT;
    int code = 0;
    for (size_t i = 0; i < n; i++) {
        if (t[i].found && o->which.all && !runs(r, &t[i].c))
            t[i].found = false;
        if (t[i].found && check_state(r, &t[i].c, &e) < 0) {
            code = say_error(&e);
            t[i].found = false;
        }
        if (t[i].found && stop_begin(r, &t[i].c, o->time == 0 ? SIGKILL : 0, &e) < 0)
            code = say_error(&e);
    }
    for (size_t i = 0; i < n; i++) {
        bool killed = false;
        if (!t[i].found)
            continue;
        if (stop_finish(r, &t[i].c, o->time == 0 ? 10 : o->time, &killed, &e) < 0) {
            code = say_error(&e);
            continue;
        }
        if (killed)
            say_warning(
                "StopSignal %s failed to stop container %s in %lld seconds, resorting to "
                "SIGKILL",
                signal_name((int)jx_int(t[i].c.record, "stopSignal", SIGTERM)), ctr_name(&t[i].c),
                (long long)(o->time >= 0 ? o->time : jx_int(t[i].c.record, "stopTimeout", 10)));
        puts(t[i].name);
    }
    return code;
}

int main(int argc, char **argv)
{
    struct err e = ERR_INIT;
    struct options o = {.time = -1};
    struct roots r;
    cleanup(strv_free) struct strv names = STRV_INIT;
    const char *self = strrchr(argv[0], '/') ? strrchr(argv[0], '/') + 1 : argv[0];
    bool killing = strcmp(self, "pod-kill") == 0;
    int code = 0, missing = 0, sig = 0;
    int first = say_parse(killing ? &kill_command : &stop_command, &o, argc, argv, &code);
    if (first < 0)
        return code;
    if (signal_parse(o.signal ? o.signal : "KILL", &sig, &e) < 0 || roots_open(&r, &e) < 0 ||
        select_names(&r, &o.which, argv + first, &names, &e) < 0)
        return say_error(&e);
    cleanup_free struct target *t = xcalloc(names.n, sizeof *t);
    for (size_t i = 0; i < names.n; i++) {
        t[i].name = names.v[i];
        t[i].found = ctr_find(&r, names.v[i], &t[i].c, &e) == 0;
        if (!t[i].found && !o.which.ignore)
            missing = say_error(&e);
    }
    code = killing ? kill_all(&r, t, names.n, &o, sig) : stop_all(&r, t, names.n, &o);
    return say_end(code ? code : missing);
}
