/*
 * pod image mount, unmount: images as directories, read-only. Inside `pod unshare` only: a mount
 * of ours cannot be seen from outside the user namespace. What is mounted is what the kernel
 * says (/proc/self/mountinfo); nothing is recorded, so nothing can be stale.
 */
#include "store/room.h"

#include "disk/at.h"
#include "disk/mounts.h"
#include "things/spawn.h"
#include "words/template.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

enum { MAX_OPTIONS = 4095 };

struct mount_opts {
    bool all, force;
    const char *format;
};
static const struct opt mount_options[] = {
    {"all", 'a', OPT_BOOL, NULL, "Mount all images", offsetof(struct mount_opts, all)},
    {"format", 0, OPT_STR, "FORMAT", "json", offsetof(struct mount_opts, format)},
    {0},
};
static const struct opt unmount_options[] = {
    {"all", 'a', OPT_BOOL, NULL, "Unmount all images", offsetof(struct mount_opts, all)},
    {"force", 'f', OPT_BOOL, NULL, "Though a program is using it",
     offsetof(struct mount_opts, force)},
    {0},
};
static const struct cmd mount_cmd = {
    .name = "pod image mount",
    .operands = "[IMAGE...]",
    .summary = "Mount images read-only and print where; without IMAGE, list what is mounted",
    .more = "Inside `pod unshare` only.\n\nExit codes: 0 done, 125 pod failed.",
    .opts = mount_options,
    .min = 0,
    .max = -1,
};
static const struct cmd unmount_cmd = {
    .name = "pod image unmount",
    .operands = "[IMAGE...]",
    .summary = "Unmount images",
    .more = "Inside `pod unshare` only.\n\nExit codes: 0 done, 125 pod failed.",
    .opts = unmount_options,
    .min = 0,
    .max = -1,
};

static int inside(const char *verb, struct err *e)
{
    if (geteuid() == 0)
        return 0;
    err_set(
        e, 0,
        "cannot run command \"pod image %s\" in rootless mode, must execute `pod unshare` first",
        verb);
    return err_hint(e, "Type: pod unshare pod image %s", verb);
}

/* The mounted image's directory: the same as podman's. */
static char *mountpoint(const struct store *s, const json_t *img)
{
    return xasprintf("%s/overlay/%s/merged", s->roots->graph_path, jx_str(img, "layer"));
}

static int by_fuse(const char *options, const char *target, struct err *e)
{
    cleanup_free char *opts = xasprintf("ro,%s", options);
    char *argv[] = {"fuse-overlayfs", "-o", opts, (char *)target, NULL};
    struct spawn s = {.argv = argv, .in = -1, .out = -1, .err = SPAWN_INHERIT, .report = -1};
    pid_t pid;
    if (spawn(&s, &pid, e) < 0)
        return -1;
    return spawn_wait(pid) == 0 ? 0
                                : err_set(e, 0, "fuse-overlayfs could not mount \"%s\"", target);
}

/* Relative names below overlay/, so that many layers fit into the one page of mount options. */
static int mount_image(const struct store *s, const json_t *img, const char *target, struct err *e)
{
    struct strv lowers = STRV_INIT;
    cleanup(buf_free) struct buf o = BUF_INIT, fuse = BUF_INIT;
    if (store_lowers(s, jx_str(img, "layer"), &lowers, e) < 0)
        return -1;
    buf_adds(&o, "lowerdir=");
    for (size_t i = 0; i < lowers.n; i++)
        buf_addf(&o, "%s%s", i ? ":" : "", lowers.v[i]);
    bool one = lowers.n == 1;
    strv_free(&lowers);
    if (one) { /* the kernel wants two: the base layer's own empty directory is the other */
        if (mkdirat(s->roots->own, "cache/empty", 0700) < 0 && errno != EEXIST)
            return err_sys(e, "cannot create an empty directory");
        buf_adds(&o, ":../pod/cache/empty");
    }
    buf_adds(&fuse, o.s);
    buf_adds(&o, ",userxattr");
    if (o.len > MAX_OPTIONS)
        return err_set(e, 0, "image %.12s has too many layers to be mounted", jx_str(img, "id"));
    if ((mkdir(target, 0700) < 0 && errno != EEXIST) || fchdir(s->roots->graph) < 0 ||
        chdir("overlay") < 0)
        return err_sys(e, "cannot mount image %.12s at \"%s\"", jx_str(img, "id"), target);
    if (mount("overlay", target, "overlay", MS_RDONLY | MS_NODEV, o.s) == 0)
        return 0;
    if (errno == EPERM || errno == EINVAL || errno == ENODEV)
        return by_fuse(fuse.s, target, e);
    return err_sys(e, "cannot mount image %.12s at \"%s\"", jx_str(img, "id"), target);
}

static void add_row(json_t *rows, const json_t *img, const char *path)
{
    json_t *names = json_object_get(img, "names");
    json_array_append_new(rows,
                          json_pack("{s:s, s:[s], s:o, s:s}", "id", jx_str(img, "id"), "Names",
                                    jx_str(img, "digest"), "Repositories",
                                    names ? json_incref(names) : json_array(), "mountpoint", path));
}

static int print_rows(json_t *rows, const char *format, bool path_only, struct err *e)
{
    size_t i, width = 0;
    json_t *row;
    if (format && strcmp(format, "json") == 0) {
        cleanup(buf_free) struct buf out = BUF_INIT;
        if (template_json(rows, 1, 0, &out, e) < 0)
            return -1;
        puts(out.s);
        return 0;
    }
    if (format && *format)
        return err_set(e, 0, "unrecognized format \"%s\": only json", format);
    json_array_foreach(rows, i, row)
    {
        const char *name =
            json_string_value(json_array_get(json_object_get(row, "Repositories"), 0));
        width = name && strlen(name) > width ? strlen(name) : width;
    }
    json_array_foreach(rows, i, row)
    {
        const char *name =
            json_string_value(json_array_get(json_object_get(row, "Repositories"), 0));
        if (path_only)
            puts(jx_str(row, "mountpoint"));
        else
            printf("%-*s  %s\n", (int)width, name ? name : jx_str(row, "id"),
                   jx_str(row, "mountpoint"));
    }
    return 0;
}

static int list_mounted(const struct store *s, const struct strv *paths, json_t *rows)
{
    size_t i;
    json_t *img;
    store_foreach_image(s, i, img)
    {
        cleanup_free char *path = mountpoint(s, img);
        if (strv_has(paths, path))
            add_row(rows, img, path);
    }
    return 0;
}

static int mount_one(const struct room *r, json_t *img, const struct strv *paths, json_t *rows,
                     struct err *e)
{
    cleanup_free char *path = mountpoint(&r->store, img);
    if (!*jx_str(img, "layer"))
        return err_set(e, 0, "image %.12s has no layers to mount", jx_str(img, "id"));
    if (!strv_has(paths, path) && mount_image(&r->store, img, path, e) < 0)
        return -1;
    add_row(rows, img, path);
    event_image(&r->roots, "mount", jx_str(img, "id"), path);
    return 0;
}

static int mount_these(const struct room *r, const struct mount_opts *o, char **names, json_t *rows,
                       struct err *e)
{
    cleanup(strv_free) struct strv paths = STRV_INIT;
    size_t i;
    json_t *img;
    if (mounts_list(&paths, e) < 0)
        return -1;
    if (!o->all && !*names)
        return list_mounted(&r->store, &paths, rows);
    if (o->all)
        store_foreach_image(&r->store, i,
                            img) if (mount_one(r, img, &paths, rows, e) < 0) return -1;
    for (; *names; names++)
        if (store_find(&r->store, *names, &img, NULL, e) < 0 ||
            mount_one(r, img, &paths, rows, e) < 0)
            return -1;
    return 0;
}

int verb_mount(int argc, char **argv)
{
    struct mount_opts o = {0};
    struct err e = ERR_INIT;
    cleanup_room r = ROOM_INIT;
    cleanup_json rows = json_array();
    int code, first = say_parse(&mount_cmd, &o, argc, argv, &code);
    if (first < 0)
        return code;
    bool one = argc - first == 1 && !o.all;
    if (inside("mount", &e) < 0 || room_open(&r, &e) < 0 ||
        mount_these(&r, &o, argv + first, rows, &e) < 0 || print_rows(rows, o.format, one, &e) < 0)
        return say_error(&e);
    return say_end(EXIT_DONE);
}

static int unmount_one(const struct room *r, const json_t *img, const struct strv *paths,
                       bool force, struct err *e)
{
    cleanup_free char *path = mountpoint(&r->store, img);
    if (!strv_has(paths, path))
        return 0;
    if (umount2(path, UMOUNT_NOFOLLOW | (force ? MNT_DETACH : 0)) < 0)
        return err_sys(e, "cannot unmount image %.12s", jx_str(img, "id"));
    puts(jx_str(img, "id"));
    event_image(&r->roots, "unmount", jx_str(img, "id"), path);
    return 0;
}

static int unmount_these(const struct room *r, const struct mount_opts *o, char **names,
                         struct err *e)
{
    cleanup(strv_free) struct strv paths = STRV_INIT;
    size_t i;
    json_t *img;
    if (mounts_list(&paths, e) < 0)
        return -1;
    if (o->all)
        store_foreach_image(&r->store, i,
                            img) if (unmount_one(r, img, &paths, o->force, e) < 0) return -1;
    for (; *names; names++)
        if (store_find(&r->store, *names, &img, NULL, e) < 0 ||
            unmount_one(r, img, &paths, o->force, e) < 0)
            return -1;
    return 0;
}

int verb_unmount(int argc, char **argv)
{
    struct mount_opts o = {0};
    struct err e = ERR_INIT;
    cleanup_room r = ROOM_INIT;
    int code, first = say_parse(&unmount_cmd, &o, argc, argv, &code);
    if (first < 0)
        return code;
    if (first == argc && !o.all) {
        err_set(&e, 0, "at least one image name or id must be specified");
        return say_error(&e);
    }
    if (inside("unmount", &e) < 0 || room_open(&r, &e) < 0 ||
        unmount_these(&r, &o, argv + first, &e) < 0)
        return say_error(&e);
    return say_end(EXIT_DONE);
}
