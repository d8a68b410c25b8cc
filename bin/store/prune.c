/* pod image prune: images without a name, or all that no container needs. */
#include "store/filter.h"

struct prune_opts {
    bool all, external, force;
    struct strv filters;
};

static const struct opt options[] = {
    {"all", 'a', OPT_BOOL, NULL, "All images that no container uses, not only unnamed ones",
     offsetof(struct prune_opts, all)},
    {"external", 0, OPT_BOOL, NULL, NULL, offsetof(struct prune_opts, external)},
    {"filter", 0, OPT_LIST, "KEY=VALUE", "Only those that match: label, until",
     offsetof(struct prune_opts, filters)},
    {"force", 'f', OPT_BOOL, NULL, "Do not ask", offsetof(struct prune_opts, force)},
    {0},
};
static const struct cmd command = {
    .name = "pod image prune",
    .operands = "",
    .summary = "Remove images that nobody needs",
    .more = "Exit codes: 0 done, 125 pod failed.",
    .opts = options,
};

static bool unused(const struct store *s, const json_t *img)
{
    cleanup(strv_free) struct strv users = STRV_INIT;
    struct err e = ERR_INIT;
    return store_users(s, jx_str(img, "id"), &users, &e) == 0 && users.n == 0;
}

/* What an image was built on goes after it: no longer needed then. */
static bool candidate(const struct store *s, const json_t *img, bool all)
{
    if (!all)
        return image_dangling(s, img);
    return image_names(img) || !image_has_child(s, img);
}

static void choose(struct room *r, const struct prune_opts *o, const struct filter *f,
                   struct strv *garbage, struct strv *gone)
{
    for (bool again = true; again;) {
        size_t i;
        json_t *img;
        again = false;
        store_foreach_image(&r->store, i, img)
        {
            if (!candidate(&r->store, img, o->all) || !unused(&r->store, img) ||
                !filter_match(f, img))
                continue;
            strv_add(gone, jx_str(img, "id"));
            store_image_drop(&r->store, img, garbage);
            again = true;
            break;
        }
    }
}

int verb_prune(int argc, char **argv)
{
    struct prune_opts o = {0};
    struct err e = ERR_INIT;
    cleanup_room r = ROOM_INIT;
    struct filter *f = NULL;
    cleanup(strv_free) struct strv garbage = STRV_INIT;
    cleanup(strv_free) struct strv gone = STRV_INIT;
    int code;
    if (say_parse(&command, &o, argc, argv, &code) < 0)
        return code;
    int yes = o.force ? 1
                      : say_confirm(o.all ? "This command removes all images without at least one "
                                            "container associated with them."
                                          : "This command removes all dangling images.");
    if (yes <= 0)
        return say_end(yes ? EXIT_TOOL : 0);
    if (room_edit(&r, &e) < 0 || filter_compile(&r.store, &o.filters, &f, &e) < 0)
        return say_error(&e);
    choose(&r, &o, f, &garbage, &gone);
    filter_free(f);
    if (gone.n && store_save_removed(&r.store, &garbage, &e) < 0)
        return say_error(&e);
    for (size_t i = 0; i < gone.n; i++) {
        puts(gone.v[i]);
        event_image(&r.roots, "remove", gone.v[i], gone.v[i]);
    }
    store_close(&r.store); /* nobody waits for the disk to be freed */
    if (garbage.n && store_trash_empty(&r.roots, &e) < 0)
        return say_error(&e);
    return say_end(0);
}
