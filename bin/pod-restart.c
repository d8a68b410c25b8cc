/* pod-restart: stops containers that run, and starts them again. */
#include "say.h"

#include "disk/journal.h"
#include "things/ready.h"
#include "things/select.h"
#include "things/start.h"
#include "things/stop.h"

#include <signal.h>
#include <stdio.h>

struct options {
    struct select which;
    bool running;
    int64_t time;
};

#define AT(f) offsetof(struct options, f)
static const struct opt options[] = {
    {"all", 'a', OPT_BOOL, NULL, "All containers", AT(which.all)},
    {"cidfile", 0, OPT_LIST, "FILE", "Read a container's ID from FILE", AT(which.cidfile)},
    {"filter", 'f', OPT_LIST, "KEY=VALUE", "Only those that match, as for pod ps",
     AT(which.filter)},
    {"latest", 'l', OPT_BOOL, NULL, "The container created last", AT(which.latest)},
    {"running", 0, OPT_BOOL, NULL, "Only those that run", AT(running)},
    {"time", 't', OPT_INT, "SECONDS", "Wait so long before SIGKILL", AT(time)},
    {"timeout", 0, OPT_INT, "SECONDS", NULL, AT(time)},
    {0},
};

static const struct cmd command = {
    .name = "pod restart",
    .operands = "CONTAINER...",
    .summary = "Restart one or more containers",
    .more = "Exit codes: 0 started again, 125 pod failed, 126 the command cannot be run,\n"
            "127 it was not found.",
    .opts = options,
    .max = -1,
};

/* 1 when it was left alone. */
static int one(const struct roots *r, const char *name, const struct options *o, struct err *e)
{
    struct ctr c;
    struct ctr_status s;
    struct start_how how = {.client_fd = -1};
    bool killed;
    pid_t pid;
    if (ctr_find(r, name, &c, e) < 0)
        return -1;
    ctr_status(r, &c, &s);
    if (s.state == CTR_PAUSED) {
        err_set(e, 0,
                "unable to restart a container in a paused or unknown state: container state "
                "improper");
        err_hint(e, "Type: pod unpause %s", ctr_name(&c));
        ctr_close(&c);
        return -1;
    }
    int res = o->running && s.state != CTR_RUNNING;
    if (res == 0 && s.state == CTR_RUNNING) {
        res = stop_begin(r, &c, o->time == 0 ? SIGKILL : 0, e);
        if (res == 0)
            res = stop_finish(r, &c, o->time == 0 ? 10 : o->time, &killed, e);
    }
    if (res == 0)
        res = ctr_start(r, &c, &how, &pid, e) < 0 ? -1 : 0;
    say_single_id(r->run_path, start_other_user(r, &c));
    if (res == 0)
        journal_container(c.dir, "restart", NULL);
    if (res == 0)
        res = ready_wait(r, &c, e);
    ctr_close(&c);
    return res;
}

int main(int argc, char **argv)
{
    struct err e = ERR_INIT;
    struct options o = {.time = -1};
    struct roots r;
    cleanup(strv_free) struct strv names = STRV_INIT;
    int code = 0;
    int first = say_parse(&command, &o, argc, argv, &code);
    if (first < 0)
        return code;
    if (o.running && first == argc)
        o.which.all = true;
    if (roots_open(&r, &e) < 0 || select_names(&r, &o.which, argv + first, &names, &e) < 0)
        return say_error(&e);
    for (size_t i = 0; i < names.n; i++) {
        int res = one(&r, names.v[i], &o, &e);
        if (res < 0)
            code = say_error(&e);
        else if (res == 0)
            puts(names.v[i]);
    }
    return say_end(code);
}
