/* Manifest and configuration: parsed, verified, turned into the list of layers. */
#include "pull.h"

#include "words/sha256.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_INDEXES = 2 };

static int verify(const char *what, const struct buf *b, const struct digest *want, struct err *e)
{
    struct digest got = sha256_of(buf_str(b), b->len);
    if (digest_eq(&got, want))
        return 0;
    return err_set(e, 0, "%s: Digest did not match, expected %s, got %s", what, digest_text(want).s,
                   digest_text(&got).s);
}

/* The image's own manifest, below up to two indexes. */
static int find_manifest(struct origin *o, const struct platform *want, struct plan *p,
                         json_t **ret, struct err *e)
{
    cleanup_json m = NULL;
    enum manifest_kind kind;
    if (origin_manifest(o, NULL, &p->manifest, e) < 0 ||
        (o->has_digest && verify(o->uri, &p->manifest, &o->digest, e) < 0) ||
        manifest_parse(o->uri, &p->manifest, &m, &kind, e) < 0)
        return -1;
    for (int depth = 0; kind == MANIFEST_INDEX; depth++) {
        json_t *entry;
        struct digest d;
        int64_t size;
        if (depth == MAX_INDEXES)
            return err_set(e, 0, "%s: an index in an index in an index", o->uri);
        if (manifest_choose(o->uri, m, want, &entry, e) < 0 ||
            manifest_descriptor(o->uri, entry, &d, &size, e) < 0)
            return -1;
        json_decref(m);
        m = NULL;
        buf_free(&p->index);
        p->index = p->manifest;
        p->manifest = (struct buf)BUF_INIT;
        p->has_index = true;
        if (origin_manifest(o, &d, &p->manifest, e) < 0 ||
            verify(o->uri, &p->manifest, &d, e) < 0 ||
            manifest_parse(o->uri, &p->manifest, &m, &kind, e) < 0)
            return -1;
    }
    *ret = json_incref(m);
    return 0;
}

/* files: names instead of descriptors, as docker save has them and nobody else may. */
static int take_layers(const char *what, const json_t *list, bool files, struct plan *p,
                       struct err *e)
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
        if (!files) {
            if (manifest_descriptor(what, d, &p->layers[i].blob, &p->layers[i].size, e) < 0)
                return -1;
        } else if (json_is_string(d)) {
            p->layers[i].file = xstrdup(json_string_value(d));
        } else {
            return err_set(e, 0, "%s: manifest.json: a layer that is not a file name", what);
        }
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
    (void)str_copy(p->os, sizeof p->os, jx_str(config, "os"));
    (void)str_copy(p->arch, sizeof p->arch, jx_str(config, "architecture"));
    if (jx_str0(config, "created"))
        p->created = xstrdup(jx_str(config, "created"));
    return 0;
}

/* docker save's manifest.json: file names instead of digests. */
static int plan_docker(struct origin *o, struct plan *p, struct err *e)
{
    cleanup_json item = NULL;
    if (docker_choose(o, &item, e) < 0)
        return -1;
    const char *config = jx_str(item, "Config");
    if (!*config || !json_is_array(json_object_get(item, "Layers")))
        return err_set(e, 0, "%s: manifest.json does not say what the image is made of", o->uri);
    if (box_read(o->box, config, MAX_MANIFEST, &p->config, e) < 0 ||
        take_layers(o->uri, json_object_get(item, "Layers"), true, p, e) < 0)
        return -1;
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
        res = manifest_descriptor(o->uri, json_object_get(m, "config"), &p.config_digest, &size, e);
        if (res == 0)
            res = take_layers(o->uri, json_object_get(m, "layers"), false, &p, e);
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

/* Byte for byte as podman writes it, so that the digests agree. */
void plan_synthesise(struct plan *p)
{
    json_t *layers = json_array();
    for (size_t i = 0; i < p->n; i++)
        json_array_append_new(layers, json_pack("{s:s, s:I, s:s}", "mediaType",
                                                "application/vnd.docker.image.rootfs.diff.tar.gzip",
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
        free(p->layers[i].file);
        free(p->layers[i].ids);
    }
    free(p->layers);
    free(p->created);
    buf_free(&p->manifest);
    buf_free(&p->index);
    buf_free(&p->config);
    *p = (struct plan){0};
}
