#include "things/image.h"

#include "disk/at.h"
#include "things/store.h"
#include "things/store_files.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { CACHE_VERSION = 1, MAX_CACHE = STORE_MAX_BIG + 65536, MAX_CACHED_NAME = 512 };

/* FNV-1a: a file name is wanted, not a proof; the file says which name it answers. */
static void cache_path(const char *name, char out[48])
{
    uint64_t h = 0xcbf29ce484222325u;
    for (const char *p = name; *p; p++)
        h = (h ^ (unsigned char)*p) * 0x100000001b3u;
    snprintf(out, 48, "cache/image-%016llx", (unsigned long long)h);
}

static bool lowers_there(const struct roots *r, const struct strv *lowers)
{
    for (size_t i = 0; i < lowers->n; i++) {
        char path[64];
        struct stat st;
        snprintf(path, sizeof path, "overlay/%.40s", lowers->v[i]);
        if (fstatat(r->graph, path, &st, 0) < 0)
            return false;
    }
    return true;
}

static int cache_read(const struct roots *r, const char *path, const char *name, const char *state,
                      struct image *ret)
{
    cleanup(buf_free) struct buf b = BUF_INIT;
    struct err ignored = ERR_INIT;
    cleanup_json v = NULL;
    if (at_read(r->own, path, MAX_CACHE, &b) < 0 ||
        jx_parse(path, buf_str(&b), b.len, &v, &ignored) < 0 ||
        jx_int(v, "version", 0) != CACHE_VERSION || strcmp(jx_str(v, "typed"), name) != 0 ||
        strcmp(jx_str(v, "state"), state) != 0 || !json_is_object(json_object_get(v, "config")) ||
        !store_record_ok(v))
        return -1;
    struct strv lowers = STRV_INIT;
    jx_strv(v, "lowers", &lowers);
    if (!lowers_there(r, &lowers)) {
        strv_free(&lowers);
        return -1;
    }
    *ret = (struct image){.name = xstrdup(jx_str(v, "name")),
                          .lowers = lowers,
                          .config = json_incref(json_object_get(v, "config"))};
    str_copy(ret->id, sizeof ret->id, jx_str(v, "id"));
    return 0;
}

/* Failing to write it costs time the next time, nothing else. */
static void cache_write(const struct roots *r, const char *path, const char *name,
                        const char *state, const struct image *img)
{
    cleanup_json v = json_pack("{s:i, s:s, s:s, s:s, s:s, s:o, s:O}", "version", CACHE_VERSION,
                               "typed", name, "state", state, "id", img->id, "name", img->name,
                               "lowers", jx_from_strv(&img->lowers), "config", img->config);
    char *text = v ? json_dumps(v, JSON_COMPACT) : NULL;
    if (text)
        (void)at_write(r->own, path, text, strlen(text), 0600, AT_PLAIN);
    free(text);
}

static int find_in_store(const struct roots *r, const char *name, struct image *ret, struct err *e)
{
    cleanup_store s = STORE_INIT;
    struct image img = IMAGE_INIT;
    json_t *record;
    const char *found;
    if (store_open(r, &s, e) < 0 || store_find(&s, name, &record, &found, e) < 0)
        return -1;
    if (store_config(&s, record, &img.config, e) < 0 ||
        store_lowers(&s, jx_str(record, "layer"), &img.lowers, e) < 0) {
        image_free(&img);
        return err_prefix(e, "%.300s", name);
    }
    if (!found)
        found = json_string_value(json_array_get(json_object_get(record, "names"), 0));
    img.name = xstrdup(found ? found : "");
    str_copy(img.id, sizeof img.id, jx_str(record, "id"));
    *ret = img;
    return 0;
}

int image_find(const struct roots *r, const char *name, struct image *ret, struct err *e)
{
    char state[STORE_STATE], path[48];
    store_state(r, state); /* before the store is read: a change meanwhile makes the cache void */
    bool cached = state[0] && strlen(name) <= MAX_CACHED_NAME;
    cache_path(name, path);
    if (cached && cache_read(r, path, name, state, ret) == 0)
        return 0;
    struct image img = IMAGE_INIT;
    if (find_in_store(r, name, &img, e) < 0)
        return -1;
    if (cached)
        cache_write(r, path, name, state, &img);
    *ret = img;
    return 0;
}

void image_free(struct image *img)
{
    free(img->name);
    strv_free(&img->lowers);
    json_decref(img->config);
    *img = (struct image)IMAGE_INIT;
}
