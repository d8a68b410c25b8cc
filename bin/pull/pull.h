/*
 * pod-pull from the inside. One image goes through
 *
 *   origin (where bytes come from: a registry, or a box of files)  →  plan (manifest, config,
 * layers; all verified) →  layers (which are missing, one pod-unpack for each)  →  store_commit
 *
 * Nothing is visible in the store before the last step, and what was staged is removed when it is
 * not reached.
 */
#ifndef POD_PULL_PULL_H
#define POD_PULL_PULL_H

#include "disk/roots.h"
#include "plain/buf.h"
#include "plain/err.h"
#include "plain/str.h"
#include "things/auth.h"
#include "things/fetch.h"
#include "things/registries.h"
#include "things/store_write.h"
#include "words/digest.h"
#include "words/json.h"

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>

enum {
    MAX_MANIFEST = FETCH_MAX_MANIFEST,
    MAX_LAYERS = 500, /* overlay's own limit */
};

struct pull_opts {
    bool quiet, content_trust, all_tags;
    int tls_verify;
    const char *arch, *os, *variant, *platform;
    const char *authfile, *creds, *cert_dir, *policy, *retry_delay;
    int64_t retry;
    struct creds parsed_creds;
};

/* ---- platform.c ---- */

struct platform {
    char os[32], arch[32], variant[32];
    bool asked; /* by an option, not this machine's */
};
int platform_wanted(const struct pull_opts *o, struct platform *ret, struct err *e);
/* How good an entry of an index is: 0 best; -1: will not run. */
int platform_rank(const struct platform *want, const char *os, const char *arch,
                  const char *variant);

/* ---- box.c, plain.c, tarindex.c: named files of a directory or of an archive ---- */

struct box;
/* The bytes of one file: so many, from there on; fd has a position of its own. */
struct feed {
    int fd;
    int64_t offset, length;
};
int box_open_dir(const char *path, struct box **ret, struct err *e);
/* A tar archive, plain or compressed, from a file or a pipe. Nothing is unpacked. */
int box_open_archive(const struct roots *r, const char *path, struct box **ret, struct err *e);
void box_close(struct box *b); /* b may be NULL */
bool box_has(const struct box *b, const char *name);
int box_feed(const struct box *b, const char *name, struct feed *ret, struct err *e);
int box_read(const struct box *b, const char *name, size_t max, struct buf *ret, struct err *e);
/* errno's words as podman prints them, in lower case. */
const char *go_errno(int err, char *out, size_t size);

/*
 * What is in *fd without its compression: the same descriptor when it is a plain file, else one
 * of an unnamed file below own/staging. what is for messages.
 */
int plain_make(const struct roots *r, const char *what, int *fd, struct err *e);

struct tarindex;
int tarindex_read(int fd, const char *what, struct tarindex **ret, struct err *e);
/* Links are followed inside the archive. */
bool tarindex_find(const struct tarindex *t, const char *name, int64_t *offset, int64_t *size);
void tarindex_free(struct tarindex *t); /* t may be NULL */

/* ---- origin.c, registry.c, docker.c ---- */

enum origin_kind { ORIGIN_REGISTRY, ORIGIN_LAYOUT, ORIGIN_DIR, ORIGIN_DOCKER };
struct origin {
    enum origin_kind kind;
    char *uri;           /* how messages call it */
    struct fetch *fetch; /* registry */
    char *version;       /* tag or digest asked for */
    struct box *box;     /* all others */
    bool archive;
    char *ref;         /* REF of a layout or archive, "" when none was said */
    struct strv names; /* to store the image under */
    bool has_digest;   /* what the top manifest must hash to */
    struct digest digest;
};
/* Does a SOURCE of the command line begin with one of the transports that need no network? */
bool origin_is_local(const char *typed);
int origin_open(const struct roots *r, const char *typed, struct origin *ret, struct err *e);
void origin_close(struct origin *o);
/* Names the image; what has no registry in it is one of localhost's, what is no name is nothing. */
void origin_add_name(struct origin *o, const char *typed);
int registry_open(const struct pull_opts *o, const struct registries *g, const struct ref *ref,
                  struct origin *ret, struct err *e);
int registry_tags(const struct pull_opts *o, const struct registries *g, const struct ref *ref,
                  struct strv *ret, struct err *e);
/* The manifest of that digest, or with NULL the one that was asked for. Not verified. */
int origin_manifest(struct origin *o, const struct digest *which, struct buf *ret, struct err *e);
/* A small blob. Not verified. */
int origin_small(struct origin *o, const struct digest *d, int64_t size, struct buf *ret,
                 struct err *e);
/* A blob of a local origin; name is the file of a docker archive, else NULL. */
int origin_blob(const struct origin *o, const struct digest *d, const char *name, struct feed *ret,
                struct err *e);
/* docker save's manifest.json: the image that o->ref chooses, its tags added to o->names. */
int docker_choose(struct origin *o, json_t **ret_item, struct err *e);

/* ---- manifest.c ---- */

enum manifest_kind { MANIFEST_IMAGE, MANIFEST_INDEX };
int manifest_parse(const char *uri, const struct buf *bytes, json_t **ret,
                   enum manifest_kind *ret_kind, struct err *e);
int manifest_descriptor(const char *what, const json_t *o, struct digest *ret, int64_t *ret_size,
                        struct err *e);
/* The entry for the platform, borrowed; the message says which ones there are. */
int manifest_choose(const char *uri, json_t *index, const struct platform *want, json_t **ret,
                    struct err *e);

/* ---- plan.c ---- */

struct layer {
    struct new_layer nl; /* what the store will be told */
    struct digest blob;
    int64_t size;    /* of the blob, -1: not known */
    char *file;      /* in a docker archive; NULL: by blob */
    bool exists;     /* in the store already */
    int64_t bytes;   /* so far, for the progress */
    bool done, told; /* told: its last line stands on the terminal */
    double since;    /* seconds of the monotonic clock: when it was first shown */
    pid_t pid;       /* of its pod-unpack */
    int report;      /* its answer; -1 */
    uint32_t *ids;   /* memory behind nl.uids and nl.gids */
};
struct plan {
    struct buf manifest, index, config;
    struct digest manifest_digest, index_digest, config_digest;
    bool has_index;
    struct layer *layers;
    size_t n;
    char *created;         /* RFC 3339; NULL when the configuration does not say */
    char os[32], arch[32]; /* as the configuration says */
};
int plan_make(struct origin *o, const struct platform *want, struct plan *ret, struct err *e);
/* docker-archive: the schema 2 manifest that fits what was unpacked. */
void plan_synthesise(struct plan *p);
void plan_free(struct plan *p);

/* ---- layers.c ---- */

extern volatile sig_atomic_t interrupted; /* the signal's number */
/* Brings the missing layers into own/staging, all at once. */
int layers_bring(const struct roots *r, struct origin *o, struct plan *p, bool bars, struct err *e);
/* Ends what runs and removes what is staged. */
void layers_undo(const struct roots *r, struct plan *p);

/* ---- image.c, turn.c ---- */

/* All of it. ret_id: DIGEST_HEX + 1 characters. */
int image_pull(const struct roots *r, const struct pull_opts *opts, struct origin *o, char *ret_id,
               struct err *e);
/* Waits until nobody else pulls that image; the turn is over when the descriptor is closed. */
int turn_take(const struct roots *r, const struct digest *config, bool quiet, struct err *e);

/* ---- show.c ---- */

/* Is stderr a terminal that can be written to in place? */
bool show_possible(void);
void show_bars(struct plan *p, bool first);
/* After a failure: what comes next begins on a line of its own. */
void show_end(void);

#endif
