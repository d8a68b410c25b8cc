/* Manifest and configuration: parsed, verified, turned into the list of layers. */
#include "pull.h"

#include "plain/fdio.h"
#include "words/ref.h"
#include "words/sha256.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool is_index(const json_t *m)
{
    return json_is_array(json_object_get(m, "manifests")) && !json_object_get(m, "config");
}

static int descriptor(const char *what, const json_t *d, struct digest *ret, int64_t *size,
                      struct err *e)
{
    *size = jx_int(d, "size", -1);
    if (digest_parse(jx_str(d, "digest"), ret) < 0 || *size < -1)
        return err_set(e, 0, "%s: a descriptor without a valid sha256 digest and size", what);
    return 0;
}

static int verify(const char *what, const struct buf *b, const struct digest *want, struct err *e)
{
    struct digest got = sha256_of(buf_str(b), b->len);
    if (digest_eq(&got, want))
        return 0;
    return err_set(e, 0, "%s: Digest did not match, expected %s, got %s", what, digest_text(want).s,
                   digest_text(&got).s);
}

/* Attestations and signatures stand in an index beside the images: they run nowhere. */
static const json_t *choose(const json_t *index, const struct platform *want)
{
    const json_t *m, *best = NULL;
    int best_rank = 1 << 20;
    size_t i;
    json_array_foreach(json_object_get(index, "manifests"), i, m)
    {
        const json_t *p = json_object_get(m, "platform");
        if (json_object_get(json_object_get(m, "annotations"), "vnd.docker.reference.type"))
            continue;
        int rank =
            platform_rank(want, jx_str(p, "os"), jx_str(p, "architecture"), jx_str(p, "variant"));
        if (rank >= 0 && rank < best_rank) {
            best = m;
            best_rank = rank;
        }
    }
    return best;
}

static int parse_manifest(const struct origin *o, const struct buf *b, json_t **ret, struct err *e)
{
    cleanup_free char *what = xasprintf("%s: manifest", o->uri);
    if (jx_parse(what, buf_str(b), b->len, ret, e) < 0)
        return -1;
    if (!json_is_object(*ret) || jx_int(*ret, "schemaVersion", 2) != 2) {
        bool old = jx_int(*ret, "schemaVersion", 2) == 1;
        json_decref(*ret);
        *ret = NULL;
        return err_set(
            e, 0,
            old ? "%s: Docker manifests of schema 1 are not supported: the image must be "
                  "pushed again by a newer tool"
                : "%s: the manifest is not one of an image",
            o->uri);
    }
    return 0;
}

/* Up to one index above another, then the image's own manifest. */
static int find_manifest(struct origin *o, const struct platform *want, struct plan *p,
                         json_t **ret, struct err *e)
{
    json_t *m = NULL;
    if (origin_manifest(o, NULL, &p->manifest, e) < 0 ||
        (o->has_digest && verify(o->uri, &p->manifest, &o->digest, e) < 0) ||
        parse_manifest(o, &p->manifest, &m, e) < 0)
        return -1;
    for (int depth = 0; is_index(m); depth++) {
        const json_t *entry = choose(m, want);
        struct digest d;
        int64_t size;
        int res = entry && depth < 2
                      ? descriptor(o->uri, entry, &d, &size, e)
                      : err_set(e, 0,
                                "%s: no image found in manifest list for architecture "
                                "%s, variant \"%s\", OS %s",
                                o->uri, want->arch, want->variant, want->os);
        json_decref(m);
        m = NULL;
        if (res < 0)
            return -1;
        buf_free(&p->index);
        p->index = p->manifest;
        p->manifest = (struct buf)BUF_INIT;
        p->has_index = true;
        if (origin_manifest(o, &d, &p->manifest, e) < 0 ||
            verify(o->uri, &p->manifest, &d, e) < 0 || parse_manifest(o, &p->manifest, &m, e) < 0)
            return -1;
    }
    *ret = m;
    return 0;
}

static int take_layers(const char *what, const json_t *list, struct plan *p, struct err *e)
{
    const json_t *d;
    size_t i;
    p->n = json_array_size(list);
    if (p->n > MAX_LAYERS)
        return err_set(e, 0, "%s: %zu layers, %d are possible", what, p->n, MAX_LAYERS);
    p->layers = xcalloc(p->n, sizeof *p->layers);
    json_array_foreach(list, i, d)
    {
        p->layers[i].report = -1;
        p->layers[i].size = -1;
        if (json_is_string(d))
            p->layers[i].path = xstrdup(json_string_value(d));
        else if (descriptor(what, d, &p->layers[i].blob, &p->layers[i].size, e) < 0)
            return -1;
    }
    return 0;
}

static int read_config(const struct origin *o, struct plan *p, struct err *e)
{
    cleanup_free char *what = xasprintf("%s: configuration", o->uri);
    json_t *parsed = NULL;
    if (jx_parse(what, buf_str(&p->config), p->config.len, &parsed, e) < 0)
        return -1;
    cleanup_json config = parsed;
    const json_t *ids = json_object_get(json_object_get(config, "rootfs"), "diff_ids");
    if (json_array_size(ids) != p->n)
        return err_set(e, 0, "%s: %zu diff_ids for %zu layers", what, json_array_size(ids), p->n);
    for (size_t i = 0; i < p->n; i++) {
        struct layer *l = &p->layers[i];
        const char *text = json_string_value(json_array_get(ids, i));
        if (!text || digest_parse(text, &l->nl.diff) < 0)
            return err_set(e, 0, "%s: diff_id %zu is not a sha256 digest", what, i);
        if (i)
            memcpy(l->nl.parent, p->layers[i - 1].nl.id, sizeof l->nl.parent);
        store_layer_id(i ? l->nl.parent : NULL, &l->nl.diff, l->nl.id);
    }
    if (jx_str0(config, "created"))
        p->created = xstrdup(jx_str(config, "created"));
    return 0;
}

/* docker save's manifest.json: file names instead of digests. */
static int plan_docker(struct origin *o, struct plan *p, struct err *e)
{
    cleanup(buf_free) struct buf b = BUF_INIT;
    json_t *parsed = NULL;
    if (origin_manifest(&(struct origin){.kind = ORIGIN_DIR, .dir = o->dir, .uri = o->uri}, NULL,
                        &b, e) < 0 ||
        jx_parse("manifest.json", buf_str(&b), b.len, &parsed, e) < 0)
        return -1;
    cleanup_json list = parsed;
    size_t want = o->ref[0] == '@' ? (size_t)atoi(o->ref + 1) : 0, i;
    const json_t *item = json_array_get(list, want), *tag;
    const char *config = jx_str(item, "Config");
    if (!*config)
        return err_set(e, 0, "%s: manifest.json has no image %zu", o->uri, want);
    cleanup_fd int fd = origin_blob(o, NULL, config, e);
    if (fd < 0 || fd_read_all(fd, MAX_MANIFEST, &p->config) < 0 ||
        take_layers(o->uri, json_object_get(item, "Layers"), p, e) < 0)
        return fd < 0 ? -1 : err_set(e, 0, "%s: cannot read \"%s\"", o->uri, config);
    json_array_foreach(json_object_get(item, "RepoTags"), i, tag)
    {
        struct ref ref = REF_INIT;
        struct err bad = ERR_INIT;
        if (json_is_string(tag) && ref_parse(json_string_value(tag), &ref, &bad) == 0)
            strv_take(&o->names, ref_str(&ref));
        ref_free(&ref);
    }
    p->config_digest = sha256_of(buf_str(&p->config), p->config.len);
    return read_config(o, p, e);
}

int plan_make(struct origin *o, const struct platform *want, struct plan *ret, struct err *e)
{
    struct plan p = {0};
    json_t *found = NULL;
    int64_t size = -1;
    int res = -1;
    if (o->kind == ORIGIN_DOCKER) {
        res = plan_docker(o, &p, e);
    } else if (find_manifest(o, want, &p, &found, e) == 0) {
        cleanup_json m = found;
        p.manifest_digest = sha256_of(buf_str(&p.manifest), p.manifest.len);
        if (p.has_index)
            p.index_digest = sha256_of(buf_str(&p.index), p.index.len);
        res = descriptor(o->uri, json_object_get(m, "config"), &p.config_digest, &size, e);
        if (res == 0)
            res = take_layers(o->uri, json_object_get(m, "layers"), &p, e);
        if (res == 0)
            res = origin_small(o, &p.config_digest, size, &p.config, e);
        if (res == 0)
            res = verify(o->uri, &p.config, &p.config_digest, e);
        if (res == 0)
            res = read_config(o, &p, e);
    }
    if (res < 0)
        plan_free(&p);
    else
        *ret = p;
    return res;
}

void plan_synthesise(struct plan *p)
{
    json_t *layers = json_array();
    for (size_t i = 0; i < p->n; i++)
        json_array_append_new(layers, json_pack("{s:s, s:I, s:s}", "mediaType",
                                                "application/vnd.docker.image.rootfs.diff.tar",
                                                "size", (json_int_t)p->layers[i].nl.diff_size,
                                                "digest", digest_text(&p->layers[i].nl.diff).s));
    cleanup_json m = json_pack(
        "{s:i, s:s, s:{s:s, s:I, s:s}, s:o}", "schemaVersion", 2, "mediaType",
        "application/vnd.docker.distribution.manifest.v2+json", "config", "mediaType",
        "application/vnd.docker.container.image.v1+json", "size", (json_int_t)p->config.len,
        "digest", digest_text(&p->config_digest).s, "layers", layers);
    cleanup_free char *text = json_dumps(m, JSON_COMPACT);
    buf_adds(&p->manifest, text ? text : "{}");
    p->manifest_digest = sha256_of(p->manifest.s, p->manifest.len);
}

void plan_free(struct plan *p)
{
    for (size_t i = 0; i < p->n && p->layers; i++) {
        free(p->layers[i].path);
        free(p->layers[i].ids);
    }
    free(p->layers);
    free(p->created);
    buf_free(&p->manifest);
    buf_free(&p->index);
    buf_free(&p->config);
    *p = (struct plan){0};
}
