#include "store/usage.h"

#include "disk/at.h"
#include "things/ctr.h"
#include "things/volume.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

enum { MAX_DEPTH = 256, MAX_LAYERS = 500 };

static int64_t layer_bytes(const struct store *s, const char *id)
{
    int64_t n = jx_int(store_layer(s, id), "diff-size", 0);
    return n > 0 ? n : 0;
}

static int64_t items_bytes(const json_t *img)
{
    int64_t sum = 0;
    const char *key;
    json_t *v;
    json_object_foreach(json_object_get(img, "big-data-sizes"), key, v) sum +=
        json_integer_value(v) > 0 ? (int64_t)json_integer_value(v) : 0;
    return sum;
}

/* How many images stand on each layer, or only those that containers use. */
static void count_chain(const struct store *s, const json_t *img, json_t *counts)
{
    const char *id = jx_str(img, "layer");
    for (int depth = 0; *id && store_layer(s, id) && depth < MAX_LAYERS; depth++) {
        json_object_set_new(counts, id,
                            json_integer(json_integer_value(json_object_get(counts, id)) + 1));
        id = jx_str(store_layer(s, id), "parent");
    }
}

static bool is_active(const struct store *s, const json_t *img)
{
    struct strv users = STRV_INIT;
    struct err ignored = ERR_INIT;
    (void)store_users(s, jx_str(img, "id"), &users, &ignored);
    bool active = users.n > 0;
    strv_free(&users);
    return active;
}

void usage_images(const struct store *s, struct usage *ret)
{
    struct usage u = {0};
    cleanup_json all = json_object();
    cleanup_json used = json_object();
    size_t i;
    json_t *img, *v;
    const char *id;
    store_foreach_image(s, i, img)
    {
        int64_t items = items_bytes(img);
        bool active = is_active(s, img);
        u.total++;
        u.active += active;
        u.size += items;
        u.reclaimable += active ? 0 : items;
        count_chain(s, img, all);
        if (active)
            count_chain(s, img, used);
    }
    json_object_foreach(all, id, v)
    {
        int64_t n = layer_bytes(s, id);
        u.size += n;
        u.reclaimable += json_object_get(used, id) ? 0 : n;
    }
    *ret = u;
}

static void count_containers(const struct store *s, json_t *counts)
{
    for (int k = 0; k < 2; k++) {
        size_t i;
        json_t *c;
        json_array_foreach(s->containers[k], i, c) count_chain(s, c, counts);
    }
}

void usage_unused_layers(const struct store *s, struct usage *ret)
{
    struct usage u = {0};
    cleanup_json counts = json_object();
    size_t i, k;
    json_t *img, *v;
    const char *id;
    store_foreach_image(s, i, img)
    {
        count_chain(s, img, counts);
        json_array_foreach(json_object_get(img, "mapped-layers"), k, v)
        {
            if (json_is_string(v))
                json_object_set_new(counts, json_string_value(v), json_integer(1));
        }
    }
    count_containers(s, counts);
    json_object_foreach(s->layer_by_id, id, v)
    {
        if (json_object_get(counts, id))
            continue;
        u.total++;
        u.size += layer_bytes(s, id);
    }
    u.reclaimable = u.size;
    *ret = u;
}

int64_t usage_unique(const struct store *s, const json_t *img)
{
    cleanup_json counts = json_object();
    size_t i;
    json_t *other, *v;
    const char *id;
    store_foreach_image(s, i, other) if (other != img) count_chain(s, other, counts);
    cleanup_json mine = json_object();
    count_chain(s, img, mine);
    int64_t sum = items_bytes(img);
    json_object_foreach(mine, id, v)
    {
        if (!json_object_get(counts, id))
            sum += layer_bytes(s, id);
    }
    return sum;
}

static int64_t tree_bytes(int dir, const char *name, int depth)
{
    struct stat st;
    if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
        return 0;
    int64_t sum = S_ISDIR(st.st_mode) ? 0 : (int64_t)st.st_blocks * 512;
    if (!S_ISDIR(st.st_mode) || depth > MAX_DEPTH)
        return sum;
    int fd = openat(dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    DIR *d = fd < 0 ? NULL : fdopendir(fd);
    if (!d && fd >= 0)
        close(fd);
    for (struct dirent *de; d && (de = readdir(d));)
        if (strcmp(de->d_name, ".") != 0 && strcmp(de->d_name, "..") != 0)
            sum += tree_bytes(dirfd(d), de->d_name, depth + 1);
    if (d)
        closedir(d);
    return sum;
}

int64_t usage_of_tree(int dir, const char *name)
{
    return tree_bytes(dir, name, 0);
}

void usage_containers(const struct roots *r, struct usage *ret)
{
    struct usage u = {0};
    cleanup_walk w = {.roots = r};
    struct err ignored = ERR_INIT;
    (void)ctr_list(r, &w.ids, &ignored);
    u.total = w.ids.n;
    while (ctr_walk(&w)) {
        struct ctr_status st;
        ctr_status(r, &w.c, &st);
        int64_t n = usage_of_tree(w.c.dir, "upper");
        bool active = ctr_is_up(&st);
        u.active += active;
        u.size += n;
        u.reclaimable += active ? 0 : n;
    }
    *ret = u;
}

int64_t usage_of_volume(const struct roots *r, const char *name)
{
    cleanup_free char *data = xasprintf("volumes/%s/_data", name);
    return usage_of_tree(r->own, data);
}

void usage_volumes(const struct roots *r, struct usage *ret)
{
    struct usage u = {0};
    cleanup(strv_free) struct strv used = STRV_INIT, names = STRV_INIT;
    volume_list(r, &names);
    volumes_used(r, &used);
    for (size_t i = 0; i < names.n; i++) {
        int64_t n = usage_of_volume(r, names.v[i]);
        bool active = strv_has(&used, names.v[i]);
        u.total++;
        u.active += active;
        u.size += n;
        u.reclaimable += active ? 0 : n;
    }
    *ret = u;
}
