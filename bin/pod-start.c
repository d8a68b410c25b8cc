/* pod-start: starts containers that exist; with --attach stays with one of them. */
#include "say.h"

#include "disk/journal.h"
#include "things/ready.h"
#include "things/select.h"
#include "things/session.h"
#include "things/start.h"
#include "words/exitcode.h"

#include "plain/fdio.h"
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define MOST 16 /* starts at once */

struct options {
    struct select which;
    bool attach, interactive;
    int sig_proxy;
    const char *detach_keys;
};

#define AT(f) offsetof(struct options, f)
static const struct opt options[] = {
    {"all", 0, OPT_BOOL, NULL, "Start all containers that do not run", AT(which.all)},
    {"attach", 'a', OPT_BOOL, NULL, "Stay attached to its output and pass signals on", AT(attach)},
    {"detach-keys", 0, OPT_STR, "KEYS", "Keys that detach (default ctrl-p,ctrl-q)",
     AT(detach_keys)},
    {"filter", 'f', OPT_LIST, "KEY=VALUE", "Only those that match, as for pod ps",
     AT(which.filter)},
    {"interactive", 'i', OPT_BOOL, NULL, "Pass standard input on as well", AT(interactive)},
    {"latest", 'l', OPT_BOOL, NULL, "The container created last", AT(which.latest)},
    {"sig-proxy", 0, OPT_TRI, NULL, "Pass signals on to the container", AT(sig_proxy)},
    {0},
};

static const struct cmd command = {
    .name = "pod start",
    .operands = "CONTAINER...",
    .summary = "Start one or more containers",
    .more = "Exit codes: 0 started (with --attach the container's own), 125 one could\n"
            "not be started.",
    .opts = options,
    .max = -1,
};

static const struct opt init_options[] = {
    {"all", 'a', OPT_BOOL, NULL, "All containers that are only configured", AT(which.all)},
    {"latest", 'l', OPT_BOOL, NULL, "The container created last", AT(which.latest)},
    {0},
};

static const struct cmd init_command = {
    .name = "pod init",
    .operands = "CONTAINER...",
    .summary = "Create one or more containers in the runtime, without starting them",
    .more = "Exit codes: 0 done, 125 one could not be created.",
    .opts = init_options,
    .max = -1,
};

static int stay(const struct roots *r, const struct ctr *c, const struct options *o, int *code,
                struct err *e)
{
    int pair[2];
    pid_t pid;
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
        return err_sys(e, "cannot make a socket pair");
    cleanup_fd int sock = pair[0];
    struct start_how how = {.client_fd = pair[1]};
    int signals = session_signals(o->sig_proxy != 0);
    int res = ctr_start(r, c, &how, &pid, e);
    if (res < 0)
        return -1;
    if (res != START_OK) {
        close(sock);
        sock = attach_connect(r, c->id, e);
        if (sock < 0 || attach_sendf(sock, 'a', "oe") < 0)
            return -1;
    }
    if (res == START_HELD && start_held(sock, e) < 0)
        return -1;
    say_single_id(r->run_path, start_other_user(r, c));
    journal_container(c->dir, "attach", NULL);
    ready_wait_beside(r, c, sock);
    struct session s = {.roots = r,
                        .id = c->id,
                        .sock = sock,
                        .signals = signals,
                        .tty = jx_bool(c->record, "tty"),
                        .input = o->interactive && jx_bool(c->record, "stdin"),
                        .proxy = o->sig_proxy != 0,
                        .detach_keys = o->detach_keys};
    res = session_run(&s, code, e);
    return res == SESSION_LOST ? session_lost(r, c, code, e) : res < 0 ? -1 : 0;
}

/* --all passes over what is that far already. */
static bool is_so_far(const struct roots *r, const char *id, bool hold)
{
    struct ctr c;
    struct ctr_status s = {0};
    struct err ignored = ERR_INIT;
    if (ctr_find(r, id, &c, &ignored) == 0) {
        ctr_status(r, &c, &s);
        ctr_close(&c);
    }
    return ctr_is_up(&s) || (hold && s.state == CTR_INITIALIZED);
}

static int explain(const struct ctr *c, bool hold, struct err *e)
{
    err_prefix(e, "unable to %s container \"%s\"", hold ? "init" : "start", c->id);
    e->code = EXIT_TOOL;
    return -1;
}

static int refuse_paused(const struct roots *r, const struct ctr *c, struct err *e)
{
    struct ctr_status s;
    ctr_status(r, c, &s);
    if (s.state != CTR_PAUSED)
        return 0;
    err_set(e, 0,
            "unable to start container \"%s\": container %s must be in Created or Stopped "
            "state to be started: container state improper",
            c->id, c->id);
    return err_hint(e, "Type: pod unpause %s", ctr_name(c));
}

/* ---- one that we stay with ---- */

static int start_and_stay(const struct roots *r, const char *name, const struct options *o,
                          int *code, struct err *e)
{
    struct ctr c;
    if (ctr_find(r, name, &c, e) < 0)
        return -1;
    int res = refuse_paused(r, &c, e);
    if (res == 0 && (res = stay(r, &c, o, code, e)) < 0)
        explain(&c, false, e);
    ctr_close(&c);
    return res;
}

/* ---- several, side by side ---- */

struct flight {
    const char *name;
    struct ctr c;
    struct start_job job;
    bool open, ends; /* there is a container; there is a start to be ended */
    int res;
    struct err e;
};

/* Those that have been begun and not ended, the oldest first. */
struct queue {
    const struct roots *roots;
    struct flight v[MOST];
    size_t first, n, most;
    struct strv unready; /* ids of those that are to be healthy first */
    bool hold;           /* pod init */
    bool beside;         /* there will be several */
    int code;
};

static void end_oldest(struct queue *q)
{
    struct flight *f = &q->v[q->first];
    pid_t pid;
    if (f->ends)
        f->res = start_end(q->roots, &f->c, &f->job, &pid, &f->e);
    if (f->ends && f->res == 0 && !q->hold && ready_waits(&f->c))
        strv_add(&q->unready, f->c.id);
    if (f->ends && f->res < 0)
        explain(&f->c, q->hold, &f->e);
    const char *other = f->ends && f->res == 0 ? start_other_user(q->roots, &f->c) : NULL;
    if (other)
        say_warning("%s", other);
    if (f->res < 0)
        q->code = say_error(&f->e);
    else
        puts(f->name);
    if (f->open)
        ctr_close(&f->c);
    q->first = (q->first + 1) % MOST;
    q->n--;
}

static void end_all(struct queue *q)
{
    while (q->n)
        end_oldest(q);
}

/* Once all of them run. */
static void wait_for_health(struct queue *q)
{
    struct ctr_walk w = {.roots = q->roots, .ids = q->unready};
    struct err e = ERR_INIT;
    while (ctr_walk(&w))
        if (ready_wait(q->roots, &w.c, &e) < 0)
            q->code = say_error(&e);
    ctr_walk_end(&w);
}

/* What needs others to run waits until those before it do. */
static void begin(struct queue *q, const char *name)
{
    struct start_how how = {.client_fd = -1, .hold = q->hold, .beside = q->beside};
    pid_t pid;
    if (q->n == q->most)
        end_oldest(q);
    struct flight *f = &q->v[(q->first + q->n) % MOST];
    *f = (struct flight){.name = name};
    f->open = ctr_find(q->roots, name, &f->c, &f->e) == 0;
    if (f->open && start_needs_others(&f->c)) {
        end_all(q);
        struct flight moved = *f;
        f = &q->v[q->first];
        *f = moved;
    }
    f->res = f->open ? start_begin(q->roots, &f->c, &how, &f->job, &pid, &f->e) : -1;
    f->ends = f->open && f->res == START_OK;
    if (f->res > 0 && refuse_paused(q->roots, &f->c, &f->e) < 0)
        f->res = -1;
    else if (q->hold && f->res > 0)
        f->res = err_set(&f->e, 0,
                         "container %s has already been created in runtime: container state "
                         "improper",
                         f->c.id);
    else if (f->open && f->res < 0)
        explain(&f->c, q->hold, &f->e);
    q->n++;
}

static int start_all(const struct roots *r, const struct strv *names, const struct options *o,
                     bool hold)
{
    static struct queue q;
    long cpus = sysconf(_SC_NPROCESSORS_ONLN);
    q.roots = r;
    q.hold = hold;
    q.beside = names->n > 1;
    q.most = cpus < 1 ? 2 : cpus > MOST / 2 ? MOST : (size_t)cpus * 2;
    for (size_t i = 0; i < names->n; i++)
        if (!o->which.all || !is_so_far(r, names->v[i], hold))
            begin(&q, names->v[i]);
    end_all(&q);
    say_single_id(r->run_path, NULL);
    wait_for_health(&q);
    return q.code;
}

int main(int argc, char **argv)
{
    struct err e = ERR_INIT;
    struct options o = {
        .sig_proxy = -1,
        .which.nothing = "start requires at least one argument",
        .which.all_clash =
            "either start all containers or the container(s) provided in the arguments"};
    struct roots r;
    cleanup(strv_free) struct strv names = STRV_INIT;
    int code = 0;
    const char *slash = strrchr(argv[0], '/');
    bool init = strcmp(slash ? slash + 1 : argv[0], "pod-init") == 0;
    int first = say_parse(init ? &init_command : &command, &o, argc, argv, &code);
    if (first < 0)
        return code;
    if (roots_open(&r, &e) < 0 || select_names(&r, &o.which, argv + first, &names, &e) < 0)
        return say_error(&e);
    if ((o.attach || o.interactive) && names.n > 1) {
        err_set(&e, 0, "you cannot start and attach multiple containers at once");
        return say_error(&e);
    }
    if (!o.attach && !o.interactive)
        code = start_all(&r, &names, &o, init);
    else if (names.n && start_and_stay(&r, names.v[0], &o, &code, &e) < 0)
        code = say_error(&e);
    return say_end(code);
}
