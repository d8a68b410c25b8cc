#include "things/local_image.h"

#include "words/sha256.h"

#include <stdlib.h>
#include <string.h>

static const struct types {
    const char *layer, *config, *manifest;
} oci = {"application/vnd.oci.image.layer.v1.tar", "application/vnd.oci.image.config.v1+json",
         "application/vnd.oci.image.manifest.v1+json"},
  docker = {"application/vnd.docker.image.rootfs.diff.tar",
            "application/vnd.docker.container.image.v1+json",
            "application/vnd.docker.distribution.manifest.v2+json"};

static void add_layer(json_t *list, const struct types *t, const char *digest, int64_t size)
{
    json_array_append_new(list, json_pack("{s:s, s:s, s:I}", "mediaType", t->layer, "digest",
                                          digest, "size", (json_int_t)size));
}

/* Base first. */
static int list_layers(const struct roots *r, const struct local_image *img, const struct types *t,
                       json_t *ret, struct err *e)
{
    cleanup_store s = STORE_INIT;
    cleanup(strv_free) struct strv chain = STRV_INIT;
    if (*img->top && (store_open(r, &s, e) < 0 || store_chain(&s, img->top, &chain, e) < 0))
        return -1;
    for (size_t i = chain.n; i-- > 0;) {
        const json_t *l = store_layer(&s, chain.v[i]);
        add_layer(ret, t, jx_str(l, "diff-digest"), jx_int(l, "diff-size", -1));
    }
    add_layer(ret, t, digest_text(&img->layer->diff).s, img->layer->diff_size);
    return 0;
}

int local_image_save(const struct roots *r, struct local_image *img, char ret_id[65], struct err *e)
{
    const struct types *t = img->docker ? &docker : &oci;
    struct new_layer *l = img->layer;
    cleanup_json layers = json_array();
    if (list_layers(r, img, t, layers, e) < 0)
        return -1;
    cleanup_free char *config = json_dumps(img->config, JSON_COMPACT);
    struct digest id = sha256_of(config, strlen(config));
    cleanup_json m =
        json_pack("{s:i, s:s, s:{s:s, s:s, s:I}, s:O}", "schemaVersion", 2, "mediaType",
                  t->manifest, "config", "mediaType", t->config, "digest", digest_text(&id).s,
                  "size", (json_int_t)strlen(config), "layers", layers);
    cleanup_free char *manifest = json_dumps(m, JSON_COMPACT);
    struct new_image image = {.digest = sha256_of(manifest, strlen(manifest)),
                              .names = STRV_INIT,
                              .layer = l->id,
                              .created = jx_str0(img->config, "created")};
    cleanup_free char *config_key = xstrdup(digest_text(&id).s);
    cleanup_free char *key = xasprintf("manifest-%s", digest_text(&image.digest).s);
    const struct new_big big[] = {{config_key, config, strlen(config)},
                                  {"manifest", manifest, strlen(manifest)},
                                  {key, manifest, strlen(manifest)}};
    image.big = big;
    image.nbig = sizeof big / sizeof *big;
    str_copy(image.id, sizeof image.id, id.hex);
    str_copy(l->parent, sizeof l->parent, img->top);
    store_layer_id(img->top, &l->diff, l->id);
    l->compressed_size = -1; /* whatever it came from, no manifest names that */
    if (img->name)
        strv_add(&image.names, img->name);
    int res = store_commit(r, l, 1, &image, e);
    strv_free(&image.names);
    if (res == 0) {
        l->staging[0] = '\0';
        str_copy(ret_id, 65, id.hex);
    }
    return res;
}
