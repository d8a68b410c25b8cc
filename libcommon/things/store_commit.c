/*
 * A pulled image becomes true. Outside the locks: links, items and attributes are put into
 * staging and everything goes to disk at once (syncfs). Inside: renames and two list writes.
 */
#include "disk/at.h"
#include "disk/rmtree.h"
#include "plain/fdio.h"
#include "things/reown.h"
#include "things/store_files.h"
#include "things/store_write.h"
#include "words/ident.h"
#include "words/sha256.h"
#include "words/timefmt.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct commit {
    const struct roots *r;
    const struct new_layer *layers;
    size_t n;
    const struct new_image *img;
    char items[80]; /* staging/image-… with the big data */
    bool replaced;  /* something that lay in the way is in the trash */
};

void store_layer_id(const char *parent, const struct digest *diff, char ret[DIGEST_HEX + 1])
{
    struct digest d = *diff;
    if (parent && *parent) {
        char text[2 * DIGEST_HEX + 2];
        int n = snprintf(text, sizeof text, "%s+%s", parent, diff->hex);
        d = sha256_of(text, (size_t)n);
    }
    memcpy(ret, d.hex, sizeof d.hex);
}

static const struct new_layer *in_batch(const struct commit *c, const char *id)
{
    for (size_t i = 0; i < c->n; i++)
        if (strcmp(c->layers[i].id, id) == 0)
            return &c->layers[i];
    return NULL;
}

/* "l/PARENT:l/GRANDPARENT:…"; what is in overlay/ already decides over what we would call it. */
static void lower_text(const struct commit *c, const struct store *s, const char *parent,
                       struct buf *out)
{
    for (size_t depth = 0; *parent && depth < STORE_MAX_DEPTH; depth++) {
        char link[STORE_LINK_LEN + 1];
        const struct new_layer *mine = in_batch(c, parent);
        if (store_link_read(c->r, parent, link) < 0)
            store_link_name(parent, link);
        buf_addf(out, "%sl/%s", out->len ? ":" : "", link);
        parent = mine ? mine->parent : jx_str(store_layer(s, parent), "parent");
    }
}

/* As containers/storage: the root of a layer looks like its parent's, a base layer's is 0555. */
static int dress_root(const struct commit *c, const struct new_layer *l, const char *diff,
                      struct err *e)
{
    struct stat st = {.st_mode = 0555};
    char path[160];
    const struct new_layer *parent = in_batch(c, l->parent);
    if (parent && parent->staging[0]) {
        snprintf(path, sizeof path, "staging/%s/diff", parent->staging);
        (void)fstatat(c->r->own, path, &st, 0);
    } else if (l->parent[0]) {
        snprintf(path, sizeof path, "overlay/%s/diff", l->parent);
        (void)fstatat(c->r->graph, path, &st, 0);
    }
    if (fchmodat(c->r->own, diff, st.st_mode & 07777, 0) < 0)
        return err_sys(e, "layer %.12s: cannot set the mode of its root", l->id);
    return 0;
}

static int stage_layer(const struct commit *c, const struct store *s, const struct new_layer *l,
                       struct err *e)
{
    static const char *const dirs[] = {"work", "merged", "empty"};
    char path[160], link[STORE_LINK_LEN + 1];
    cleanup(buf_free) struct buf lower = BUF_INIT;
    for (size_t i = 0; i < (l->parent[0] ? 2u : 3u); i++) {
        snprintf(path, sizeof path, "staging/%s/%s", l->staging, dirs[i]);
        if (mkdirat(c->r->own, path, 0700) < 0 && errno != EEXIST)
            return err_sys(e, "layer %.12s: cannot create \"%s\"", l->id, dirs[i]);
    }
    store_link_name(l->id, link);
    lower_text(c, s, l->parent, &lower);
    snprintf(path, sizeof path, "staging/%s/link", l->staging);
    if (at_write(c->r->own, path, link, STORE_LINK_LEN, 0644, AT_PLAIN) < 0)
        return err_sys(e, "layer %.12s: cannot write its link", l->id);
    snprintf(path, sizeof path, "staging/%s/lower", l->staging);
    if (lower.len && at_write(c->r->own, path, lower.s, lower.len, 0644, AT_PLAIN) < 0)
        return err_sys(e, "layer %.12s: cannot write its list of lower layers", l->id);
    snprintf(path, sizeof path, "staging/%s/diff", l->staging);
    if (!at_exists(c->r->own, path))
        return err_set(e, 0, "layer %.12s: nothing was unpacked for it", l->id);
    return dress_root(c, l, path, e);
}

static int stage_items(struct commit *c, struct err *e)
{
    at_temp_name(c->items, sizeof c->items, "staging/image-");
    if (mkdirat(c->r->own, c->items, 0700) < 0)
        return err_sys(e, "cannot create \"%s/pod/%s\"", c->r->graph_path, c->items);
    for (size_t i = 0; i < c->img->nbig; i++) {
        const struct new_big *b = &c->img->big[i];
        char name[256], path[400];
        if (store_big_name(b->key, name, sizeof name) < 0)
            return err_set(e, 0, "\"%s\" cannot be the name of an item of an image", b->key);
        snprintf(path, sizeof path, "%s/%s", c->items, name);
        if (at_write(c->r->own, path, b->p, b->n, 0600, AT_PLAIN) < 0)
            return err_sys(e, "cannot write an item of image %.12s", c->img->id);
    }
    return 0;
}

static int stage(struct commit *c, struct err *e)
{
    cleanup_store s = STORE_INIT;
    if (store_open(c->r, &s, e) < 0)
        return -1;
    for (size_t i = 0; i < c->n; i++)
        if (c->layers[i].staging[0] && stage_layer(c, &s, &c->layers[i], e) < 0)
            return -1;
    if (stage_items(c, e) < 0)
        return -1;
    if (syncfs(c->r->graph) < 0)
        return err_sys(e, "cannot bring the image to disk in \"%s\"", c->r->graph_path);
    return 0;
}

static json_t *ids_array(const uint32_t *ids, size_t n)
{
    json_t *a = json_array();
    for (size_t i = 0; i < n; i++)
        json_array_append_new(a, json_integer(ids[i]));
    return a;
}

static json_t *layer_record(const struct new_layer *l)
{
    char now[40];
    json_t *o = json_object();
    timefmt_now(now, sizeof now);
    jx_set_str(o, "id", l->id);
    jx_set_str(o, "parent", l->parent);
    jx_set_str(o, "created", now);
    if (l->compressed_size >= 0) {
        jx_set_str(o, "compressed-diff-digest", digest_text(&l->compressed).s);
        jx_set(o, "compressed-size", json_integer(l->compressed_size));
    }
    jx_set_str(o, "diff-digest", digest_text(&l->diff).s);
    jx_set(o, "diff-size", json_integer(l->diff_size));
    if (l->compression != STORE_PLAIN)
        jx_set(o, "compression", json_integer(l->compression));
    jx_set(o, "uidset", ids_array(l->uids, l->nuids));
    jx_set(o, "gidset", ids_array(l->gids, l->ngids));
    return o;
}

/* A record of that id which is incomplete, or whose files are gone, makes room for ours. */
static void forget_layer(struct store *s, const char *id)
{
    for (int k = 0; k < 2; k++)
        for (size_t i = json_array_size(s->layers[k]); i-- > 0;)
            if (str_eq(jx_str0(json_array_get(s->layers[k], i), "id"), id))
                json_array_remove(s->layers[k], i);
    json_object_del(s->layer_by_id, id);
}

static int move_layer(struct commit *c, struct store *s, const struct new_layer *l, struct err *e)
{
    char from[160], to[160], link[STORE_LINK_LEN + 1];
    cleanup(buf_free) struct buf lower = BUF_INIT, staged = BUF_INIT;
    snprintf(to, sizeof to, "overlay/%s", l->id);
    c->replaced = c->replaced || at_exists(c->r->graph, to);
    if (store_trash(c->r, to, e) < 0)
        return -1;
    lower_text(c, s, l->parent, &lower);
    snprintf(from, sizeof from, "staging/%s/lower", l->staging);
    (void)at_read(c->r->own, from, 65536, &staged);
    if (strcmp(buf_str(&lower), buf_str(&staged)) != 0 &&
        at_write(c->r->own, from, lower.s, lower.len, 0644, AT_DURABLE) < 0)
        return err_sys(e, "layer %.12s: cannot write its list of lower layers", l->id);
    snprintf(from, sizeof from, "staging/%s/" STORE_STAGED_TAR_SPLIT, l->staging);
    snprintf(to, sizeof to, "overlay-layers/%s.tar-split.gz", l->id);
    if (l->single && reown_note(c->r, e) < 0)
        return -1;
    if (renameat(c->r->own, from, c->r->graph, to) < 0 && errno != ENOENT)
        return err_sys(e, "layer %.12s: cannot store its tar-split", l->id);
    snprintf(from, sizeof from, "staging/%s", l->staging);
    snprintf(to, sizeof to, "overlay/%s", l->id);
    if (renameat(c->r->own, from, c->r->graph, to) < 0)
        return err_sys(e, "layer %.12s: cannot move it into the image store", l->id);
    if (store_link_read(c->r, l->id, link) < 0 || store_link_make(c->r, l->id, link) < 0)
        return err_sys(e, "layer %.12s: cannot make its link", l->id);
    return 0;
}

/* 1: something changed in the list */
static int place_layer(struct commit *c, struct store *s, const struct new_layer *l, struct err *e)
{
    char path[160];
    if (store_layer_exists(s, l->id)) {
        if (!l->staging[0])
            return 0;
        /* somebody was faster: same id, same content */
        snprintf(path, sizeof path, "pod/staging/%s", l->staging);
        return store_trash(c->r, path, e);
    }
    if (!l->staging[0]) {
        err_set(e, 0, "layer %.12s was removed from the image store meanwhile", l->id);
        return err_hint(e, "Type the command again");
    }
    forget_layer(s, l->id);
    if (move_layer(c, s, l, e) < 0)
        return -1;
    json_t *record = layer_record(l);
    json_array_append_new(s->layers[0], record);
    json_object_set(s->layer_by_id, l->id, record);
    return 1;
}

static int sync_dir(const struct roots *r, const char *path, struct err *e)
{
    cleanup_fd int fd = at_open_dir(r->graph, path);
    if (fd < 0 || fsync(fd) < 0)
        return err_sys(e, "cannot bring \"%s/%s\" to disk", r->graph_path, path);
    return 0;
}

static int place_layers(struct commit *c, struct store *s, struct err *e)
{
    bool changed = false;
    for (size_t i = 0; i < c->n; i++) {
        int r = place_layer(c, s, &c->layers[i], e);
        if (r < 0)
            return -1;
        changed = changed || r > 0;
    }
    if (!changed)
        return 0;
    if (sync_dir(c->r, "overlay", e) < 0 || sync_dir(c->r, "overlay/l", e) < 0 ||
        sync_dir(c->r, "overlay-layers", e) < 0)
        return -1;
    return store_save_layers(s, e);
}

static json_t *object_at(json_t *o, const char *key)
{
    json_t *v = json_object_get(o, key);
    if (!json_is_object(v)) {
        v = json_object();
        json_object_set_new(o, key, v);
    }
    return v;
}

static void note_items(json_t *img, const struct new_image *new)
{
    json_t *names = json_object_get(img, "big-data-names");
    if (!json_is_array(names)) {
        names = json_array();
        json_object_set_new(img, "big-data-names", names);
    }
    json_t *sizes = object_at(img, "big-data-sizes"), *digests = object_at(img, "big-data-digests");
    for (size_t i = 0; i < new->nbig; i++) {
        const struct new_big *b = &new->big[i];
        struct digest d = sha256_of(b->p, b->n);
        if (!json_object_get(sizes, b->key))
            json_array_append_new(names, json_string(b->key));
        json_object_set_new(sizes, b->key, json_integer((json_int_t)b->n));
        json_object_set_new(digests, b->key, json_string(digest_text(&d).s));
    }
}

static json_t *image_record(const struct new_image *new)
{
    char now[40];
    json_t *o = json_object();
    timefmt_now(now, sizeof now);
    jx_set_str(o, "id", new->id);
    jx_set_str(o, "digest", digest_text(&new->digest).s);
    jx_set_str(o, "layer", new->layer);
    jx_set_str(o, "metadata", "{}");
    jx_set_str(o, "created", new->created &&*new->created ? new->created : now);
    return o;
}

/* The image is there: its directory gains what it has not got. */
static int merge_items(struct commit *c, struct err *e)
{
    for (size_t i = 0; i < c->img->nbig; i++) {
        const struct new_big *b = &c->img->big[i];
        char name[256], path[400];
        if (store_big_name(b->key, name, sizeof name) < 0)
            continue;
        snprintf(path, sizeof path, "overlay-images/%s/%s", c->img->id, name);
        if (at_write(c->r->graph, path, b->p, b->n, 0600, AT_DURABLE) < 0)
            return err_sys(e, "cannot write an item of image %.12s", c->img->id);
    }
    return 0;
}

static int place_image(struct commit *c, struct store *s, struct err *e)
{
    char to[160];
    snprintf(to, sizeof to, "overlay-images/%s", c->img->id);
    json_t *img = store_image(s, c->img->id);
    if (img && at_exists(c->r->graph, to)) {
        if (merge_items(c, e) < 0)
            return -1;
    } else if (store_trash(c->r, to, e) < 0) {
        return -1;
    } else if (renameat(c->r->own, c->items, c->r->graph, to) < 0) {
        return err_sys(e, "cannot move image %.12s into the image store", c->img->id);
    }
    if (!img) {
        img = image_record(c->img);
        json_array_append_new(s->images, img);
    }
    jx_set_str(img, "digest", digest_text(&c->img->digest).s);
    jx_set_str(img, "layer", c->img->layer);
    note_items(img, c->img);
    for (size_t i = 0; i < c->img->names.n; i++)
        store_name_add(s, img, c->img->names.v[i]);
    if (store_save_images(s, e) < 0)
        return -1;
    /* the pull says «done» after this: then the renames of both lists must be on disk */
    return sync_dir(c->r, "overlay-images", e) < 0 || sync_dir(c->r, "overlay-layers", e) < 0 ? -1
                                                                                              : 0;
}

int store_commit(const struct roots *r, const struct new_layer *layers, size_t n,
                 const struct new_image *img, struct err *e)
{
    struct commit c = {.r = r, .layers = layers, .n = n, .img = img};
    cleanup_store s = STORE_INIT;
    int result = stage(&c, e) < 0 || store_edit(r, &s, e) < 0 || place_layers(&c, &s, e) < 0 ||
                         place_image(&c, &s, e) < 0
                     ? -1
                     : 0;
    store_close(&s);
    if (c.items[0])
        rmtree(r->own, c.items);
    struct err ignored = ERR_INIT;
    if (c.replaced)
        (void)store_trash_empty(r, &ignored);
    return result;
}
