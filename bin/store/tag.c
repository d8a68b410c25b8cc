/* pod tag, pod untag, pod image exists: names of images. */
#include "store/room.h"

#include <string.h>

static const struct cmd tag_cmd = {
    .name = "pod tag",
    .operands = "IMAGE NAME...",
    .summary = "Give an image further names",
    .more = "A name without a registry is put under localhost/. A name that another image has is\n"
            "taken from it.\n\nExit codes: 0 done, 125 pod failed.",
    .min = 2,
    .max = -1,
};
static const struct cmd untag_cmd = {
    .name = "pod untag",
    .operands = "IMAGE [NAME...]",
    .summary = "Take names from an image; without NAME, all",
    .more = "Exit codes: 0 done, 125 pod failed.",
    .min = 1,
    .max = -1,
};
static const struct cmd exists_cmd = {
    .name = "pod image exists",
    .operands = "IMAGE",
    .summary = "Is there an image of that name?",
    .more = "Exit codes: 0 yes, 1 no, 125 pod failed.",
    .min = 1,
    .max = 1,
};

static int add_names(char **names, struct err *e)
{
    cleanup_room r = ROOM_INIT;
    json_t *img;
    if (room_edit(&r, e) < 0 || store_find(&r.store, names[0], &img, NULL, e) < 0)
        return -1;
    for (char **n = names + 1; *n; n++) {
        cleanup_free char *full = NULL;
        if (store_normalize(*n, &full, e) < 0)
            return -1;
        if (strchr(full, '@'))
            return err_set(e, 0, "%s: tag by digest not supported", *n);
        store_name_add(&r.store, img, full);
    }
    if (store_save_images(&r.store, e) < 0)
        return -1;
    for (char **n = names + 1; *n; n++)
        event_image(&r.roots, "tag", jx_str(img, "id"), *n);
    return 0;
}

int verb_tag(int argc, char **argv)
{
    struct err e = ERR_INIT;
    int code, first = say_parse(&tag_cmd, NULL, argc, argv, &code);
    if (first < 0)
        return code;
    return add_names(argv + first, &e) < 0 ? say_error(&e) : EXIT_DONE;
}

static int drop_names(char **names, struct err *e)
{
    cleanup(strv_free) struct strv dropped = STRV_INIT;
    cleanup_room r = ROOM_INIT;
    json_t *img;
    if (room_edit(&r, e) < 0 || store_find(&r.store, names[0], &img, NULL, e) < 0)
        return -1;
    for (char **n = names + 1; *n; n++) {
        cleanup_free char *full = NULL;
        const char *name = NULL;
        json_t *same;
        struct err ignored = ERR_INIT;
        if (store_normalize(*n, &full, e) < 0)
            return -1;
        if (store_name_drop(img, full)) {
            strv_add(&dropped, full);
            continue;
        }
        if (store_find(&r.store, *n, &same, &name, &ignored) == 0 && same == img && name) {
            cleanup_free char *copy = xstrdup(name);
            store_name_drop(img, copy);
            strv_add(&dropped, copy);
        } else {
            return err_set(e, 0, "%s: tag not known", full);
        }
    }
    if (!names[1]) {
        jx_strv(img, "names", &dropped);
        json_object_set_new(img, "names", json_array());
    }
    if (store_save_images(&r.store, e) < 0)
        return -1;
    for (size_t i = 0; i < dropped.n; i++)
        event_image(&r.roots, "untag", jx_str(img, "id"), dropped.v[i]);
    return 0;
}

int verb_untag(int argc, char **argv)
{
    struct err e = ERR_INIT;
    int code, first = say_parse(&untag_cmd, NULL, argc, argv, &code);
    if (first < 0)
        return code;
    return drop_names(argv + first, &e) < 0 ? say_error(&e) : EXIT_DONE;
}

int verb_exists(int argc, char **argv)
{
    struct err e = ERR_INIT, none = ERR_INIT;
    int code, first = say_parse(&exists_cmd, NULL, argc, argv, &code);
    if (first < 0)
        return code;
    cleanup_room r = ROOM_INIT;
    json_t *img;
    if (roots_open(&r.roots, &e) < 0 || store_open_images(&r.roots, &r.store, &e) < 0)
        return say_error(&e);
    return store_find(&r.store, argv[first], &img, NULL, &none) < 0 ? EXIT_NO : EXIT_DONE;
}
