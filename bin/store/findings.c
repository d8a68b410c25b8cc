#include "store/findings.h"

#include "disk/at.h"
#include "disk/lock.h"
#include "things/store_files.h"
#include "words/sha256.h"

#include <dirent.h>
#include <errno.h>
#include <stdarg.h>
#include <sys/stat.h>
#include <unistd.h>

void finding_add(struct findings *l, enum finding_kind kind, const char *id, const char *fmt, ...)
{
    char text[800];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    if (l->n == l->cap) {
        l->cap = l->cap ? 2 * l->cap : 32;
        l->v = xrealloc(l->v, l->cap * sizeof *l->v);
    }
    l->v[l->n] = (struct finding){.kind = kind, .text = xstrdup(text)};
    if (str_copy(l->v[l->n].id, sizeof l->v[l->n].id, id) < 0)
        l->v[l->n].id[0] = '\0';
    l->n++;
}

void findings_free(struct findings *l)
{
    for (size_t i = 0; i < l->n; i++)
        free(l->v[i].text);
    free(l->v);
}

/* The lower file names what stands in the records, nearest parent first. */
static void check_lower(const struct store *s, const char *id, struct findings *l)
{
    char path[128], link[STORE_LINK_LEN + 1];
    cleanup(buf_free) struct buf b = BUF_INIT, want = BUF_INIT;
    const char *up = jx_str(store_layer(s, id), "parent");
    for (int depth = 0; *up && depth < STORE_MAX_DEPTH; depth++) {
        if (store_link_read(s->roots, up, link) < 0)
            return; /* the parent has a line of its own */
        buf_addf(&want, "%sl/%s", want.len ? ":" : "", link);
        up = jx_str(store_layer(s, up), "parent");
    }
    snprintf(path, sizeof path, "overlay/%.64s/lower", id);
    if (at_read(s->roots->graph, path, 65536, &b) < 0 && errno != ENOENT)
        finding_add(l, FOUND_DAMAGE, id, "layer %.12s: \"lower\" cannot be read: %s", id,
                    strerror(errno));
    else if (strcmp(buf_str(&b), buf_str(&want)) != 0)
        finding_add(l, FOUND_LINK, id, "layer %.12s: \"lower\" %s", id,
                    b.len ? "names other layers than its parents" : "is empty or missing");
}

static void check_dir(const struct store *s, const char *id, struct findings *l)
{
    char path[160], link[STORE_LINK_LEN + 1];
    struct stat st;
    snprintf(path, sizeof path, "overlay/%.64s/diff", id);
    if (fstatat(s->roots->graph, path, &st, 0) < 0) {
        finding_add(l, FOUND_BAD_LAYER, id, "layer %.12s: its directory is missing", id);
        return;
    }
    if (store_link_read(s->roots, id, link) < 0) {
        finding_add(l, FOUND_LINK, id, "layer %.12s: \"link\" is missing or damaged", id);
    } else {
        snprintf(path, sizeof path, "overlay/l/%s", link);
        if (fstatat(s->roots->graph, path, &st, 0) < 0)
            finding_add(l, FOUND_LINK, id, "layer %.12s: its short name in \"l\" is missing", id);
    }
    check_lower(s, id, l);
    snprintf(path, sizeof path, "overlay-layers/%.64s.tar-split.gz", id);
    if (*jx_str(store_layer(s, id), "diff-digest") &&
        (fstatat(s->roots->graph, path, &st, 0) < 0 || st.st_size == 0))
        finding_add(l, FOUND_DAMAGE, id,
                    "layer %.12s: no tar-split: it runs, but cannot be pushed or saved", id);
}

static void check_record(const struct store *s, const json_t *layer, struct findings *l)
{
    const char *id = jx_str(layer, "id"), *parent = jx_str(layer, "parent");
    bool has_digest = *jx_str(layer, "diff-digest") || *jx_str(layer, "toc-digest");
    if (*parent && !store_layer(s, parent))
        finding_add(l, FOUND_BAD_LAYER, id, "layer %.12s: its parent %.12s is missing", id, parent);
    if (has_digest && jx_int(layer, "diff-size", -2) < (*jx_str(layer, "toc-digest") ? -1 : 0))
        finding_add(l, FOUND_DAMAGE, id, "layer %.12s: its size is not recorded", id);
}

void find_bad_layers(const struct store *s, struct findings *l)
{
    for (int k = 0; k < 2; k++) {
        size_t i;
        json_t *layer;
        json_array_foreach(s->layers[k], i, layer)
        {
            const char *id = jx_str(layer, "id");
            if (!store_record_ok(layer)) {
                finding_add(l, FOUND_DAMAGE, "", "layers.json: record %zu is damaged", i);
            } else if (!store_layer(s, id)) {
                finding_add(l, FOUND_NOTE, id, "layer %.12s: incomplete", id);
            } else {
                check_record(s, layer, l);
                check_dir(s, id, l);
            }
        }
    }
}

static void check_item(const struct store *s, const json_t *img, const char *key,
                       struct findings *l)
{
    const char *id = jx_str(img, "id");
    cleanup(buf_free) struct buf b = BUF_INIT;
    struct err e = ERR_INIT;
    if (store_big_read(s->roots, id, key, STORE_MAX_BIG, &b, &e) < 0) {
        finding_add(l, FOUND_BAD_IMAGE, id, "%s", e.msg);
        return;
    }
    const json_t *sizes = json_object_get(img, "big-data-sizes");
    const char *want = jx_str(json_object_get(img, "big-data-digests"), key);
    struct digest d = sha256_of(buf_str(&b), b.len);
    if (jx_int(sizes, key, (int64_t)b.len) != (int64_t)b.len)
        finding_add(l, FOUND_BAD_IMAGE, id, "image %.12s: its item \"%s\" has %zu bytes, not %lld",
                    id, key, b.len, (long long)jx_int(sizes, key, 0));
    else if (*want && strcmp(want, digest_text(&d).s) != 0)
        finding_add(l, FOUND_BAD_IMAGE, id, "image %.12s: its item \"%s\" has the wrong digest", id,
                    key);
}

void find_bad_images(const struct store *s, struct findings *l)
{
    size_t i, k;
    json_t *img, *key;
    json_array_foreach(s->images, i, img)
    {
        struct err e = ERR_INIT;
        if (!store_record_ok(img)) {
            finding_add(l, FOUND_DAMAGE, "", "images.json: record %zu is damaged", i);
            continue;
        }
        const char *id = jx_str(img, "id"), *top = jx_str(img, "layer");
        struct strv chain = STRV_INIT;
        if (*top && store_chain(s, top, &chain, &e) < 0)
            finding_add(l, FOUND_BAD_IMAGE, id, "image %.12s: %.80s", id, e.msg);
        strv_free(&chain);
        json_array_foreach(json_object_get(img, "big-data-names"), k, key)
        {
            if (json_is_string(key))
                check_item(s, img, json_string_value(key), l);
        }
    }
}

static bool has_record(const json_t *list, const char *id)
{
    size_t i;
    json_t *v;
    json_array_foreach(list, i, v)
    {
        if (str_eq(jx_str0(v, "id"), id))
            return true;
    }
    return false;
}

/* Entries of dir that begin with 64 hex digits which no record of these lists has. */
static void orphans_in(const struct store *s, const char *dir, const json_t *a, const json_t *b,
                       struct strv *ret)
{
    int fd = at_open_dir(s->roots->graph, dir);
    DIR *d = fd < 0 ? NULL : fdopendir(fd);
    if (!d && fd >= 0)
        close(fd);
    for (struct dirent *de; d && (de = readdir(d));) {
        char id[65] = "";
        size_t n = strlen(de->d_name);
        memcpy(id, de->d_name, n < 64 ? n : 64);
        if (n < 64 || !digest_is_hex(id) ||
            (n > 64 && strcmp(de->d_name + 64, ".tar-split.gz") != 0))
            continue;
        if (!has_record(a, id) && !has_record(b, id))
            strv_addf(ret, "%s/%s", dir, de->d_name);
    }
    if (d)
        closedir(d);
}

void find_orphans(const struct store *s, struct strv *ret)
{
    orphans_in(s, "overlay", s->layers[0], s->layers[1], ret);
    orphans_in(s, "overlay-layers", s->layers[0], s->layers[1], ret);
    orphans_in(s, "overlay-images", s->images, NULL, ret);
}

void find_dangling_links(const struct store *s, struct strv *ret)
{
    int fd = at_open_dir(s->roots->graph, "overlay/l");
    DIR *d = fd < 0 ? NULL : fdopendir(fd);
    if (!d && fd >= 0)
        close(fd);
    for (struct dirent *de; d && (de = readdir(d));) {
        struct stat st;
        if (de->d_name[0] != '.' && fstatat(dirfd(d), de->d_name, &st, 0) < 0 && errno == ENOENT)
            strv_addf(ret, "overlay/l/%s", de->d_name);
    }
    if (d)
        closedir(d);
}

static size_t entries(int dir, const char *name)
{
    size_t n = 0;
    int fd = at_open_dir(dir, name);
    DIR *d = fd < 0 ? NULL : fdopendir(fd);
    if (!d && fd >= 0)
        close(fd);
    for (struct dirent *de; d && (de = readdir(d));)
        n += de->d_name[0] != '.';
    if (d)
        closedir(d);
    return n;
}

size_t find_leftovers(const struct roots *r)
{
    size_t n = entries(r->own, "trash");
    return lock_is_held(r->own, STORE_OWN_LOCK) ? n : n + entries(r->own, "staging");
}
