/* Taking images and layers out of the store: records first, then the files into own/trash. */
#include "disk/at.h"
#include "disk/lock.h"
#include "disk/rmtree.h"
#include "plain/fdio.h"
#include "things/spawn.h"
#include "things/store_files.h"
#include "things/store_write.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { MAX_RECORD = 4 << 20, TRASH_AT_ONCE = 256 };

static void note_user(json_t *users, const char *image, const char *container)
{
    json_t *list = json_object_get(users, image);
    if (!list) {
        list = json_array();
        json_object_set_new(users, image, list);
    }
    json_array_append_new(list, json_string(container));
}

/*
 * A container without a readable record has no claim that could be known; one in staging counts
 * while its maker lives (things/create.c holds its lock).
 */
static void own_users(const struct roots *r, const char *where, bool locked_only, json_t *users)
{
    int fd = at_open_dir(r->own, where);
    DIR *d = fd < 0 ? NULL : fdopendir(fd);
    if (!d && fd >= 0)
        close(fd);
    for (struct dirent *de; d && (de = readdir(d));) {
        char path[128];
        struct err ignored = ERR_INIT;
        cleanup_json record = NULL;
        if (!digest_is_hex(de->d_name))
            continue;
        snprintf(path, sizeof path, "%.64s/lock", de->d_name);
        if (locked_only && !lock_is_held(dirfd(d), path))
            continue;
        snprintf(path, sizeof path, "%.64s/container.json", de->d_name);
        if (jx_load(dirfd(d), path, MAX_RECORD, &record, &ignored) < 0)
            continue;
        const json_t *m;
        size_t i;
        note_user(users, jx_str(record, "image"), de->d_name);
        json_array_foreach(json_object_get(record, "mounts"), i, m)
        {
            if (jx_str0(m, "image")) /* --mount type=image */
                note_user(users, jx_str(m, "image"), de->d_name);
        }
    }
    if (d)
        closedir(d);
}

static int find_users(const struct store *s, struct err *e)
{
    struct store tmp = *s; /* for the lists, when they were not read yet */
    if (!s->containers[0] && store_load_containers(&tmp, e) < 0)
        return -1;
    json_object_set_new(s->users, "", json_array());
    for (int k = 0; k < 2; k++) {
        size_t i;
        json_t *c;
        json_array_foreach(tmp.containers[k], i, c)
        {
            if (store_record_ok(c))
                note_user(s->users, jx_str(c, "image"), jx_str(c, "id"));
        }
    }
    for (int k = 0; k < 2 && !s->containers[0]; k++)
        json_decref(tmp.containers[k]);
    own_users(s->roots, "staging", true, s->users); /* first: it moves from here to there */
    own_users(s->roots, "containers", false, s->users);
    return 0;
}

int store_users(const struct store *s, const char *image_id, struct strv *ret, struct err *e)
{
    if (json_object_size(s->users) == 0 && find_users(s, e) < 0)
        return -1;
    jx_strv(s->users, image_id, ret);
    return 0;
}

static bool list_has(const json_t *list, const char *key, const char *id)
{
    size_t i;
    json_t *v;
    json_array_foreach(list, i, v)
    {
        if (str_eq(jx_str0(v, key), id))
            return true;
    }
    return false;
}

bool store_layer_needed(const struct store *s, const char *id)
{
    size_t i, k;
    json_t *img, *v;
    for (int j = 0; j < 2; j++)
        if (list_has(s->layers[j], "parent", id) || list_has(s->containers[j], "layer", id))
            return true;
    if (list_has(s->images, "layer", id))
        return true;
    json_array_foreach(s->images, i, img)
    {
        json_array_foreach(json_object_get(img, "mapped-layers"), k, v)
        {
            if (str_eq(json_string_value(v), id))
                return true;
        }
    }
    return false;
}

void store_layer_drop(struct store *s, const char *id, struct strv *garbage)
{
    strv_addf(garbage, "layer %s", id);
    json_object_del(s->layer_by_id, id);
    for (int k = 0; k < 2; k++)
        for (size_t i = json_array_size(s->layers[k]); i-- > 0;)
            if (str_eq(jx_str0(json_array_get(s->layers[k], i), "id"), id))
                json_array_remove(s->layers[k], i);
}

/* The layer and what was below it for its sake alone. */
static void drop_chain(struct store *s, const char *top, struct strv *garbage)
{
    cleanup_free char *id = xstrdup(top);
    while (*id && store_layer(s, id) && !store_layer_needed(s, id)) {
        char *parent = xstrdup(jx_str(store_layer(s, id), "parent"));
        store_layer_drop(s, id, garbage);
        free(id);
        id = parent;
    }
}

void store_image_drop(struct store *s, json_t *img, struct strv *garbage)
{
    json_incref(img);
    for (size_t i = json_array_size(s->images); i-- > 0;)
        if (json_array_get(s->images, i) == img)
            json_array_remove(s->images, i);
    strv_addf(garbage, "image %s", jx_str(img, "id"));
    size_t i;
    json_t *v;
    json_array_foreach(json_object_get(img, "mapped-layers"), i, v)
    {
        if (json_is_string(v))
            drop_chain(s, json_string_value(v), garbage);
    }
    drop_chain(s, jx_str(img, "layer"), garbage);
    json_decref(img);
}

int store_trash(const struct roots *r, const char *path, struct err *e)
{
    char to[96];
    at_temp_name(to, sizeof to, "trash/store-");
    if (renameat(r->graph, path, r->own, to) < 0 && errno != ENOENT)
        return err_sys(e, "cannot move \"%s/%s\" into the trash", r->graph_path, path);
    return 0;
}

static int trash_layer(const struct roots *r, const char *id, struct err *e)
{
    char path[160], link[STORE_LINK_LEN + 1];
    if (store_link_read(r, id, link) == 0) {
        snprintf(path, sizeof path, "overlay/l/%s", link);
        (void)unlinkat(r->graph, path, 0);
    }
    snprintf(path, sizeof path, "overlay-layers/%.64s.tar-split.gz", id);
    (void)unlinkat(r->graph, path, 0);
    snprintf(path, sizeof path, "overlay-layers/%.64s", id);
    if (store_trash(r, path, e) < 0)
        return -1;
    snprintf(path, sizeof path, "overlay/%.64s", id);
    return store_trash(r, path, e);
}

static bool is_full(const struct err *e)
{
    return e->sys == ENOSPC || e->sys == EDQUOT;
}

static int save_lists(struct store *s, bool layers, struct err *e)
{
    return store_save_images(s, e) < 0 || (layers && store_save_layers(s, e) < 0) ? -1 : 0;
}

/* Removing must work on a full disk: what can be made again makes room for the shorter lists. */
static void make_room(const struct roots *r)
{
    struct err ignored = ERR_INIT;
    (void)store_trash_empty(r, &ignored);
    rmtree_contents(r->own, "cache");
}

int store_save_removed(struct store *s, const struct strv *garbage, struct err *e)
{
    bool layers = false;
    for (size_t i = 0; i < garbage->n; i++)
        layers = layers || str_starts(garbage->v[i], "layer ");
    int result = save_lists(s, layers, e);
    if (result < 0 && is_full(e)) {
        make_room(s->roots);
        result = save_lists(s, layers, e);
    }
    if (result < 0)
        return -1;
    for (size_t i = 0; i < garbage->n; i++) {
        const char *id = strchr(garbage->v[i], ' ') + 1;
        char path[128];
        snprintf(path, sizeof path, "overlay-images/%.64s", id);
        if (str_starts(garbage->v[i], "layer ") ? trash_layer(s->roots, id, e) < 0
                                                : store_trash(s->roots, path, e) < 0)
            result = -1;
    }
    return result;
}

static int empty_these(char *const *argv, struct err *e)
{
    struct spawn sp = {.argv = argv, .in = -1, .out = -1, .err = SPAWN_INHERIT, .report = -1};
    return spawn_and_report(&sp, "pod-trash", NULL, 0, e);
}

int store_trash_empty(const struct roots *r, struct err *e)
{
    int fd = at_open_dir(r->own, "trash");
    DIR *d = fd < 0 ? NULL : fdopendir(fd);
    if (!d) {
        if (fd >= 0)
            close(fd);
        return err_sys(e, "cannot open \"%s/pod/trash\"", r->graph_path);
    }
    cleanup_free char *enter = tool_path("pod-userns");
    cleanup_free char *trash = tool_path("pod-trash");
    struct strv argv = STRV_INIT;
    int result = 0;
    struct dirent *de;
    do {
        de = readdir(d);
        if (de && (strcmp(de->d_name, ".") == 0 || strcmp(de->d_name, "..") == 0))
            continue;
        if (argv.n == 0) {
            strv_add(&argv, enter);
            strv_add(&argv, "enter");
            strv_add(&argv, "--");
            strv_add(&argv, trash);
        }
        if (de)
            strv_addf(&argv, "%s/pod/trash/%s", r->graph_path, de->d_name);
        if (argv.n > (de ? TRASH_AT_ONCE : 4)) {
            result = empty_these(argv.v, e) < 0 ? -1 : result;
            strv_free(&argv);
        }
    } while (de);
    strv_free(&argv);
    closedir(d);
    return result;
}
