/*
 * Changing the image store. A change is one short exclusive section: locks in order, the lists
 * read anew, renames, then each list written once (last-write token first, fdatasync, rename).
 *
 * Whoever is half-way with something in own/staging holds store_hold() meanwhile; `pod store gc`
 * takes that lock exclusively before it sweeps. Killed at any instruction, a writer leaves a usable
 * store, and at worst files that no record names, which `pod store gc` removes.
 */
#ifndef POD_THINGS_STORE_WRITE_H
#define POD_THINGS_STORE_WRITE_H

#include "things/store.h"
#include "words/digest.h"

#include <sys/types.h>

/* Called once when a lock is not free after two seconds; holder is 0 when it is not known. */
void store_on_wait(void (*fn)(pid_t holder, const char *lock));

/* own/lock, shared: close the descriptor when done. -1 with e. */
int store_hold(const struct roots *r, struct err *e);

/* Locks for writing, makes missing directories, reads all lists, containers too. */
int store_edit(const struct roots *r, struct store *ret, struct err *e);
int store_save_layers(struct store *s, struct err *e);
int store_save_images(struct store *s, struct err *e);

/* Gives img the name, taking it from whoever has it. */
void store_name_add(struct store *s, json_t *img, const char *name);
/* false when img has not got it. */
bool store_name_drop(json_t *img, const char *name);

/* Hex of the layer's id as containers/image computes it; parent NULL or "" for a base layer. */
void store_layer_id(const char *parent, const struct digest *diff, char ret[DIGEST_HEX + 1]);
bool store_layer_exists(const struct store *s, const char *id);

/* In the order of the layers.json field "compression". */
enum store_compression { STORE_PLAIN, STORE_BZIP2, STORE_GZIP, STORE_XZ, STORE_ZSTD };

#define STORE_STAGED_TAR_SPLIT "tar-split.gz"

struct new_layer {
    char id[DIGEST_HEX + 1];
    char parent[DIGEST_HEX + 1]; /* "" for a base layer */
    struct digest diff;
    int64_t diff_size;        /* bytes of the uncompressed tar */
    struct digest compressed; /* of the blob; unused when compressed_size < 0 */
    int64_t compressed_size;
    enum store_compression compression;
    const uint32_t *uids, *gids; /* ids seen in the tar, as in the tar */
    size_t nuids, ngids;
    bool single; /* unpacked in single-id mode (things/reown.h) */
    /*
     * Directory below own/staging with diff/ and STORE_STAGED_TAR_SPLIT, everything in it made
     * by us; "" when the layer was in the store already.
     */
    char staging[80];
};

struct new_big {
    const char *key; /* "manifest", "manifest-sha256:…", "sha256:…", "signature-…" */
    const void *p;
    size_t n;
};

struct new_image {
    char id[DIGEST_HEX + 1];
    struct digest digest; /* of the manifest */
    struct strv names;    /* normalised, with tags; may be empty */
    const char *layer;    /* top layer; NULL or "" when there is none */
    const char *created;  /* RFC 3339 from the configuration; NULL: now */
    const struct new_big *big;
    size_t nbig;
};

/*
 * Makes the layers (base first) and then the image true, all at once for other readers: durable
 * before the first record points at it. A layer that somebody else committed meanwhile stays as
 * it is, and ours goes to own/trash. An image that is there gains the names and the items.
 */
int store_commit(const struct roots *r, const struct new_layer *layers, size_t n,
                 const struct new_image *img, struct err *e);

/* Ids of containers, ours and other engines', that were made from the image. */
int store_users(const struct store *s, const char *image_id, struct strv *ret, struct err *e);
/*
 * Takes the image out of the lists in memory, and with it the layers nobody else needs; their
 * ids are added to garbage («layer ID», «image ID»). Then store_save_removed writes the lists
 * and moves the files into own/trash.
 */
void store_image_drop(struct store *s, json_t *img, struct strv *garbage);
int store_save_removed(struct store *s, const struct strv *garbage, struct err *e);
/* A layer nobody needs: takes it out of the lists in memory. */
void store_layer_drop(struct store *s, const char *id, struct strv *garbage);
/* Does an image, a container or another layer stand on it? */
bool store_layer_needed(const struct store *s, const char *id);
/* overlay/<id> → own/trash. 0 too when it is not there. */
int store_trash(const struct roots *r, const char *path, struct err *e);
/* Removes what is in own/trash, in the user's namespace. */
int store_trash_empty(const struct roots *r, struct err *e);

#endif
