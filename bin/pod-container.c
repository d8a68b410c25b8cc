/* pod-container: what podman users know by `podman container …` alone. */
#include "container/container.h"
#include "say.h"

#include "things/ctr_filter.h"
#include "things/stop.h"
#include "things/store.h"
#include "things/volume.h"
#include "words/exitcode.h"
#include "words/ident.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* ---- exists ---- */

struct exists_options {
    bool external;
};
static const struct opt exists_table[] = {
    {"external", 0, OPT_BOOL, NULL, "Containers of Buildah and podman count too",
     offsetof(struct exists_options, external)},
    {0},
};
static const struct cmd exists_command = {
    .name = "pod container exists",
    .operands = "CONTAINER",
    .summary = "Tell by the exit code whether a container exists",
    .more = "Exit codes: 0 it exists, 1 it does not, 125 pod failed.",
    .opts = exists_table,
    .min = 1,
    .max = 1,
};

static bool exists_elsewhere(const struct roots *r, const char *name, struct err *e)
{
    cleanup_store s = STORE_INIT;
    if (store_open_images(r, &s, e) < 0 || store_load_containers(&s, e) < 0)
        return false;
    for (size_t k = 0; k < 2; k++) {
        const json_t *c;
        size_t i;
        json_array_foreach(s.containers[k], i, c)
        {
            cleanup(strv_free) struct strv names = STRV_INIT;
            jx_strv(c, "names", &names);
            if (store_record_ok(c) && (str_starts(jx_str(c, "id"), name) || strv_has(&names, name)))
                return true;
        }
    }
    return false;
}

static int do_exists(int argc, char **argv)
{
    struct err e = ERR_INIT;
    struct exists_options o = {0};
    struct roots r;
    struct ctr c;
    int code = 0;
    int first = say_parse(&exists_command, &o, argc, argv, &code);
    if (first < 0)
        return code;
    if (roots_open(&r, &e) < 0)
        return say_error(&e);
    if (ctr_find(&r, argv[first], &c, &e) == 0) {
        ctr_close(&c);
        return EXIT_DONE;
    }
    if (!strstr(e.msg, "no such container"))
        return say_error(&e);
    e = (struct err)ERR_INIT;
    bool found = o.external && exists_elsewhere(&r, argv[first], &e);
    return e.code ? say_error(&e) : found ? EXIT_DONE : EXIT_NO;
}

/* ---- prune ---- */

struct prune_options {
    bool force;
    struct strv filter;
};
static const struct opt prune_table[] = {
    {"filter", 0, OPT_LIST, "KEY=VALUE", "Only those that match: label, until",
     offsetof(struct prune_options, filter)},
    {"force", 'f', OPT_BOOL, NULL, "Do not ask", offsetof(struct prune_options, force)},
    {0},
};
static const struct cmd prune_command = {
    .name = "pod container prune",
    .operands = "",
    .summary = "Remove all containers that do not run",
    .more = "Exit codes: 0 done, 125 pod failed.",
    .opts = prune_table,
};

static bool is_idle(enum ctr_state s)
{
    return s == CTR_CREATED || s == CTR_EXITED;
}

static int do_prune(int argc, char **argv)
{
    struct err e = ERR_INIT;
    struct prune_options o = {0};
    struct roots r;
    cleanup_walk w = {.roots = &r};
    int code = 0;
    if (say_parse(&prune_command, &o, argc, argv, &code) < 0)
        return code;
    int yes = o.force ? 1 : say_confirm("This will remove all non running containers.");
    if (yes <= 0)
        return say_end(yes ? 125 : 0);
    if (roots_open(&r, &e) < 0 || ctr_filter_check(&r, &o.filter, &e) < 0 ||
        ctr_list(&r, &w.ids, &e) < 0)
        return say_error(&e);
    while (ctr_walk(&w)) {
        struct ctr_status s;
        ctr_status(&r, &w.c, &s);
        bool wanted = is_idle(s.state) && !jx_bool(w.c.record, "infra") &&
                      ctr_filter_match(&r, &o.filter, &w.c, &s);
        if (wanted && ctr_remove(&r, &w.c, false, false, 0, &e) < 0)
            code = say_error(&e);
        else if (wanted)
            puts(w.c.id);
    }
    return say_end(code);
}

/* ---- reclaim TRASH VOLUME...: for monitors of containers with --rm ---- */

static int do_reclaim(int argc, char **argv)
{
    struct err e = ERR_INIT;
    struct roots r;
    cleanup(strv_free) struct strv names = STRV_INIT;
    if (argc < 2 || !str_starts(argv[1], "ctr-") || strchr(argv[1], '/')) {
        err_set(&e, 0, "reclaim is for pod's own use");
        return say_error(&e);
    }
    for (int i = 2; i < argc; i++)
        if (ident_name_ok(argv[i]))
            strv_add(&names, argv[i]);
    if (roots_open(&r, &e) < 0)
        return say_error(&e);
    if (volumes_reclaim(&r, &names, argv[1], &e) < 0)
        return say_error(&e);
    return say_end(0);
}

int main(int argc, char **argv)
{
    static const struct verb verbs[] = {
        {"clone", "Make a container as another was made", do_clone},
        {"exists", "Tell by the exit code whether a container exists", do_exists},
        {"prune", "Remove all containers that do not run", do_prune},
        {"reclaim", NULL, do_reclaim},
        {0},
    };
    return say_verbs("pod container", "Containers, beside the verbs that need no `container`",
                     verbs, argc, argv);
}
