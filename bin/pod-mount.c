/*
 * pod-mount and pod-unmount: the files of containers as directories, inside `pod unshare`.
 *
 * One that runs is there already, as its first process sees it. The layers of another are mounted
 * where only this session sees them, and are gone with it: nothing is recorded.
 */
#include "say.h"

#include "disk/journal.h"
#include "disk/lock.h"
#include "disk/mounts.h"
#include "plain/fdio.h"
#include "things/select.h"
#include "things/table.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

#define MAX_OPTIONS 4095 /* the kernel's page */

struct options {
    struct select which;
    bool force, no_trunc;
    const char *format;
};
#define AT(f) offsetof(struct options, f)
static const struct opt mount_options[] = {
    {"all", 'a', OPT_BOOL, NULL, "All containers", AT(which.all)},
    {"format", 0, OPT_STR, "FORMAT", "json", AT(format)},
    {"latest", 'l', OPT_BOOL, NULL, "The container created last", AT(which.latest)},
    {"notruncate", 0, OPT_BOOL, NULL, "Whole IDs in the list", AT(no_trunc)},
    {0},
};
static const struct cmd mount_command = {
    .name = "pod mount",
    .operands = "[CONTAINER...]",
    .summary = "Mount containers' files and print where; without CONTAINER, list what is mounted",
    .more = "Inside `pod unshare` only.\n\nExit codes: 0 done, 125 pod failed.",
    .opts = mount_options,
    .max = -1,
};
static const struct opt unmount_options[] = {
    {"all", 'a', OPT_BOOL, NULL, "All containers", AT(which.all)},
    {"force", 'f', OPT_BOOL, NULL, "Though a program is using it", AT(force)},
    {"latest", 'l', OPT_BOOL, NULL, "The container created last", AT(which.latest)},
    {0},
};
static const struct cmd unmount_command = {
    .name = "pod unmount",
    .operands = "CONTAINER...",
    .summary = "Unmount containers' files",
    .more = "Inside `pod unshare` only.\n\nExit codes: 0 done, 125 pod failed.",
    .opts = unmount_options,
    .max = -1,
};

/* Where its files are, or would be. The caller's. */
static char *place_of(const struct roots *r, const struct ctr *c, const struct ctr_status *s)
{
    const char *rootfs = jx_str0(c->record, "rootfs");
    if (ctr_is_up(s))
        return xasprintf("/proc/%d/root", s->pid);
    if (rootfs && !jx_bool(c->record, "rootfsOverlay"))
        return xstrdup(rootfs);
    return xasprintf("%s/pod/containers/%s/rootfs", r->graph_path, c->id);
}

static bool is_there(const struct ctr *c, const struct ctr_status *s, const char *place,
                     const struct strv *mounted)
{
    bool own = jx_str0(c->record, "rootfs") && !jx_bool(c->record, "rootfsOverlay");
    return ctr_is_up(s) || own || strv_has(mounted, place);
}

/* Layers by names relative to their directory, so that many fit into the one page of options. */
static int mount_layers(const struct roots *r, const struct ctr *c, const char *place,
                        struct err *e)
{
    cleanup(buf_free) struct buf o = BUF_INIT;
    cleanup(strv_free) struct strv lowers = STRV_INIT;
    cleanup_free char *base = xasprintf("%s/overlay", r->graph_path);
    jx_strv(c->record, "lowers", &lowers);
    if (jx_str0(c->record, "rootfs"))
        strv_add(&lowers, jx_str(c->record, "rootfs"));
    buf_adds(&o, "lowerdir=");
    for (size_t i = 0; i < lowers.n; i++)
        buf_addf(&o, "%s%s", i ? ":" : "", lowers.v[i]);
    buf_addf(&o, ",upperdir=../pod/containers/%s/upper,workdir=../pod/containers/%s/work,userxattr",
             c->id, c->id);
    if (o.len > MAX_OPTIONS)
        return err_set(e, 0, "container %s has too many layers to be mounted", ctr_name(c));
    if (chdir(base) < 0 || mount("overlay", place, "overlay", 0, o.s) < 0)
        return err_sys(e, "cannot mount the files of container %s", ctr_name(c));
    return 0;
}

static int mount_one(const struct roots *r, const char *name, const struct strv *mounted,
                     json_t *rows, struct err *e)
{
    struct ctr c;
    struct ctr_status s;
    if (ctr_find(r, name, &c, e) < 0)
        return -1;
    /* on its way up or down it is neither the one nor the other */
    cleanup_fd int lock = lock_try(c.dir, "lock", LOCK_EXCLUSIVE);
    ctr_status(r, &c, &s);
    cleanup_free char *place = place_of(r, &c, &s);
    int res = 0;
    if (!is_there(&c, &s, place, mounted)) {
        res = lock < 0 ? err_set(e, 0, "container %s is being changed by another command", c.id)
                       : mount_layers(r, &c, place, e);
        if (res == 0)
            journal_container(c.dir, "mount", NULL);
    }
    if (res == 0)
        json_array_append_new(rows, json_pack("{s:s, s:[s], s:s}", "id", c.id, "Names",
                                              ctr_name(&c), "mountpoint", place));
    ctr_close(&c);
    return res;
}

static int list_mounted(const struct roots *r, const struct strv *mounted, json_t *rows,
                        struct err *e)
{
    cleanup_walk w = {.roots = r};
    if (ctr_list(r, &w.ids, e) < 0)
        return -1;
    while (ctr_walk(&w)) {
        struct ctr_status s;
        ctr_status(r, &w.c, &s);
        cleanup_free char *place = place_of(r, &w.c, &s);
        if (ctr_is_up(&s) || strv_has(mounted, place))
            json_array_append_new(rows, json_pack("{s:s, s:[s], s:s}", "id", w.c.id, "Names",
                                                  ctr_name(&w.c), "mountpoint", place));
    }
    return 0;
}

static void print(const struct options *o, const json_t *rows, bool alone)
{
    const json_t *row;
    size_t i;
    if (o->format) {
        cleanup_free char *text = json_dumps(rows, JSON_INDENT(1));
        puts(text);
        return;
    }
    json_array_foreach(rows, i, row)
    {
        if (alone)
            puts(jx_str(row, "mountpoint"));
        else
            printf("%.*s %s\n", o->no_trunc ? 64 : 12, jx_str(row, "id"),
                   jx_str(row, "mountpoint"));
    }
}

static int do_mount(const struct roots *r, const struct options *o, char **operands, struct err *e)
{
    cleanup(strv_free) struct strv mounted = STRV_INIT, names = STRV_INIT;
    cleanup_json rows = json_array();
    int code = 0;
    if (o->format && strcmp(o->format, "json") != 0)
        return err_set(e, 0, "unknown --format argument: %s", o->format);
    if (mounts_list(&mounted, e) < 0)
        return -1;
    if (!*operands && !o->which.all && !o->which.latest) {
        if (list_mounted(r, &mounted, rows, e) < 0)
            return -1;
    } else if (select_names(r, &o->which, operands, &names, e) < 0) {
        return -1;
    }
    for (size_t i = 0; i < names.n; i++) {
        struct err one = ERR_INIT;
        if (mount_one(r, names.v[i], &mounted, rows, &one) < 0)
            code = say_error(&one);
    }
    print(o, rows, names.n == 1);
    return code;
}

static int unmount_one(const struct roots *r, const char *name, const struct options *o,
                       const struct strv *mounted, struct err *e)
{
    struct ctr c;
    if (ctr_find(r, name, &c, e) < 0)
        return -1;
    cleanup_free char *place = xasprintf("%s/pod/containers/%s/rootfs", r->graph_path, c.id);
    int res = 0;
    if (strv_has(mounted, place)) {
        res = umount2(place, UMOUNT_NOFOLLOW | (o->force ? MNT_DETACH : 0)) < 0
                  ? err_sys(e, "cannot unmount container %s", ctr_name(&c))
                  : 0;
        if (res == 0)
            journal_container(c.dir, "unmount", NULL);
        if (res == 0)
            puts(c.id);
    } else if (!o->which.all) {
        puts(c.id); /* one that runs keeps its own */
    }
    ctr_close(&c);
    return res;
}

static int do_unmount(const struct roots *r, const struct options *o, char **operands,
                      struct err *e)
{
    cleanup(strv_free) struct strv mounted = STRV_INIT, names = STRV_INIT;
    int code = 0;
    if (mounts_list(&mounted, e) < 0 || select_names(r, &o->which, operands, &names, e) < 0)
        return -1;
    for (size_t i = 0; i < names.n; i++) {
        struct err one = ERR_INIT;
        if (unmount_one(r, names.v[i], o, &mounted, &one) < 0)
            code = say_error(&one);
    }
    return code;
}

int main(int argc, char **argv)
{
    struct err e = ERR_INIT;
    struct options o = {0};
    struct roots r;
    const char *self = strrchr(argv[0], '/') ? strrchr(argv[0], '/') + 1 : argv[0];
    bool mounting = strcmp(self, "pod-mount") == 0;
    int code = 0;
    int first = say_parse(mounting ? &mount_command : &unmount_command, &o, argc, argv, &code);
    if (first < 0)
        return code;
    if (geteuid() != 0 && !(mounting && !argv[first] && !o.which.all && !o.which.latest)) {
        err_set(&e, 0,
                "cannot run command \"pod %s\" in rootless mode, must execute `pod unshare` first",
                self + strlen("pod-"));
        err_hint(&e, "Type: pod unshare pod %s%s%s", self + strlen("pod-"), argv[first] ? " " : "",
                 argv[first] ? argv[first] : "");
        return say_error(&e);
    }
    if (roots_open(&r, &e) < 0)
        return say_error(&e);
    int res = mounting ? do_mount(&r, &o, argv + first, &e) : do_unmount(&r, &o, argv + first, &e);
    return res < 0 ? say_error(&e) : say_end(res);
}
