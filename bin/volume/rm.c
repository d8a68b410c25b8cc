/* pod volume rm and prune. */
#include "say.h"
#include "volume.h"

#include "things/ctr.h"
#include "things/stop.h"
#include "words/exitcode.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define CODE_IN_USE 2

/* ---- rm ---- */

struct rm_options {
    bool all, force;
    int64_t time;
};
static const struct opt rm_table[] = {
    {"all", 'a', OPT_BOOL, NULL, "All volumes", offsetof(struct rm_options, all)},
    {"force", 'f', OPT_BOOL, NULL, "Remove the containers that use it too, without a word for none",
     offsetof(struct rm_options, force)},
    {"time", 't', OPT_INT, "SECONDS", "Wait so long for such containers before killing them",
     offsetof(struct rm_options, time)},
    {0},
};
static const struct cmd rm_command = {
    .name = "pod volume rm",
    .operands = "VOLUME...",
    .summary = "Remove volumes and all that is in them",
    .more = "Exit codes: 0 done, 1 a volume does not exist, 2 a container uses it, 125 pod failed.",
    .opts = rm_table,
    .max = -1,
};

static void users_of(const struct roots *r, const char *name, struct strv *ret)
{
    cleanup_walk w = {.roots = r};
    struct err ignored = ERR_INIT;
    (void)ctr_list(r, &w.ids, &ignored);
    while (ctr_walk(&w)) {
        cleanup(strv_free) struct strv volumes = STRV_INIT;
        volumes_of(w.c.record, false, &volumes);
        if (strv_has(&volumes, name))
            strv_add(ret, w.c.id);
    }
}

static int in_use(const char *name, const struct strv *users, struct err *e)
{
    cleanup(buf_free) struct buf ids = BUF_INIT;
    for (size_t i = 0; i < users->n; i++)
        buf_addf(&ids, "%s%s", i ? ", " : "", users->v[i]);
    err_set(e, CODE_IN_USE,
            "volume %s is being used by the following container(s): %s: volume is being used", name,
            buf_str(&ids));
    return err_hint(e, "Type: pod rm %.12s, or pod volume rm --force %s", users->v[0], name);
}

static int remove_users(const struct roots *r, const struct strv *users, int64_t seconds,
                        struct err *e)
{
    for (size_t i = 0; i < users->n; i++) {
        struct ctr c;
        if (ctr_open(r, users->v[i], &c, e) < 0)
            return -1;
        int res = ctr_remove(r, &c, true, false, seconds, e);
        ctr_close(&c);
        if (res < 0)
            return -1;
    }
    return 0;
}

/* The containers' own anonymous volumes stay, as podman leaves them. */
static int remove_one(const struct roots *r, const char *wanted, const struct rm_options *o,
                      struct err *e)
{
    cleanup_free char *name = NULL;
    cleanup(strv_free) struct strv users = STRV_INIT;
    if (volume_find(r, wanted, &name, e) < 0) {
        if (e->sys == ENOENT && o->force)
            return 0;
        e->code = e->sys == ENOENT ? EXIT_NO : EXIT_TOOL;
        return -1;
    }
    users_of(r, name, &users);
    if (users.n && !o->force)
        return in_use(name, &users, e);
    if (remove_users(r, &users, o->time, e) < 0 || volume_remove(r, name, e) < 0)
        return -1;
    puts(name);
    return 0;
}

int verb_rm(int argc, char **argv)
{
    struct err e = ERR_INIT;
    struct rm_options o = {.time = -1};
    struct roots r;
    cleanup(strv_free) struct strv all = STRV_INIT;
    int code = 0;
    int first = say_parse(&rm_command, &o, argc, argv, &code);
    if (first < 0)
        return code;
    if (o.all == (first < argc)) {
        err_set(&e, 0, "choose either one or more volumes or all");
        return say_error(&e);
    }
    if (roots_open(&r, &e) < 0)
        return say_error(&e);
    if (o.all)
        volume_list(&r, &all);
    for (char **name = o.all ? all.v : argv + first; name && *name; name++) {
        e = (struct err)ERR_INIT;
        if (remove_one(&r, *name, &o, &e) < 0) {
            int failed = say_error(&e);
            code = failed > code ? failed : code;
        }
    }
    return say_end(code);
}

/* ---- prune ---- */

struct prune_options {
    bool force;
    struct strv filter;
};
static const struct opt prune_table[] = {
    {"filter", 0, OPT_LIST, "KEY=VALUE", "Only: driver, label, label!, name, opt, since, until",
     offsetof(struct prune_options, filter)},
    {"force", 'f', OPT_BOOL, NULL, "Do not ask", offsetof(struct prune_options, force)},
    {0},
};
static const struct cmd prune_command = {
    .name = "pod volume prune",
    .operands = "",
    .summary = "Remove all volumes that no container uses",
    .more = "Exit codes: 0 done, 125 pod failed.",
    .opts = prune_table,
};

static void find_unused(const struct roots *r, const struct strv *filter, struct strv *ret)
{
    cleanup(strv_free) struct strv names = STRV_INIT, used = STRV_INIT;
    volume_list(r, &names);
    volumes_used(r, &used);
    for (size_t i = 0; i < names.n; i++) {
        struct err ignored = ERR_INIT;
        json_t *row = strv_has(&used, names.v[i]) ? NULL : volume_row(r, names.v[i], &ignored);
        if (row && volume_filter_match(filter, row, &used))
            strv_add(ret, names.v[i]);
        json_decref(row);
    }
}

static int ask(const struct strv *names)
{
    cleanup(buf_free) struct buf b = BUF_INIT;
    buf_adds(&b, "This will remove all volumes not used by at least one container. The following "
                 "volumes will be removed:");
    for (size_t i = 0; i < names->n; i++)
        buf_addf(&b, "\n%s", names->v[i]);
    return say_confirm(b.s);
}

int verb_prune(int argc, char **argv)
{
    struct err e = ERR_INIT;
    struct prune_options o = {0};
    struct roots r;
    cleanup(strv_free) struct strv names = STRV_INIT;
    int code = 0;
    if (say_parse(&prune_command, &o, argc, argv, &code) < 0)
        return code;
    if (roots_open(&r, &e) < 0 || volume_filter_check(&o.filter, &e) < 0)
        return say_error(&e);
    find_unused(&r, &o.filter, &names);
    int yes = o.force ? 1 : names.n ? ask(&names) : 0;
    if (yes <= 0)
        return say_end(yes ? EXIT_TOOL : 0);
    for (size_t i = 0; i < names.n; i++) {
        if (volume_remove(&r, names.v[i], &e) < 0)
            code = say_error(&e);
        else
            puts(names.v[i]);
    }
    return say_end(code);
}
