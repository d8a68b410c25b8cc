/* What a stored image consists of: layers, links, big data. */
#include "disk/at.h"
#include "things/store.h"
#include "things/store_files.h"
#include "words/digest.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int broken(const char *layer, struct err *e)
{
    err_set(e, 0, "layer %.64s is missing from the image store: layer not known", layer);
    return err_hint(e, "Type: pod store check --repair, then pull the image again");
}

int store_chain(const struct store *s, const char *top, struct strv *ret, struct err *e)
{
    struct strv l = STRV_INIT;
    for (const char *id = top; *id;) {
        const json_t *layer = store_layer(s, id);
        if (!layer || l.n >= STORE_MAX_DEPTH) {
            strv_free(&l);
            return broken(id, e);
        }
        strv_add(&l, id);
        id = jx_str(layer, "parent");
    }
    *ret = l;
    return 0;
}

int64_t store_image_size(const struct store *s, const json_t *img)
{
    int64_t sum = 0, n;
    size_t depth = 0;
    for (const char *id = jx_str(img, "layer"); *id;) {
        const json_t *layer = store_layer(s, id);
        if (!layer || ++depth > STORE_MAX_DEPTH)
            return -1;
        n = jx_int(layer, "diff-size", 0);
        if (n > 0 && __builtin_add_overflow(sum, n, &sum))
            return -1;
        id = jx_str(layer, "parent");
    }
    const char *key;
    json_t *v;
    json_object_foreach(json_object_get(img, "big-data-sizes"), key, v)
    {
        n = json_integer_value(v);
        if (n > 0 && __builtin_add_overflow(sum, n, &sum))
            return -1;
    }
    return sum;
}

int store_link_read(const struct roots *r, const char *layer, char ret[STORE_LINK_LEN + 1])
{
    char path[128];
    cleanup(buf_free) struct buf b = BUF_INIT;
    snprintf(path, sizeof path, "overlay/%.64s/link", layer);
    if (at_read(r->graph, path, 256, &b) < 0)
        return -1;
    if (b.len != STORE_LINK_LEN ||
        strspn(b.s, "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567") != STORE_LINK_LEN) {
        errno = EBADMSG;
        return -1;
    }
    memcpy(ret, b.s, STORE_LINK_LEN + 1);
    return 0;
}

void store_link_name(const char *id, char ret[STORE_LINK_LEN + 1])
{
    unsigned bits = 0, have = 0;
    size_t at = 0;
    for (const char *p = id; at < STORE_LINK_LEN; p++) {
        bits = bits << 4 | (unsigned)(*p <= '9' ? *p - '0' : *p - 'a' + 10);
        have += 4;
        if (have >= 5) {
            have -= 5;
            ret[at++] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"[bits >> have & 31];
        }
    }
    ret[at] = '\0';
}

int store_link_make(const struct roots *r, const char *layer, const char *link)
{
    char path[64], tmp[96], target[128], have[128];
    snprintf(path, sizeof path, "overlay/l/%s", link);
    snprintf(target, sizeof target, "../%.64s/diff", layer);
    ssize_t n = readlinkat(r->graph, path, have, sizeof have - 1);
    if (n > 0 && (size_t)n == strlen(target) && memcmp(have, target, (size_t)n) == 0)
        return 0;
    if (symlinkat(target, r->graph, path) == 0)
        return 0;
    if (errno != EEXIST)
        return -1;
    at_temp_name(tmp, sizeof tmp, "overlay/l/.tmp-");
    if (symlinkat(target, r->graph, tmp) < 0)
        return -1;
    if (renameat(r->graph, tmp, r->graph, path) < 0) {
        unlinkat(r->graph, tmp, 0);
        return -1;
    }
    return 0;
}

int store_lowers(const struct store *s, const char *top, struct strv *ret, struct err *e)
{
    struct strv chain = STRV_INIT, l = STRV_INIT;
    if (store_chain(s, top, &chain, e) < 0)
        return -1;
    int r = 0;
    for (size_t i = 0; i < chain.n && r == 0; i++) {
        char link[STORE_LINK_LEN + 1], path[128];
        snprintf(path, sizeof path, "overlay/%.64s/diff", chain.v[i]);
        if (!at_exists(s->roots->graph, path) || store_link_read(s->roots, chain.v[i], link) < 0 ||
            store_link_make(s->roots, chain.v[i], link) < 0)
            r = broken(chain.v[i], e);
        else
            strv_addf(&l, "l/%s", link);
    }
    strv_free(&chain);
    if (r < 0)
        strv_free(&l);
    else
        *ret = l;
    return r;
}

/* The key itself when it is plain, else '=' and base64: what containers/storage does. */
int store_big_name(const char *key, char *out, size_t size)
{
    static const char b64[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    size_t n = strlen(key), at = 0;
    if (n == 0 || n > 180 || (n + 2) / 3 * 4 + 2 > size || key[0] == '.')
        return -1;
    if (strspn(key, "abcdefghijklmnopqrstuvwxyz0123456789.") == n)
        return str_copy(out, size, key);
    out[at++] = '=';
    for (size_t i = 0; i < n; i += 3) {
        unsigned v = (unsigned)(unsigned char)key[i] << 16;
        v |= i + 1 < n ? (unsigned)(unsigned char)key[i + 1] << 8 : 0;
        v |= i + 2 < n ? (unsigned)(unsigned char)key[i + 2] : 0;
        out[at++] = b64[v >> 18];
        out[at++] = b64[v >> 12 & 63];
        out[at++] = i + 1 < n ? b64[v >> 6 & 63] : '=';
        out[at++] = i + 2 < n ? b64[v & 63] : '=';
    }
    out[at] = '\0';
    return strchr(out, '/') ? -1 : 0;
}

int store_big_read(const struct roots *r, const char *image_id, const char *key, size_t max,
                   struct buf *b, struct err *e)
{
    char name[256], path[400];
    if (store_big_name(key, name, sizeof name) < 0)
        return err_set(e, 0, "image %.64s: \"%s\" cannot be the name of an item", image_id, key);
    snprintf(path, sizeof path, "overlay-images/%.64s/%s", image_id, name);
    if (at_read(r->graph, path, max, b) < 0)
        return err_sys(e, "image %.64s: cannot read its item \"%s\"", image_id, key);
    return 0;
}

static int read_json(const struct store *s, const json_t *img, const char *key, json_t **ret,
                     struct err *e)
{
    cleanup(buf_free) struct buf b = BUF_INIT;
    json_t *v;
    if (store_big_read(s->roots, jx_str(img, "id"), key, STORE_MAX_BIG, &b, e) < 0 ||
        jx_parse(key, buf_str(&b), b.len, &v, e) < 0)
        return -1;
    if (!json_is_object(v)) {
        json_decref(v);
        return err_set(e, 0, "image %s: its item \"%s\" is not a JSON object", jx_str(img, "id"),
                       key);
    }
    *ret = v;
    return 0;
}

int store_manifest(const struct store *s, const json_t *img, json_t **ret, struct err *e)
{
    return read_json(s, img, "manifest", ret, e);
}

/* The item named after the image's id; with another kind of id, what the manifest points to. */
int store_config(const struct store *s, const json_t *img, json_t **ret, struct err *e)
{
    char key[80];
    const json_t *names = json_object_get(img, "big-data-names"), *v;
    size_t i;
    snprintf(key, sizeof key, "sha256:%s", jx_str(img, "id"));
    json_array_foreach(names, i, v)
    {
        if (str_eq(json_string_value(v), key))
            return read_json(s, img, key, ret, e);
    }
    cleanup_json manifest = NULL;
    if (store_manifest(s, img, &manifest, e) < 0)
        return -1;
    const char *config = jx_str(json_object_get(manifest, "config"), "digest");
    return read_json(s, img, *config ? config : key, ret, e);
}
