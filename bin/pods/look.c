/* pod pod logs, stats and top: what the programs for containers say, of all containers of pods. */
#include "pods.h"
#include "say.h"

#include "things/spawn.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MAX_TOP (16 << 20)

struct look_options {
    bool all, latest, color, follow, names, timestamps, no_reset, no_stream;
    const char *container, *since, *tail, *until, *format;
};
#define AT(f) offsetof(struct look_options, f)

static const char codes[] = "Exit codes: 0 done, 125 pod failed or a pod does not exist.";

/* The containers of the pods that were named; infra: the infra containers too. */
static int members_of(const struct roots *r, const struct look_options *o, char *const *operands,
                      bool infra, struct strv *ret, struct err *e)
{
    cleanup(strv_free) struct strv pods = STRV_INIT;
    if (pods_select(r, operands, o->all, o->latest, &pods, e) < 0)
        return -1;
    for (size_t i = 0; i < pods.n; i++) {
        cleanup_walk w = {.roots = r};
        if (pod_members(r, pods.v[i], &w.ids, e) < 0)
            return -1;
        while (ctr_walk(&w))
            if (infra || !jx_bool(w.c.record, "infra"))
                strv_add(ret, w.c.id);
    }
    return 0;
}

static void add_flag(struct strv *argv, const char *flag, bool on)
{
    if (on)
        strv_add(argv, flag);
}

static void add_value(struct strv *argv, const char *option, const char *value)
{
    if (!value)
        return;
    strv_add(argv, option);
    strv_add(argv, value);
}

static int become(struct strv *argv)
{
    struct err e = ERR_INIT;
    execv(argv->v[0], argv->v);
    err_sys(&e, "cannot run \"%s\"", argv->v[0]);
    return say_error(&e);
}

/* ---- logs ---- */

static const struct opt logs_options[] = {
    {"color", 0, OPT_BOOL, NULL, "Tell the containers apart by colour", AT(color)},
    {"container", 'c', OPT_STR, "CONTAINER", "Of this one alone", AT(container)},
    {"follow", 'f', OPT_BOOL, NULL, "Go on until the containers end", AT(follow)},
    {"latest", 'l', OPT_BOOL, NULL, "The pod created last", AT(latest)},
    {"names", 'n', OPT_BOOL, NULL, "Names before the lines, not IDs", AT(names)},
    {"since", 0, OPT_STR, "TIME", "Only what is younger", AT(since)},
    {"tail", 0, OPT_STR, "N", "Only the last N lines of each", AT(tail)},
    {"timestamps", 't', OPT_BOOL, NULL, "Put the time before each line", AT(timestamps)},
    {"until", 0, OPT_STR, "TIME", "Only what is older", AT(until)},
    {0},
};

int verb_logs(int argc, char **argv)
{
    static const struct cmd c = {"pod pod logs",
                                 "POD",
                                 "Print what the containers of a pod have written",
                                 codes,
                                 logs_options,
                                 0,
                                 1,
                                 0};
    struct err e = ERR_INIT;
    struct look_options o = {0};
    struct roots r;
    struct strv line = STRV_INIT, ids = STRV_INIT;
    int code = 0;
    int first = say_parse(&c, &o, argc, argv, &code);
    if (first < 0)
        return code;
    if (roots_open(&r, &e) < 0 || members_of(&r, &o, argv + first, false, &ids, &e) < 0)
        return say_error(&e);
    strv_take(&line, bin_path("pod-logs"));
    add_flag(&line, "--color", o.color);
    add_flag(&line, "--follow", o.follow);
    add_flag(&line, "--names", o.names);
    add_flag(&line, "--timestamps", o.timestamps);
    add_value(&line, "--since", o.since);
    add_value(&line, "--tail", o.tail);
    add_value(&line, "--until", o.until);
    struct ctr one;
    if (o.container && ctr_find(&r, o.container, &one, &e) < 0)
        return say_error(&e);
    if (o.container && !strv_has(&ids, one.id)) {
        err_set(&e, 0, "container %s is not in this pod: no such container", o.container);
        return say_error(&e);
    }
    if (o.container)
        strv_add(&line, one.id);
    for (size_t i = 0; i < ids.n && !o.container; i++)
        strv_add(&line, ids.v[i]);
    return ids.n || o.container ? become(&line) : say_end(0);
}

/* ---- stats ---- */

static const struct opt stats_options[] = {
    {"all", 'a', OPT_BOOL, NULL, "All pods", AT(all)},
    {"format", 0, OPT_STR, "FORMAT", "json or a Go template", AT(format)},
    {"latest", 'l', OPT_BOOL, NULL, "The pod created last", AT(latest)},
    {"no-reset", 0, OPT_BOOL, NULL, "Do not clear the screen in between", AT(no_reset)},
    {"no-stream", 0, OPT_BOOL, NULL, "Look once", AT(no_stream)},
    {0},
};

int verb_stats(int argc, char **argv)
{
    static const struct cmd c = {"pod pod stats",
                                 "[POD...]",
                                 "Show what the containers of pods use",
                                 codes,
                                 stats_options,
                                 0,
                                 -1,
                                 0};
    struct err e = ERR_INIT;
    struct look_options o = {0};
    struct roots r;
    struct strv line = STRV_INIT, ids = STRV_INIT;
    int code = 0;
    int first = say_parse(&c, &o, argc, argv, &code);
    if (first < 0)
        return code;
    o.all |= !o.latest && first == argc;
    if (roots_open(&r, &e) < 0 || members_of(&r, &o, argv + first, true, &ids, &e) < 0)
        return say_error(&e);
    strv_take(&line, bin_path("pod-stats"));
    add_flag(&line, "--no-reset", o.no_reset);
    add_flag(&line, "--no-stream", o.no_stream);
    add_value(&line, "--format", o.format);
    for (size_t i = 0; i < ids.n; i++)
        strv_add(&line, ids.v[i]);
    return ids.n ? become(&line) : say_end(0);
}

/* ---- top ---- */

static const struct opt top_options[] = {
    {"latest", 'l', OPT_BOOL, NULL, "The pod created last", AT(latest)},
    {0},
};

/* The heading of the first that has one, then everybody's lines. */
static int top_one(const char *id, char *const *words, bool *headed, struct err *e)
{
    cleanup(strv_free) struct strv argv = STRV_INIT;
    cleanup(buf_free) struct buf out = BUF_INIT;
    strv_take(&argv, bin_path("pod-top"));
    strv_add(&argv, id);
    for (; *words; words++)
        strv_add(&argv, *words);
    struct spawn s = {.argv = argv.v, .in = -1, .err = SPAWN_INHERIT, .report = -1};
    int code = spawn_and_read(&s, MAX_TOP, &out, e);
    if (code != 0) {
        if (code > 0)
            e->code = code; /* said already */
        return -1;
    }
    const char *lines = buf_str(&out), *rest = strchr(lines, '\n');
    fputs(*headed && rest ? rest + 1 : lines, stdout);
    *headed = true;
    return 0;
}

int verb_top(int argc, char **argv)
{
    static const struct cmd c = {"pod pod top",
                                 "POD [COLUMN...]",
                                 "List the processes of the containers of a pod",
                                 codes,
                                 top_options,
                                 0,
                                 -1,
                                 1};
    struct err e = ERR_INIT;
    struct look_options o = {0};
    struct roots r;
    cleanup(strv_free) struct strv ids = STRV_INIT;
    bool headed = false;
    int code = 0;
    int first = say_parse(&c, &o, argc, argv, &code);
    if (first < 0)
        return code;
    char *which[] = {o.latest ? NULL : argv[first], NULL};
    char **words = argv + first + (!o.latest && argv[first]);
    if (roots_open(&r, &e) < 0 || members_of(&r, &o, which, true, &ids, &e) < 0)
        return say_error(&e);
    for (size_t i = 0; i < ids.n; i++) {
        struct ctr ctr;
        struct ctr_status s = {0};
        struct err gone = ERR_INIT;
        if (ctr_open(&r, ids.v[i], &ctr, &gone) < 0)
            continue;
        ctr_status(&r, &ctr, &s);
        ctr_close(&ctr);
        if (ctr_is_up(&s) && top_one(ids.v[i], words, &headed, &e) < 0)
            return e.msg[0] ? say_error(&e) : e.code;
    }
    if (!headed) {
        err_set(&e, 0,
                "pod top can only be used on pods with running containers: pod state improper");
        return say_error(&e);
    }
    return say_end(0);
}
