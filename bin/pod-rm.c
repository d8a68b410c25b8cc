/* pod-rm: removes containers. Gone at once by a rename; what they wrote is deleted behind it. */
#include "say.h"

#include "disk/at.h"
#include "things/pod.h"
#include "things/select.h"
#include "things/spawn.h"
#include "things/stop.h"
#include "words/digest.h"
#include "words/exitcode.h"

#include <stdio.h>
#include <string.h>

struct options {
    struct select which;
    bool force, volumes, depend;
    int64_t time;
};

#define AT(f) offsetof(struct options, f)
static const struct opt options[] = {
    {"all", 'a', OPT_BOOL, NULL, "All containers", AT(which.all)},
    {"cidfile", 0, OPT_LIST, "FILE", "Read a container's ID from FILE", AT(which.cidfile)},
    {"depend", 0, OPT_BOOL, NULL, "Remove the containers that depend on it too", AT(depend)},
    {"filter", 0, OPT_LIST, "KEY=VALUE", "Only those that match, as for pod ps", AT(which.filter)},
    {"force", 'f', OPT_BOOL, NULL, "Stop a running container first", AT(force)},
    {"ignore", 'i', OPT_BOOL, NULL, "No error for a container that does not exist",
     AT(which.ignore)},
    {"latest", 'l', OPT_BOOL, NULL, "The container created last", AT(which.latest)},
    {"time", 't', OPT_INT, "SECONDS", "With --force: wait so long before SIGKILL", AT(time)},
    {"timeout", 0, OPT_INT, "SECONDS", NULL, AT(time)},
    {"volumes", 'v', OPT_BOOL, NULL, "Remove its anonymous volumes too", AT(volumes)},
    {0},
};

static const struct cmd command = {
    .name = "pod rm",
    .operands = "CONTAINER...",
    .summary = "Remove one or more containers",
    .more = "Exit codes: 0 removed, 1 a container does not exist, 2 a container runs,\n"
            "125 pod failed.",
    .opts = options,
    .max = -1,
};

/* --force removes a container whose record cannot be read, by its id or a prefix of it. */
static bool find_damaged(const struct roots *r, const char *name, struct ctr *ret)
{
    cleanup(strv_free) struct strv ids = STRV_INIT;
    struct err e = ERR_INIT;
    char id[65], path[128];
    bool is_pod;
    if (name_lookup(r, name, id, &is_pod) == 0 && !is_pod)
        name = id;
    if (ctr_list(r, &ids, &e) < 0)
        return false;
    for (size_t i = 0; i < ids.n; i++) {
        if (!str_starts(ids.v[i], name))
            continue;
        struct ctr c = CTR_INIT;
        snprintf(path, sizeof path, "containers/%s", ids.v[i]);
        str_copy(c.id, sizeof c.id, ids.v[i]);
        c.dir = at_open_dir(r->own, path);
        if (c.dir < 0)
            return false;
        *ret = c;
        return true;
    }
    return false;
}

/* Of a pod that is there. */
static bool is_infra(const struct roots *r, const struct ctr *c)
{
    return c->record && jx_bool(c->record, "infra") && pod_exists(r, jx_str(c->record, "pod"));
}

static bool depends(const json_t *rec, const char *id)
{
    const json_t *v;
    const char *key;
    size_t i;
    json_array_foreach(json_object_get(rec, "requires"), i, v)
    {
        if (strcmp(json_string_value(v), id) == 0)
            return true;
    }
    json_object_foreach((json_t *)(uintptr_t)json_object_get(rec, "namespaces"), key, v)
    {
        if (str_starts(json_string_value(v), "container:") &&
            strcmp(json_string_value(v) + strlen("container:"), id) == 0)
            return true;
    }
    return false;
}

/* Ids of those that join its namespaces or require it. */
static void find_dependents(const struct roots *r, const char *id, struct strv *ret)
{
    cleanup_walk w = {.roots = r};
    struct err ignored = ERR_INIT;
    (void)ctr_list(r, &w.ids, &ignored);
    while (ctr_walk(&w))
        if (depends(w.c.record, id))
            strv_add(ret, w.c.id);
}

static int one(const struct roots *r, const char *name, const struct options *o, struct err *e);

/* With --depend they go first; with --all they are on the list themselves. */
static int dependents(const struct roots *r, const char *id, const struct options *o, struct err *e)
{
    cleanup(strv_free) struct strv users = STRV_INIT;
    if (o->which.all)
        return 0;
    find_dependents(r, id, &users);
    if (users.n && !o->depend) {
        err_set(e, 0,
                "container %s has dependent containers which must be removed before it: ", id);
        for (size_t i = 0; i < users.n; i++)
            snprintf(e->msg + strlen(e->msg), sizeof e->msg - strlen(e->msg), "%s%s", i ? ", " : "",
                     users.v[i]);
        snprintf(e->msg + strlen(e->msg), sizeof e->msg - strlen(e->msg),
                 ": container already exists");
        return err_hint(e, "Type: pod rm --depend %.12s", id);
    }
    for (size_t i = 0; i < users.n; i++) {
        if (one(r, users.v[i], o, e) < 0)
            return -1;
        puts(users.v[i]);
    }
    return 0;
}

/* Everything in a pod depends on its infra container. */
static int remove_pod(const char *id, const struct options *o, struct err *e)
{
    cleanup(strv_free) struct strv argv = STRV_INIT;
    pid_t pid;
    strv_take(&argv, bin_path("pod-pod"));
    strv_add(&argv, "rm");
    if (o->force)
        strv_add(&argv, "--force");
    strv_add(&argv, id);
    struct spawn s = {.argv = argv.v, .in = -1, .out = -1, .err = SPAWN_INHERIT, .report = -1};
    if (spawn(&s, &pid, e) < 0)
        return -1;
    return spawn_wait(pid) == 0 ? 0 : err_set(e, 0, "pod %.12s could not be removed", id);
}

static int one(const struct roots *r, const char *name, const struct options *o, struct err *e)
{
    struct ctr c;
    if (ctr_find(r, name, &c, e) < 0) {
        bool unknown = strstr(e->msg, "no such container") != NULL;
        if (unknown)
            e->code = EXIT_NO;
        if (unknown || !o->force || !find_damaged(r, name, &c))
            return -1;
    }
    int res;
    if (is_infra(r, &c) && o->depend)
        res = remove_pod(jx_str(c.record, "pod"), o, e);
    else if (is_infra(r, &c))
        res = err_set(e, 0,
                      "container %s is the infra container of pod %s and cannot be removed without "
                      "removing the pod",
                      c.id, jx_str(c.record, "pod"));
    else if ((res = dependents(r, c.id, o, e)) == 0)
        res = ctr_remove(r, &c, o->force, o->volumes, o->time, e);
    ctr_close(&c);
    return res;
}

/* With --all, containers that run stay without --force, and infra containers belong to their pods.
 */
static bool spared(const struct roots *r, const char *name, const struct options *o)
{
    struct ctr c;
    struct err e = ERR_INIT;
    if (!o->which.all || ctr_find(r, name, &c, &e) < 0)
        return false;
    bool infra = is_infra(r, &c);
    ctr_close(&c);
    return infra;
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
    if (roots_open(&r, &e) < 0 || select_names(&r, &o.which, argv + first, &names, &e) < 0)
        return say_error(&e);
    for (size_t i = 0; i < names.n; i++) {
        if (spared(&r, names.v[i], &o))
            continue;
        if (one(&r, names.v[i], &o, &e) == 0)
            puts(names.v[i]);
        else if (!((o.which.ignore || o.force) && e.code == EXIT_NO))
            code = say_error(&e);
    }
    return say_end(code);
}
