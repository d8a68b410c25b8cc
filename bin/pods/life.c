/* start, stop, kill, restart, rm, exists: what is done to a pod is done to its containers. */
#include "pods.h"
#include "say.h"

#include "things/session.h"
#include "things/stop.h"
#include "words/exitcode.h"
#include "words/signame.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>

#define AT(f) offsetof(struct pods_life, f)
#define OPT_ALL                                                                                    \
    {                                                                                              \
        "all", 'a', OPT_BOOL, NULL, "All pods", AT(which.all)                                      \
    }
#define OPT_LATEST                                                                                 \
    {                                                                                              \
        "latest", 'l', OPT_BOOL, NULL, "The pod created last", AT(which.latest)                    \
    }
#define OPT_IDFILE                                                                                 \
    {                                                                                              \
        "pod-id-file", 0, OPT_LIST, "FILE", "Read a pod's ID from FILE", AT(which.id_files)        \
    }
#define OPT_TIME                                                                                   \
    {                                                                                              \
        "time", 't', OPT_INT, "SECONDS", "Wait so long before SIGKILL", AT(time)                   \
    }

static const struct opt start_options[] = {OPT_ALL, OPT_LATEST, OPT_IDFILE, {0}};
static const struct opt restart_options[] = {OPT_ALL, OPT_LATEST, {0}};
static const struct opt stop_options[] = {
    OPT_ALL,
    {"ignore", 'i', OPT_BOOL, NULL, "No error for a pod that does not exist", AT(ignore)},
    OPT_LATEST,
    OPT_IDFILE,
    OPT_TIME,
    {0}};
static const struct opt kill_options[] = {
    OPT_ALL,
    OPT_LATEST,
    {"signal", 's', OPT_STR, "SIGNAL", "Signal to send (default KILL)", AT(signal)},
    {0}};
static const struct opt rm_options[] = {
    OPT_ALL,
    {"force", 'f', OPT_BOOL, NULL, "Stop running containers first", AT(force)},
    {"ignore", 'i', OPT_BOOL, NULL, "No error for a pod that does not exist", AT(ignore)},
    OPT_LATEST,
    OPT_IDFILE,
    OPT_TIME,
    {0}};

static const char codes[] = "Exit codes: 0 done, 125 pod failed or a pod does not exist.";

static int do_ask(const struct roots *r, struct ctr *c, const struct pods_life *o, struct err *e)
{
    return stop_begin(r, c, o->time == 0 ? SIGKILL : 0, e);
}

static int do_finish(const struct roots *r, struct ctr *c, const struct pods_life *o, struct err *e)
{
    bool killed;
    return stop_finish(r, c, o->time == 0 ? 10 : o->time, &killed, e);
}

static int do_kill(const struct roots *r, struct ctr *c, const struct pods_life *o, struct err *e)
{
    struct ctr_status s;
    int sig = signal_number(o->signal ? o->signal : "KILL");
    ctr_status(r, c, &s);
    return ctr_is_up(&s) ? ctr_signal(r, c, sig, e) : 0;
}

static int do_remove(const struct roots *r, struct ctr *c, const struct pods_life *o, struct err *e)
{
    return ctr_remove(r, c, true, true, o->time, e);
}

/* ---- whole pods ---- */

static int stop_pod(const struct roots *r, const char *id, const struct pods_life *o, struct err *e)
{
    return pods_each(r, id, true, do_ask, o, e) < 0 || pods_each(r, id, true, do_finish, o, e) < 0
               ? -1
               : 0;
}

static int kill_pod(const struct roots *r, const char *id, const struct pods_life *o, struct err *e)
{
    return pods_each(r, id, true, do_kill, o, e);
}

static int restart_pod(const struct roots *r, const char *id, const struct pods_life *o,
                       struct err *e)
{
    return stop_pod(r, id, o, e) < 0 ? -1 : pods_start(r, id, o, e);
}

/* Without --force a container that runs stands in the way; the infra container does not count. */
static int check_idle(const struct roots *r, const char *id, struct err *e)
{
    cleanup_walk w = {.roots = r};
    if (pod_members(r, id, &w.ids, e) < 0)
        return -1;
    while (ctr_walk(&w)) {
        struct ctr_status s;
        ctr_status(r, &w.c, &s);
        if (!ctr_is_up(&s) || jx_bool(w.c.record, "infra"))
            continue;
        err_set(e, 0,
                "removing container %s from pod %s: cannot remove container %s as it is %s - "
                "running or paused containers cannot be removed without force: container state "
                "improper",
                w.c.id, id, w.c.id, ctr_state_name(s.state));
        return err_hint(e, "Type: pod pod rm -f %.12s", id);
    }
    return 0;
}

int pods_remove(const struct roots *r, const char *id, const struct pods_life *o, struct err *e)
{
    struct pod p = {.record = NULL};
    if ((!o->force && check_idle(r, id, e) < 0) || pods_each(r, id, true, do_remove, o, e) < 0)
        return -1;
    struct err damaged = ERR_INIT;
    bool readable = pod_open(r, id, &p, &damaged) == 0;
    int res = pod_discard(r, id, readable ? jx_str(p.record, "name") : NULL, e);
    pod_close(&p);
    return res;
}

int verb_start(int argc, char **argv)
{
    static const struct cmd c = {
        "pod pod start", "POD...", "Start one or more pods", codes, start_options, 0, -1, 0};
    return pods_drive(&c, argc, argv, pods_start, "start");
}

int verb_stop(int argc, char **argv)
{
    static const struct cmd c = {
        "pod pod stop", "POD...", "Stop one or more pods", codes, stop_options, 0, -1, 0};
    return pods_drive(&c, argc, argv, stop_pod, "stop");
}

int verb_kill(int argc, char **argv)
{
    static const struct cmd c = {"pod pod kill",
                                 "POD...",
                                 "Send a signal to the containers of pods",
                                 codes,
                                 kill_options,
                                 0,
                                 -1,
                                 0};
    return pods_drive(&c, argc, argv, kill_pod, "kill");
}

int verb_restart(int argc, char **argv)
{
    static const struct cmd c = {"pod pod restart",
                                 "POD...",
                                 "Stop and start one or more pods",
                                 codes,
                                 restart_options,
                                 0,
                                 -1,
                                 0};
    return pods_drive(&c, argc, argv, restart_pod, "restart");
}

int verb_rm(int argc, char **argv)
{
    static const struct cmd c = {"pod pod rm",
                                 "POD...",
                                 "Remove one or more pods",
                                 "Exit codes: 0 removed, 1 a pod does not exist, 125 pod failed.",
                                 rm_options,
                                 0,
                                 -1,
                                 0};
    return pods_drive(&c, argc, argv, pods_remove, "remove");
}
