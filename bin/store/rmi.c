/* pod rmi: names first; an image goes with its last one, and so do layers nobody else needs. */
#include "store/room.h"

#include "disk/at.h"
#include "things/spawn.h"

#include <sys/mount.h>
#include <unistd.h>

struct rmi_opts {
    bool all, force, ignore, no_prune;
};

static const struct opt options[] = {
    {"all", 'a', OPT_BOOL, NULL, "Remove all images", offsetof(struct rmi_opts, all)},
    {"force", 'f', OPT_BOOL, NULL, "Remove pod's containers of the image too, and all its names",
     offsetof(struct rmi_opts, force)},
    {"ignore", 'i', OPT_BOOL, NULL, "An image that is not there is no error",
     offsetof(struct rmi_opts, ignore)},
    {"no-prune", 0, OPT_BOOL, NULL, "Keep the unnamed images it was built on",
     offsetof(struct rmi_opts, no_prune)},
    {0},
};
static const struct cmd command = {
    .name = "pod rmi",
    .operands = "IMAGE...",
    .summary = "Remove images",
    .more = "Exit codes: 0 done, 1 an image was not there, 2 an image is in use by a container,\n"
            "125 pod failed.",
    .opts = options,
    .min = 0,
    .max = -1,
};

struct rmi {
    struct room room;
    struct rmi_opts o;
    struct strv garbage;
    struct buf said;    /* printed when the lists are written */
    struct strv events; /* status, id, name; … */
    struct errors errors;
    bool missing, in_use, other;
};

static void happens(struct rmi *x, const char *status, const json_t *img, const char *name)
{
    strv_add(&x->events, status);
    strv_add(&x->events, jx_str(img, "id"));
    strv_add(&x->events, name);
}

/* called: how the person named it */
static void drop_image(struct rmi *x, json_t *img, const char *called)
{
    json_t *parent = x->o.no_prune ? NULL : image_parent(&x->room.store, img);
    for (size_t i = 0; i < image_names(img); i++)
        buf_addf(&x->said, "Untagged: %s\n", image_name(img, i));
    buf_addf(&x->said, "Deleted: %s\n", jx_str(img, "id"));
    happens(x, "remove", img, called);
    store_image_drop(&x->room.store, img, &x->garbage);
    struct strv users = STRV_INIT;
    struct err ignored = ERR_INIT;
    if (parent && image_dangling(&x->room.store, parent) &&
        store_users(&x->room.store, jx_str(parent, "id"), &users, &ignored) == 0 && users.n == 0)
        drop_image(x, parent, jx_str(parent, "id"));
    strv_free(&users);
}

static void fail(struct rmi *x, const struct err *e, bool *kind)
{
    *kind = true;
    errors_add(&x->errors, e);
}

/* false when a container stands in the way */
static bool free_to_go(struct rmi *x, const json_t *img)
{
    struct strv users = STRV_INIT;
    struct err e = ERR_INIT;
    bool ok = store_users(&x->room.store, jx_str(img, "id"), &users, &e) == 0;
    if (!ok)
        fail(x, &e, &x->other);
    if (users.n) {
        err_set(&e, 2,
                "image used by %s: image is in use by a container: consider listing external "
                "containers and force-removing image",
                users.v[0]);
        char own[128];
        snprintf(own, sizeof own, "containers/%.64s", users.v[0]);
        err_hint(&e,
                 at_exists(x->room.roots.own, own) ? "Type: pod rm %.12s"
                                                   : "It is another program's. Type: podman rm "
                                                     "%.12s, or buildah rm %.12s",
                 users.v[0], users.v[0]);
        fail(x, &e, &x->in_use);
        ok = false;
    }
    strv_free(&users);
    return ok;
}

static void many_names(struct rmi *x, const json_t *img)
{
    struct err e = ERR_INIT;
    cleanup(buf_free) struct buf names = BUF_INIT;
    for (size_t i = 0; i < image_names(img); i++)
        buf_addf(&names, "%s%s", i ? " " : "", image_name(img, i));
    err_set(
        &e, 0,
        "unable to delete image \"%s\" by ID with more than one tag ([%s]): please force removal",
        jx_str(img, "id"), buf_str(&names));
    fail(x, &e, &x->other);
}

static void remove_one(struct rmi *x, const char *typed)
{
    struct err e = ERR_INIT;
    json_t *img;
    const char *name;
    if (store_find(&x->room.store, typed, &img, &name, &e) < 0) {
        if (!x->o.ignore && !x->o.force)
            fail(x, &e, &x->missing);
        return;
    }
    if (name && image_names(img) > 1) {
        cleanup_free char *copy = xstrdup(name);
        store_name_drop(img, copy);
        happens(x, "untag", img, copy);
        buf_addf(&x->said, "Untagged: %s\n", copy);
        return;
    }
    if (!name && image_names(img) > 1 && !x->o.force)
        many_names(x, img);
    else if (free_to_go(x, img))
        drop_image(x, img, typed);
}

static void remove_all(struct rmi *x)
{
    struct strv ids = STRV_INIT;
    size_t i;
    json_t *img;
    store_foreach_image(&x->room.store, i, img) strv_add(&ids, jx_str(img, "id"));
    for (i = 0; i < ids.n; i++) {
        img = store_image(&x->room.store, ids.v[i]);
        if (img && free_to_go(x, img))
            drop_image(x, img, ids.v[i]);
    }
    strv_free(&ids);
}

/* pod's own containers of the images: they go before the locks are taken. */
static int remove_containers(char **names, bool all, struct err *e)
{
    cleanup_room r = ROOM_INIT;
    struct strv argv = STRV_INIT, users = STRV_INIT;
    struct err ignored = ERR_INIT;
    size_t i;
    json_t *img;
    const char *name;
    if (room_open(&r, e) < 0)
        return -1;
    for (; !all && *names; names++)
        if (store_find(&r.store, *names, &img, &name, &ignored) == 0 &&
            (!name || image_names(img) < 2))
            (void)store_users(&r.store, jx_str(img, "id"), &users, &ignored);
    if (all)
        store_foreach_image(&r.store, i, img)(void)
            store_users(&r.store, jx_str(img, "id"), &users, &ignored);
    strv_take(&argv, bin_path("pod-rm"));
    strv_add(&argv, "-f");
    strv_add(&argv, "-t");
    strv_add(&argv, "0");
    size_t fixed = argv.n;
    for (i = 0; i < users.n; i++) {
        char own[128];
        snprintf(own, sizeof own, "containers/%.64s", users.v[i]);
        if (at_exists(r.roots.own, own))
            strv_add(&argv, users.v[i]);
    }
    struct spawn s = {.argv = argv.v, .in = -1, .out = -1, .err = SPAWN_INHERIT, .report = -1};
    pid_t pid;
    int result = argv.n > fixed ? spawn(&s, &pid, e) : 0;
    if (argv.n > fixed && result == 0)
        spawn_wait(pid);
    strv_free(&argv);
    strv_free(&users);
    return result;
}

/* Inside `pod unshare` an image may be mounted where we see it: a mount that is busy would stay. */
static void unmount_all(const struct rmi *x)
{
    for (size_t i = 0; i < x->garbage.n && geteuid() == 0; i++) {
        if (!str_starts(x->garbage.v[i], "layer "))
            continue;
        cleanup_free char *path = xasprintf("%s/overlay/%s/merged", x->room.roots.graph_path,
                                            x->garbage.v[i] + strlen("layer "));
        (void)umount2(path, MNT_DETACH | UMOUNT_NOFOLLOW);
    }
}

static int finish(struct rmi *x)
{
    struct err e = ERR_INIT;
    unmount_all(x);
    if (x->said.len && store_save_removed(&x->room.store, &x->garbage, &e) < 0)
        return say_error(&e);
    fputs(buf_str(&x->said), stdout);
    for (size_t i = 0; i + 2 < x->events.n; i += 3)
        event_image(&x->room.roots, x->events.v[i], x->events.v[i + 1], x->events.v[i + 2]);
    store_close(&x->room.store); /* nobody waits for the disk to be freed */
    if (x->garbage.n && store_trash_empty(&x->room.roots, &e) < 0)
        fail(x, &e, &x->other);
    errors_say(&x->errors);
    return x->in_use ? 2 : x->other ? EXIT_TOOL : x->missing ? EXIT_NO : EXIT_DONE;
}

int verb_rmi(int argc, char **argv)
{
    struct rmi x = {.room = ROOM_INIT};
    struct err e = ERR_INIT;
    int code, first = say_parse(&command, &x.o, argc, argv, &code);
    if (first < 0)
        return code;
    if (first == argc && !x.o.all) {
        err_set(&e, 0, "image name or ID must be specified");
        return say_error(&e);
    }
    if (first < argc && x.o.all) {
        err_set(&e, 0, "when using the --all switch, you may not pass any images names or IDs");
        return say_error(&e);
    }
    if ((x.o.force && remove_containers(argv + first, x.o.all, &e) < 0) ||
        room_edit(&x.room, &e) < 0) {
        room_close(&x.room);
        return say_error(&e);
    }
    if (x.o.all)
        remove_all(&x);
    for (int i = first; i < argc; i++)
        remove_one(&x, argv[i]);
    code = finish(&x);
    room_close(&x.room);
    strv_free(&x.garbage);
    buf_free(&x.said);
    return say_end(code);
}
