/*
 * The image store: containers/storage's overlay layout, shared with podman, Buildah and Skopeo.
 *
 * Reading never waits for long: a shared lock is asked for during a quarter of a second, and then
 * the files are read anyway (each is replaced by rename, and images.json is read before
 * layers.json, so that what an image needs was written earlier). Records are jansson objects as
 * they lie on disk: what we do not know is written back as it was, and one damaged record hides
 * no other.
 *
 * Writing (things/store_write.h) holds layers.lock, images.lock and containers.lock, in this order.
 */
#ifndef POD_THINGS_STORE_H
#define POD_THINGS_STORE_H

#include "disk/roots.h"
#include "plain/buf.h"
#include "plain/err.h"
#include "plain/str.h"
#include "words/json.h"

#include <stdbool.h>
#include <stdint.h>

#define STORE_LINK_LEN 26
#define STORE_STATE    200

struct store {
    const struct roots *roots;
    json_t *images;        /* images.json: an array; items may be anything */
    json_t *layers[2];     /* layers.json, volatile-layers.json */
    json_t *containers[2]; /* other engines' containers; read by store_load_containers */
    json_t *layer_by_id;   /* id → record; damaged and incomplete layers are not here */
    json_t *users;         /* image id → ids of containers; filled by the first store_users */
    int lock[3];           /* layers, images, containers; -1 when not held */
};
#define STORE_INIT                                                                                 \
    {                                                                                              \
        .lock = { -1, -1, -1 }                                                                     \
    }

/* Reads images and layers. Another driver's store: one sentence that says what to do. */
int store_open(const struct roots *r, struct store *ret, struct err *e);
/*
 * Images only: nothing about layers may be asked (sizes, chains, parents, containers) until
 * store_need_layers() was called, which reads them if they were not.
 */
int store_open_images(const struct roots *r, struct store *ret, struct err *e);
int store_need_layers(struct store *s, struct err *e);
/* containers.json too: which images and layers other engines' containers use. */
int store_load_containers(struct store *s, struct err *e);
void store_close(struct store *s);
#define cleanup_store cleanup(store_close) struct store

/* Which very files (images.json, layers.json) there are now; "" when one of them is not. */
void store_state(const struct roots *r, char out[STORE_STATE]);

/* Is the record one to work with: an object with an id of 64 hex digits? */
bool store_record_ok(const json_t *record);
/* `store_foreach_image(s, i, img)`: borrowed records, damaged ones left out. */
#define store_foreach_image(s, i, img)                                                             \
    for ((i) = 0; (i) < json_array_size((s)->images); (i)++)                                       \
        if (store_record_ok((img) = json_array_get((s)->images, (i))))

/* Borrowed; NULL when there is no whole layer of that id. */
json_t *store_layer(const struct store *s, const char *id);
/* Borrowed; by full id. */
json_t *store_image(const struct store *s, const char *id);

/*
 * What a person types → image: localhost/NAME, docker.io/library/NAME, any stored name that ends
 * in /NAME, NAME@sha256:…, an id, sha256:id, a manifest digest, a unique prefix of an id.
 * *ret is borrowed; *ret_name is the stored name that matched, NULL when it was an id or a
 * digest. Not found: «NAME: image not known», code 125.
 */
int store_find(const struct store *s, const char *name, json_t **ret, const char **ret_name,
               struct err *e);
/*
 * The name to store for what was typed behind `tag`: "localhost/" where no registry was said; with
 * a digest, without a tag.
 */
int store_normalize(const char *typed, char **ret, struct err *e);

/* Bytes as the engines count them: every layer's tar and the big data; -1 when a layer is missing.
 */
int64_t store_image_size(const struct store *s, const json_t *img);
/* Layers of the image from the top down, borrowed ids; -1 when the chain is broken. */
int store_chain(const struct store *s, const char *top, struct strv *ret, struct err *e);
/* "l/<link>" of each layer, top first. A link that was lost is made again. */
int store_lowers(const struct store *s, const char *top, struct strv *ret, struct err *e);

/* File name of a big-data item; -1 for a key that cannot be one. */
int store_big_name(const char *key, char *out, size_t size);
int store_big_read(const struct roots *r, const char *image_id, const char *key, size_t max,
                   struct buf *b, struct err *e);
/* The image configuration, the manifest: new references. */
int store_config(const struct store *s, const json_t *img, json_t **ret, struct err *e);
int store_manifest(const struct store *s, const json_t *img, json_t **ret, struct err *e);

/* overlay/<id>/link: 26 characters; -1 with errno. */
int store_link_read(const struct roots *r, const char *layer, char ret[STORE_LINK_LEN + 1]);
/* The short name we give a layer: always the same, so that two pulls at once agree on it. */
void store_link_name(const char *layer, char ret[STORE_LINK_LEN + 1]);
/* l/<link> → ../<layer>/diff, made or corrected. */
int store_link_make(const struct roots *r, const char *layer, const char *link);

#endif
