/* pod store check: one line for each thing that is broken or left over; --repair mends what it may.
 */
#include "store/findings.h"

#include "disk/at.h"

#include <unistd.h>

struct check_opts {
    bool repair, force, quick;
};
static const struct opt options[] = {
    {"quick", 'q', OPT_BOOL, NULL, "Do not read the files of the layers",
     offsetof(struct check_opts, quick)},
    {"repair", 'r', OPT_BOOL, NULL,
     "Mend links, remove leftovers, and unnamed images that cannot be used",
     offsetof(struct check_opts, repair)},
    {"force", 'f', OPT_BOOL, NULL, "With --repair: remove named images that cannot be used, too",
     offsetof(struct check_opts, force)},
    {0},
};
static const struct cmd command = {
    .name = "pod store check",
    .operands = "",
    .summary = "Look for what is broken in the image store",
    .more =
        "One line for each finding. Named images are never removed without --force. Files that\n"
        "you may not read are left out; `pod unshare pod store check` reads all.\n\n"
        "Exit codes: 0 nothing is broken (or all was mended), 1 something is, 125 pod failed.",
    .opts = options,
    .min = 0,
    .max = 0,
};

/* link and lower as the records want them. Parents have been mended before: ids come base first. */
static int write_links(const struct store *s, const char *id, struct err *e)
{
    char path[160], link[STORE_LINK_LEN + 1];
    cleanup(buf_free) struct buf lower = BUF_INIT;
    if (store_link_read(s->roots, id, link) < 0) {
        store_link_name(id, link);
        snprintf(path, sizeof path, "overlay/%.64s/link", id);
        if (at_write(s->roots->graph, path, link, STORE_LINK_LEN, 0644, AT_DURABLE) < 0)
            return err_sys(e, "layer %.12s: cannot write its link", id);
    }
    if (store_link_make(s->roots, id, link) < 0)
        return err_sys(e, "layer %.12s: cannot make its link", id);
    const char *up = jx_str(store_layer(s, id), "parent");
    for (int depth = 0; *up && depth < 500; depth++) {
        if (store_link_read(s->roots, up, link) < 0 && write_links(s, up, e) < 0)
            return -1;
        if (store_link_read(s->roots, up, link) < 0)
            return err_sys(e, "layer %.12s: cannot read its link", up);
        buf_addf(&lower, "%sl/%s", lower.len ? ":" : "", link);
        up = jx_str(store_layer(s, up), "parent");
    }
    snprintf(path, sizeof path, "overlay/%.64s/lower", id);
    if (lower.len && at_write(s->roots->graph, path, lower.s, lower.len, 0644, AT_DURABLE) < 0)
        return err_sys(e, "layer %.12s: cannot write its list of lower layers", id);
    return 0;
}

/* An image whose chain is broken by this layer. */
static bool stands_on(const struct store *s, const json_t *img, const char *layer)
{
    const char *id = jx_str(img, "layer");
    for (int depth = 0; *id && depth < 500; depth++) {
        if (strcmp(id, layer) == 0)
            return true;
        id = jx_str(store_layer(s, id), "parent");
    }
    return false;
}

/* Unnamed ones go; named ones with --force; used ones never. false: it stays. */
static bool drop_bad_image(struct store *s, json_t *img, bool force, struct strv *garbage)
{
    struct strv users = STRV_INIT;
    struct err e = ERR_INIT;
    bool go = (force || image_names(img) == 0) &&
              store_users(s, jx_str(img, "id"), &users, &e) == 0 && users.n == 0;
    strv_free(&users);
    if (!go) {
        printf("image %.12s (%s): not removed: %s\n", jx_str(img, "id"),
               image_names(img) ? image_name(img, 0) : "<none>",
               image_names(img) && !force ? "it has a name; --force removes it, then pull it again"
                                          : "a container uses it");
        return false;
    }
    printf("image %.12s: removed; pull it again where it is needed\n", jx_str(img, "id"));
    store_image_drop(s, img, garbage);
    return true;
}

static bool repair_images(struct store *s, const struct finding *f, bool force,
                          struct strv *garbage)
{
    bool all = true;
    for (size_t i = json_array_size(s->images); i-- > 0;) {
        json_t *img = json_array_get(s->images, i);
        if (store_record_ok(img) &&
            (f->kind == FOUND_BAD_IMAGE ? strcmp(jx_str(img, "id"), f->id) == 0
                                        : stands_on(s, img, f->id)))
            all = drop_bad_image(s, img, force, garbage) && all;
    }
    /* the record of a layer without files hides that a pull would bring it */
    if (all && f->kind == FOUND_BAD_LAYER && store_layer(s, f->id) && !store_layer_needed(s, f->id))
        store_layer_drop(s, f->id, garbage);
    return all;
}

/* Returns how many findings remain, -1 with e when it could not go on. */
static int repair(struct room *r, const struct findings *l, bool force, struct err *e)
{
    cleanup(strv_free) struct strv garbage = STRV_INIT;
    int left = 0;
    for (size_t i = 0; i < l->n; i++) {
        const struct finding *f = &l->v[i];
        if (f->kind == FOUND_LINK) {
            if (i > 0 && l->v[i - 1].kind == FOUND_LINK && strcmp(l->v[i - 1].id, f->id) == 0)
                continue;
            if (write_links(&r->store, f->id, e) < 0)
                return -1;
            printf("layer %.12s: links written anew\n", f->id);
        } else if (f->kind == FOUND_BAD_IMAGE || f->kind == FOUND_BAD_LAYER) {
            left += !repair_images(&r->store, f, force, &garbage);
        } else {
            left += f->kind == FOUND_DAMAGE;
        }
    }
    if (garbage.n && store_save_removed(&r->store, &garbage, e) < 0)
        return -1;
    return left;
}

static int print_leftovers(const struct room *r)
{
    cleanup(strv_free) struct strv paths = STRV_INIT;
    find_orphans(&r->store, &paths);
    find_dangling_links(&r->store, &paths);
    for (size_t i = 0; i < paths.n; i++)
        printf("%s: no record names it\n", paths.v[i]);
    size_t more = find_leftovers(&r->roots);
    if (more)
        printf("pod/staging, pod/trash: %zu left by programs that were ended\n", more);
    return (int)paths.n; /* what waits for gc is no damage */
}

static int look(struct room *r, const struct check_opts *o, struct err *e)
{
    struct findings l = {0};
    find_bad_layers(&r->store, &l);
    if (!o->quick)
        find_bad_splits(&r->store, &l);
    find_bad_images(&r->store, &l);
    for (size_t i = 0; i < l.n; i++)
        puts(l.v[i].text);
    int broken = print_leftovers(r) + (int)l.n;
    if (o->repair)
        broken = repair(r, &l, o->force, e);
    findings_free(&l);
    return broken;
}

int verb_check(int argc, char **argv)
{
    struct check_opts o = {0};
    struct err e = ERR_INIT;
    int code, broken = -1;
    if (say_parse(&command, &o, argc, argv, &code) < 0)
        return code;
    {
        cleanup_room r = ROOM_INIT;
        if ((o.repair ? room_edit(&r, &e) : room_open(&r, &e)) == 0)
            broken = look(&r, &o, &e);
    }
    if (broken < 0 && strstr(e.msg, "malformed JSON")) {
        printf("%s\n", e.msg);
        printf("The list cannot be mended. Move it away, and pull the images again\n");
        return say_end(EXIT_NO);
    }
    if (broken < 0)
        return say_error(&e);
    if (o.repair) { /* leftovers are gc's */
        char *gc[] = {"gc", "--quiet", NULL};
        fflush(stdout);
        code = verb_gc(2, gc);
        if (code != EXIT_DONE)
            return code;
    }
    return say_end(broken ? EXIT_NO : EXIT_DONE);
}
