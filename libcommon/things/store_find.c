/* From what a person types to an image record. */
#include "things/store.h"
#include "words/digest.h"
#include "words/ref.h"

#include <stdlib.h>
#include <string.h>

struct hit {
    json_t *img;
    const char *name;
};

static bool by_name(const struct store *s, const char *full, struct hit *ret)
{
    size_t i, k;
    json_t *img, *v;
    store_foreach_image(s, i, img)
    {
        json_array_foreach(json_object_get(img, "names"), k, v)
        {
            if (str_eq(json_string_value(v), full)) {
                *ret = (struct hit){img, json_string_value(v)};
                return true;
            }
        }
    }
    return false;
}

/* Has the image this manifest digest, its own or that of the list it came from? */
static bool has_digest(const json_t *img, const char *digest)
{
    if (strcmp(jx_str(img, "digest"), digest) == 0)
        return true;
    const char *key;
    json_t *v;
    json_object_foreach(json_object_get(img, "big-data-digests"), key, v)
    {
        if (str_starts(key, "manifest") && str_eq(json_string_value(v), digest))
            return true;
    }
    return false;
}

/* The stored name without its tag: up to the colon behind the last slash, or the '@'. */
static size_t repo_len(const char *name)
{
    const char *slash = strrchr(name, '/'), *from = slash ? slash : name;
    return (size_t)(from - name) + strcspn(from, ":@");
}

/* Is stored the repository repo, or one that ends in /repo? */
static bool repo_matches(const char *stored, const char *repo)
{
    size_t n = repo_len(stored), want = strlen(repo);
    if (n < want || memcmp(stored + n - want, repo, want) != 0)
        return false;
    return n == want || stored[n - want - 1] == '/';
}

static bool by_suffix(const struct store *s, const char *repo, const char *tag, const char *digest,
                      struct hit *ret)
{
    size_t i, k;
    json_t *img, *v;
    store_foreach_image(s, i, img)
    {
        if (digest && !has_digest(img, digest))
            continue;
        json_array_foreach(json_object_get(img, "names"), k, v)
        {
            const char *name = json_string_value(v);
            if (!name || !repo_matches(name, repo))
                continue;
            const char *behind = name + repo_len(name);
            if (digest || (*behind == ':' && strcmp(behind + 1, tag) == 0)) {
                *ret = (struct hit){img, name};
                return true;
            }
        }
    }
    return false;
}

static bool by_digest(const struct store *s, const char *digest, struct hit *ret)
{
    size_t i;
    json_t *img;
    store_foreach_image(s, i, img)
    {
        if (has_digest(img, digest)) {
            *ret = (struct hit){img, NULL};
            return true;
        }
    }
    return false;
}

/* 1 found, 0 none, -1 more than one */
static int by_prefix(const struct store *s, const char *prefix, struct hit *ret)
{
    size_t n = strlen(prefix), i;
    json_t *img, *found = NULL;
    if (n == 0 || n > 64 || strspn(prefix, "0123456789abcdef") != n)
        return 0;
    store_foreach_image(s, i, img)
    {
        if (strncmp(jx_str(img, "id"), prefix, n) != 0)
            continue;
        if (found && n < 64)
            return -1;
        found = img;
    }
    *ret = (struct hit){found, NULL};
    return found ? 1 : 0;
}

/* The path as it was typed: ref_parse puts library/ before a single component. */
static const char *typed_path(const struct ref *r, const char *typed)
{
    bool added = r->shortname && str_starts(r->path, "library/") && !str_starts(typed, "library/");
    return added ? r->path + strlen("library/") : r->path;
}

static bool by_reference(const struct store *s, const char *typed, struct hit *ret)
{
    struct ref r = REF_INIT;
    struct err ignored = ERR_INIT;
    if (ref_parse(typed, &r, &ignored) < 0)
        return false;
    const char *path = typed_path(&r, typed), *tag = r.tag ? r.tag : REF_DEFAULT_TAG;
    struct digest_text digest = r.has_digest ? digest_text(&r.digest) : (struct digest_text){""};
    cleanup_free char *name = ref_name(&r);
    cleanup_free char *local = xasprintf("localhost/%s", path);
    cleanup_free char *local_tag = xasprintf("%s:%s", local, tag);
    cleanup_free char *name_tag = xasprintf("%s:%s", name, tag);
    bool ok;
    if (r.has_digest) {
        cleanup_free char *exact = xasprintf("%s@%s", name, digest.s);
        ok = by_name(s, exact, ret) || by_suffix(s, r.shortname ? path : name, NULL, digest.s, ret);
    } else {
        ok = (r.shortname && by_name(s, local_tag, ret)) || by_name(s, name_tag, ret) ||
             (r.shortname && by_suffix(s, path, tag, NULL, ret));
    }
    ref_free(&r);
    return ok;
}

int store_find(const struct store *s, const char *name, json_t **ret, const char **ret_name,
               struct err *e)
{
    struct hit h = {NULL, NULL};
    struct digest d;
    bool is_digest = digest_parse(name, &d) == 0;
    const char *id = is_digest ? d.hex : name;
    int prefix = 0;
    if (digest_is_hex(id))
        prefix = by_prefix(s, id, &h);
    if (!h.img && is_digest)
        by_digest(s, name, &h);
    if (!h.img && !is_digest)
        (void)(by_name(s, name, &h) || by_reference(s, name, &h));
    if (!h.img)
        prefix = by_prefix(s, str_starts(name, "sha256:") ? name + 7 : name, &h);
    if (!h.img) {
        err_set(e, 0, "%.300s: image not known", name);
        if (prefix < 0)
            err_hint(e, "More than one image id begins with \"%s\": type more of it", name);
        return -1;
    }
    *ret = h.img;
    if (ret_name)
        *ret_name = h.name;
    return 0;
}

int store_normalize(const char *typed, char **ret, struct err *e)
{
    struct ref r = REF_INIT;
    if (ref_parse(typed, &r, e) < 0)
        return -1;
    const char *name = r.shortname ? typed_path(&r, typed) : r.path;
    const char *domain = r.shortname ? "localhost" : r.domain;
    if (r.has_digest)
        *ret = xasprintf("%s/%s@%s", domain, name, digest_text(&r.digest).s);
    else
        *ret = xasprintf("%s/%s:%s", domain, name, r.tag ? r.tag : REF_DEFAULT_TAG);
    ref_free(&r);
    return 0;
}
