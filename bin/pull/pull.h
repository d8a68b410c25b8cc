/*
 * pod-pull from the inside. One image goes through
 *
 *   origin (where bytes come from)  →  plan (manifest, config, layers; all verified)
 *   →  layers (which are missing, one pod-unpack for each)  →  store_commit
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
    bool quiet, content_trust;
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

/* ---- origin.c, registry.c ---- */

enum origin_kind { ORIGIN_REGISTRY, ORIGIN_LAYOUT, ORIGIN_DIR, ORIGIN_DOCKER };
struct origin {
    enum origin_kind kind;
    char *uri;           /* how messages call it */
    struct fetch *fetch; /* registry */
    char *version;       /* tag or digest asked for */
    int dir;             /* layout, dir, unpacked archive */
    char *ref;           /* REF of a layout or archive, "" when none was said */
    char *temp;          /* directory below own/staging with an unpacked archive; NULL */
    struct strv names;   /* to store the image under */
    bool has_digest;     /* what the top manifest must hash to */
    struct digest digest;
};
/* typed: a SOURCE of the command line. */
int origin_open(const struct roots *r, const struct pull_opts *o, const char *typed,
                struct origin *ret, struct err *e);
void origin_close(const struct roots *r, struct origin *o);
int registry_open(const struct pull_opts *o, const char *typed, struct origin *ret, struct err *e);
/* The manifest of that digest, or with NULL the one that was asked for. Not verified. */
int origin_manifest(struct origin *o, const struct digest *which, struct buf *ret, struct err *e);
/* A small blob. Not verified. */
int origin_small(struct origin *o, const struct digest *d, int64_t size, struct buf *ret,
                 struct err *e);
/* Opens a blob of a local origin. */
int origin_blob(const struct origin *o, const struct digest *d, const char *path, struct err *e);

/* ---- plan.c ---- */

struct layer {
    struct new_layer nl; /* what the store will be told */
    struct digest blob;
    int64_t size;  /* of the blob, -1: not known */
    char *path;    /* file in a docker archive; NULL: by blob */
    bool exists;   /* in the store already */
    int64_t bytes; /* so far, for the progress */
    bool done;
    pid_t pid;     /* of its pod-unpack */
    int report;    /* its answer; -1 */
    uint32_t *ids; /* memory behind nl.uids and nl.gids */
};
struct plan {
    struct buf manifest, index, config;
    struct digest manifest_digest, index_digest, config_digest;
    bool has_index;
    struct layer *layers;
    size_t n;
    char *created; /* RFC 3339; NULL when the configuration does not say */
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

/* ---- show.c ---- */

/* One line a layer on a terminal, redrawn in place. */
void show_bars(const struct plan *p, bool first);

#endif
