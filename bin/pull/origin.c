/* Where an image comes from when it is not a registry: layouts, directories, archives. */
#include "pull.h"

#include "words/ref.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct {
    const char *name;
    enum origin_kind kind;
    bool archive;
} transports[] = {
    {"oci", ORIGIN_LAYOUT, false},
    {"oci-archive", ORIGIN_LAYOUT, true},
    {"docker-archive", ORIGIN_DOCKER, true},
    {"dir", ORIGIN_DIR, false},
};
enum { TRANSPORTS = sizeof transports / sizeof *transports };

/* TRANSPORTS when there is none of ours before the first colon */
static size_t transport_of(const char *typed)
{
    size_t i, n = strcspn(typed, ":");
    for (i = 0; i < TRANSPORTS; i++)
        if (typed[n] && strlen(transports[i].name) == n &&
            strncmp(transports[i].name, typed, n) == 0)
            break;
    return i;
}

bool origin_is_local(const char *typed)
{
    return transport_of(typed) < TRANSPORTS;
}

void origin_add_name(struct origin *o, const char *typed)
{
    cleanup(ref_free) struct ref r = REF_INIT;
    struct err ignored = ERR_INIT;
    if (ref_parse(typed, &r, &ignored) < 0)
        return;
    if (r.shortname) {
        cleanup_free char *local = xasprintf("localhost/%s", typed);
        ref_free(&r);
        r = (struct ref)REF_INIT;
        if (ref_parse(local, &r, &ignored) < 0)
            return;
    }
    strv_take(&o->names, ref_str(&r));
}

/*
 * A layout's REF is what its author called the image. Without one, or with no more than a tag that
 * all images have, the directory's name serves.
 */
static void name_layout(struct origin *o, const char *path, const char *ref)
{
    const char *base = strrchr(path, '/') ? strrchr(path, '/') + 1 : path;
    if (*ref && (o->archive || strcmp(ref, "latest") != 0))
        origin_add_name(o, ref);
    else if (!o->archive)
        origin_add_name(o, base);
}

int origin_open(const struct roots *r, const char *typed, struct origin *ret, struct err *e)
{
    size_t t = transport_of(typed);
    struct origin o = {
        .kind = transports[t].kind, .archive = transports[t].archive, .uri = xstrdup(typed)};
    cleanup_free char *path = xstrdup(typed + strlen(transports[t].name) + 1);
    char *colon = o.kind == ORIGIN_DIR ? NULL : strchr(path, ':');
    if (colon)
        *colon++ = '\0';
    o.ref = xstrdup(colon ? colon : "");
    int res = !*path      ? err_set(e, 0, "%s: no path is given", typed)
              : o.archive ? box_open_archive(r, path, &o.box, e)
                          : box_open_dir(path, &o.box, e);
    if (res < 0) {
        origin_close(&o);
        return -1;
    }
    if (o.kind != ORIGIN_DOCKER)
        name_layout(&o, path, o.ref);
    *ret = o;
    return 0;
}

void origin_close(struct origin *o)
{
    fetch_close(o->fetch);
    box_close(o->box);
    free(o->uri);
    free(o->version);
    free(o->ref);
    strv_free(&o->names);
    *o = (struct origin){0};
}

static const char *entry_name(const json_t *item)
{
    const json_t *a = json_object_get(item, "annotations");
    const char *full = jx_str(a, "io.containerd.image.name");
    return *full ? full : jx_str(a, "org.opencontainers.image.ref.name");
}

static bool is_called(const json_t *item, const char *ref)
{
    const json_t *a = json_object_get(item, "annotations");
    return strcmp(jx_str(a, "org.opencontainers.image.ref.name"), ref) == 0 ||
           strcmp(jx_str(a, "io.containerd.image.name"), ref) == 0;
}

/* The entry of index.json that the reference names; the only one when none was said. */
static int from_index(struct origin *o, struct buf *ret, struct err *e)
{
    cleanup(buf_free) struct buf b = BUF_INIT;
    cleanup_json index = NULL;
    json_t *item, *chosen = NULL;
    size_t i, found = 0;
    int64_t size;
    if (box_read(o->box, "index.json", MAX_MANIFEST, &b, e) < 0 ||
        jx_parse("index.json", buf_str(&b), b.len, &index, e) < 0)
        return -1;
    json_array_foreach(json_object_get(index, "manifests"), i, item)
    {
        if (*o->ref && !is_called(item, o->ref))
            continue;
        chosen = item;
        found++;
    }
    if (!chosen && *o->ref)
        return err_set(e, 0, "no descriptor found for reference \"%s\"", o->ref);
    if (found == 0)
        return err_set(e, 0, "index.json has no image");
    if (found > 1 && !*o->ref)
        return err_set(e, 0, "more than one image in oci, choose an image");
    if (manifest_descriptor("index.json", chosen, &o->digest, &size, e) < 0)
        return -1;
    o->has_digest = true;
    if (o->archive && !*o->ref)
        origin_add_name(o, entry_name(chosen));
    return origin_manifest(o, &o->digest, ret, e);
}

int origin_manifest(struct origin *o, const struct digest *which, struct buf *ret, struct err *e)
{
    if (o->kind == ORIGIN_REGISTRY) {
        struct digest_text t = which ? digest_text(which) : (struct digest_text){""};
        struct fetched f = FETCHED_INIT;
        if (fetch_manifest(o->fetch, which ? t.s : o->version, NULL, &f, e) < 0)
            return -1;
        buf_add(ret, f.body.s, f.body.len);
        fetched_free(&f);
        return 0;
    }
    if (!which && o->kind != ORIGIN_DIR) {
        if (from_index(o, ret, e) == 0)
            return 0;
        /* podman's own two ways to say it */
        return o->archive ? err_prefix(e, "loading index")
                          : err_prefix(e, "initializing source %s%s", o->uri, *o->ref ? "" : ":");
    }
    cleanup_free char *path = !which                  ? xstrdup("manifest.json")
                              : o->kind == ORIGIN_DIR ? xasprintf("%s.manifest.json", which->hex)
                                                      : xasprintf("blobs/sha256/%s", which->hex);
    return box_read(o->box, path, MAX_MANIFEST, ret, e);
}

static char *blob_path(const struct origin *o, const struct digest *d)
{
    return o->kind == ORIGIN_DIR ? xstrdup(d->hex) : xasprintf("blobs/sha256/%s", d->hex);
}

int origin_blob(const struct origin *o, const struct digest *d, const char *name, struct feed *ret,
                struct err *e)
{
    cleanup_free char *path = name ? xstrdup(name) : blob_path(o, d);
    return box_feed(o->box, path, ret, e);
}

int origin_small(struct origin *o, const struct digest *d, int64_t size, struct buf *ret,
                 struct err *e)
{
    if (o->kind == ORIGIN_REGISTRY) {
        struct fetched f = FETCHED_INIT;
        if (fetch_blob(o->fetch, d, size, &f, e) < 0)
            return -1;
        buf_add(ret, f.body.s, f.body.len);
        fetched_free(&f);
        return 0;
    }
    cleanup_free char *path = blob_path(o, d);
    return box_read(o->box, path, MAX_MANIFEST, ret, e);
}
