#include "pods.h"
#include "say.h"

#include "disk/at.h"
#include "things/image.h"
#include "things/spawn.h"
#include "things/stop.h"
#include "words/exitcode.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#define MAX_ID_FILE 4096

int pods_select(const struct roots *r, char *const *operands, bool all, bool latest,
                struct strv *ret, struct err *e)
{
    char id[65];
    if (all && *operands)
        return err_set(e, 0, "no arguments are needed with --all");
    if (latest && *operands)
        return err_set(e, 0, "--latest and pods cannot be used together");
    if (all)
        return pod_list(r, ret, e);
    if (latest) {
        cleanup(strv_free) struct strv ids = STRV_INIT;
        char best[64] = "", best_id[65] = "";
        if (pod_list(r, &ids, e) < 0)
            return -1;
        for (size_t i = 0; i < ids.n; i++) {
            struct pod p;
            struct err damaged = ERR_INIT;
            if (pod_open(r, ids.v[i], &p, &damaged) < 0)
                continue;
            if (strcmp(jx_str(p.record, "created"), best) > 0) {
                snprintf(best, sizeof best, "%s", jx_str(p.record, "created"));
                snprintf(best_id, sizeof best_id, "%s", p.id);
            }
            pod_close(&p);
        }
        if (!*best_id)
            return err_set(e, 0, "no such pod");
        strv_add(ret, best_id);
        return 0;
    }
    for (; *operands; operands++) {
        if (pod_find_id(r, *operands, id, e) < 0)
            return -1;
        strv_add(ret, id);
    }
    return ret->n ? 0 : err_set(e, 0, "you must provide at least one name or id");
}

int pods_which(const struct roots *r, const struct pods_which *w, char *const *operands,
               bool skip_unknown, struct strv *ret, struct err *e)
{
    cleanup(strv_free) struct strv names = STRV_INIT;
    char *none[] = {NULL};
    for (; *operands; operands++)
        strv_add(&names, *operands);
    for (size_t i = 0; i < w->id_files.n; i++) {
        cleanup(buf_free) struct buf b = BUF_INIT;
        if (at_read(AT_FDCWD, w->id_files.v[i], MAX_ID_FILE, &b) < 0)
            return err_sys(e, "reading pod ID file: open %s", w->id_files.v[i]);
        strv_addf(&names, "%.*s", (int)strcspn(buf_str(&b), "\n"), buf_str(&b));
    }
    if (!names.n || w->all || w->latest)
        return pods_select(r, names.n ? names.v : none, w->all, w->latest, ret, e);
    for (size_t i = 0; i < names.n; i++) {
        char *one[] = {names.v[i], NULL};
        if (pods_select(r, one, false, false, ret, e) == 0)
            continue;
        if (!skip_unknown || !strstr(e->msg, "no such pod"))
            return -1;
        *e = (struct err)ERR_INIT;
    }
    return 0;
}

int pods_need_image(const struct roots *r, const char *name, struct err *e)
{
    struct image img = IMAGE_INIT;
    int found = image_find(r, name, &img, e);
    image_free(&img);
    if (found == 0 || !str_ends(e->msg, "image not known"))
        return found;
    cleanup_free char *pull = bin_path("pod-pull");
    char *argv[] = {pull, (char *)(uintptr_t) "-q", (char *)(uintptr_t)name, NULL};
    struct spawn s = {.argv = argv, .in = -1, .out = -1, .err = SPAWN_INHERIT, .report = -1};
    pid_t pid;
    if (spawn(&s, &pid, e) < 0)
        return -1;
    e->code = spawn_wait(pid);
    e->msg[0] = '\0';
    return e->code ? -1 : 0;
}

const char *pods_status(const struct roots *r, const struct strv *members, size_t *running)
{
    size_t up = 0, paused = 0, exited = 0, known = 0;
    for (size_t i = 0; i < members->n; i++) {
        struct ctr c;
        struct ctr_status s;
        struct err damaged = ERR_INIT;
        if (ctr_open(r, members->v[i], &c, &damaged) < 0)
            continue;
        ctr_status(r, &c, &s);
        if (jx_str0(c.record, "initCtr")) { /* what it does is over before the pod runs */
            ctr_close(&c);
            continue;
        }
        known++;
        up += s.state == CTR_RUNNING;
        paused += s.state == CTR_PAUSED;
        exited += s.state == CTR_EXITED;
        ctr_close(&c);
    }
    *running = up;
    if (known && up == known)
        return "Running";
    if (up > 0)
        return "Degraded";
    if (known && paused == known)
        return "Paused";
    return exited == known && known ? "Exited" : exited ? "Stopped" : "Created";
}

json_t *pods_containers(const struct roots *r, const struct strv *members)
{
    json_t *list = json_array();
    for (size_t i = 0; i < members->n; i++) {
        struct ctr c;
        struct ctr_status s;
        struct err damaged = ERR_INIT;
        if (ctr_open(r, members->v[i], &c, &damaged) < 0)
            continue;
        ctr_status(r, &c, &s);
        json_array_append_new(list, json_pack("{s:s, s:s, s:s}", "Id", c.id, "Names", ctr_name(&c),
                                              "Status", ctr_state_name(s.state)));
        ctr_close(&c);
    }
    return list;
}

int verb_exists(int argc, char **argv)
{
    static const struct cmd c = {"pod pod exists",
                                 "POD",
                                 "Say by the exit code whether a pod exists",
                                 "Exit codes: 0 it exists, 1 it does not, 125 pod failed.",
                                 NULL,
                                 1,
                                 1,
                                 0};
    struct err e = ERR_INIT;
    struct roots r;
    char id[65];
    int code = 0;
    int first = say_parse(&c, NULL, argc, argv, &code);
    if (first < 0)
        return code;
    if (roots_open(&r, &e) < 0)
        return say_error(&e);
    return pod_find_id(&r, argv[first], id, &e) == 0 ? EXIT_DONE : EXIT_NO;
}

/* Ends the infra container when no other container of the pod runs. */
static int settle(const struct roots *r, const char *id, struct err *e)
{
    cleanup_walk w = {.roots = r, .backwards = true};
    if (pod_members(r, id, &w.ids, e) < 0)
        return -1;
    while (ctr_walk(&w)) {
        struct ctr_status s;
        bool killed;
        ctr_status(r, &w.c, &s);
        bool up = s.state != CTR_EXITED && s.state != CTR_CREATED;
        if (up && !jx_bool(w.c.record, "infra"))
            return 0; /* the infra container comes last: it stays */
        if (up && (stop_begin(r, &w.c, 0, e) < 0 || stop_finish(r, &w.c, -1, &killed, e) < 0))
            return -1;
    }
    return 0;
}

int verb_settle(int argc, char **argv)
{
    struct err e = ERR_INIT;
    struct roots r;
    char id[65];
    if (argc != 2 || roots_open(&r, &e) < 0)
        return EXIT_TOOL;
    return pod_find_id(&r, argv[1], id, &e) < 0 || settle(&r, id, &e) < 0 ? EXIT_TOOL : EXIT_DONE;
}
