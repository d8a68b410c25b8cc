/* Manifests and indexes, OCI's and Docker's, as strangers write them. */
#include "pull.h"

#include <string.h>

static const char *const index_types[] = {
    "application/vnd.oci.image.index.v1+json",
    "application/vnd.docker.distribution.manifest.list.v2+json", NULL};
static const char *const image_types[] = {"application/vnd.oci.image.manifest.v1+json",
                                          "application/vnd.docker.distribution.manifest.v2+json",
                                          NULL};
static const char *const config_types[] = {
    "application/vnd.oci.image.config.v1+json", "application/vnd.docker.container.image.v1+json",
    "application/octet-stream", /* early registries */ "", NULL};

static int refuse_schema1(const char *uri, struct err *e)
{
    err_set(e, 0,
            "%s: manifest is of Docker's old schema 1, which cannot be verified and is not "
            "supported",
            uri);
    return err_hint(e, "Push the image again with a tool of this decade, for example: skopeo copy "
                       "--format v2s2 …");
}

/* What has the members of both kinds could be read as either one by different tools. */
static int tell_kind(const char *uri, const json_t *o, enum manifest_kind *ret, struct err *e)
{
    const char *type = jx_str(o, "mediaType");
    bool index = json_object_get(o, "manifests"), image = json_object_get(o, "layers");
    if (!json_is_object(o))
        return err_set(e, 0, "%s: manifest is not a JSON object", uri);
    if (jx_int(o, "schemaVersion", 0) == 1)
        return refuse_schema1(uri, e);
    if (index == image || (index && json_object_get(o, "config")))
        return err_set(e, 0, "%s: manifest is neither one of an image nor an index", uri);
    if (*type && !str_in(type, index ? index_types : image_types))
        return err_set(e, 0, "%s: unsupported manifest media type \"%.100s\"", uri, type);
    if (!json_is_array(json_object_get(o, index ? "manifests" : "layers")))
        return err_set(e, 0, "%s: manifest's list is not a list", uri);
    *ret = index ? MANIFEST_INDEX : MANIFEST_IMAGE;
    return 0;
}

static int check_config_type(const json_t *o, struct err *e)
{
    const char *type = jx_str(json_object_get(o, "config"), "mediaType");
    if (str_in(type, config_types))
        return 0;
    return err_set(e, 0, "unsupported image-specific operation on artifact with type \"%.100s\"",
                   type);
}

int manifest_parse(const char *uri, const struct buf *bytes, json_t **ret,
                   enum manifest_kind *ret_kind, struct err *e)
{
    cleanup_free char *what = xasprintf("parsing manifest of %s", uri);
    cleanup_json o = NULL;
    if (jx_parse(what, buf_str(bytes), bytes->len, &o, e) < 0 ||
        tell_kind(uri, o, ret_kind, e) < 0 ||
        (*ret_kind == MANIFEST_IMAGE && check_config_type(o, e) < 0))
        return -1;
    *ret = json_incref(o);
    return 0;
}

int manifest_descriptor(const char *what, const json_t *o, struct digest *ret, int64_t *ret_size,
                        struct err *e)
{
    const char *text = jx_str(o, "digest");
    int64_t size = jx_int(o, "size", -1);
    if (digest_parse(text, ret) < 0)
        return err_set(e, 0, "%s: invalid digest \"%.80s\"", what, text);
    if (size < 0)
        return err_set(e, 0, "%s: its size is missing or negative", what);
    *ret_size = size;
    return 0;
}

/* What build tools put beside the images: provenance, bills of material, signatures. */
static bool is_attestation(const json_t *o)
{
    const json_t *p = json_object_get(o, "platform");
    return jx_str0(json_object_get(o, "annotations"), "vnd.docker.reference.type") ||
           strcmp(jx_str(p, "os"), "unknown") == 0 ||
           strcmp(jx_str(p, "architecture"), "unknown") == 0;
}

static const char *default_to(const char *s, const char *otherwise)
{
    return *s ? s : otherwise;
}

static int rank_of(const json_t *o, const struct platform *want)
{
    const json_t *p = json_object_get(o, "platform");
    const char *type = jx_str(o, "mediaType");
    if (is_attestation(o) || (*type && !str_in(type, image_types) && !str_in(type, index_types)))
        return -1;
    /* an index within, or an only image, need not say what it is for */
    if (!json_is_object(p))
        return str_in(type, index_types) ? 1000 : 2000;
    return platform_rank(want, jx_str(p, "os"), jx_str(p, "architecture"), jx_str(p, "variant"));
}

static void hint_platforms(const json_t *list, struct err *e)
{
    cleanup(buf_free) struct buf b = BUF_INIT;
    size_t i;
    const json_t *o;
    json_array_foreach(list, i, o)
    {
        const json_t *p = json_object_get(o, "platform");
        const char *variant = jx_str(p, "variant");
        if (is_attestation(o) || !*jx_str(p, "os") || b.len > 400)
            continue;
        buf_addf(&b, "%s%.30s/%.30s%s%.30s", b.len ? ", " : "", jx_str(p, "os"),
                 jx_str(p, "architecture"), *variant ? "/" : "", variant);
    }
    if (b.len)
        err_hint(e, "There are images for: %s. Choose one with --platform OS/ARCH[/VARIANT]", b.s);
}

int manifest_choose(const char *uri, json_t *index, const struct platform *want, json_t **ret,
                    struct err *e)
{
    json_t *list = json_object_get(index, "manifests"), *o, *best = NULL;
    int best_rank = 0;
    size_t i;
    json_array_foreach(list, i, o)
    {
        int rank = rank_of(o, want);
        if (rank >= 0 && (!best || rank < best_rank)) {
            best = o;
            best_rank = rank;
        }
    }
    if (!best) {
        const char *kind = default_to(jx_str(index, "mediaType"), index_types[0]);
        err_set(e, 0,
                "choosing an image from manifest list %s: no image found in %s for architecture "
                "%s, variant \"%s\", OS %s",
                uri, strcmp(kind, index_types[0]) == 0 ? "image index" : "manifest list",
                want->arch, want->variant, want->os);
        hint_platforms(list, e);
        return -1;
    }
    *ret = best;
    return 0;
}
