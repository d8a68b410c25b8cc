/* One image out of an opened origin: plan, layers, records. */
#include "pull.h"

#include "plain/fdio.h"
#include "things/event.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int look(const struct roots *r, struct plan *p, bool quiet, struct err *e)
{
    cleanup_store s = STORE_INIT;
    if (store_open(r, &s, e) < 0)
        return -1;
    for (size_t i = 0; i < p->n; i++) {
        struct layer *l = &p->layers[i];
        l->exists = store_layer_exists(&s, l->nl.id);
        if (l->exists)
            l->nl.diff_size = jx_int(store_layer(&s, l->nl.id), "diff-size", -1);
        if (!quiet)
            fprintf(stderr, "Copying blob %s%s\n",
                    l->file ? digest_text(&l->nl.diff).s : digest_text(&l->blob).s,
                    l->exists ? " skipped: already exists" : "");
    }
    return 0;
}

static int commit(const struct roots *r, const struct origin *o, struct plan *p, struct err *e)
{
    cleanup_free struct new_layer *layers = xcalloc(p->n, sizeof *layers);
    cleanup_free char *config_key = xstrdup(digest_text(&p->config_digest).s);
    cleanup_free char *manifest_key = xasprintf("manifest-%s", digest_text(&p->manifest_digest).s);
    cleanup_free char *index_key = xasprintf("manifest-%s", digest_text(&p->index_digest).s);
    const struct new_big big[] = {
        {config_key, buf_str(&p->config), p->config.len},
        {"manifest", buf_str(&p->manifest), p->manifest.len},
        {manifest_key, buf_str(&p->manifest), p->manifest.len},
        {index_key, buf_str(&p->index), p->index.len},
    };
    for (size_t i = 0; i < p->n; i++)
        layers[i] = p->layers[i].nl;
    struct new_image img = {.digest = p->manifest_digest,
                            .names = o->names,
                            .created = p->created,
                            .layer = p->n ? p->layers[p->n - 1].nl.id : NULL,
                            .big = big,
                            .nbig = p->has_index ? 4 : 3};
    str_copy(img.id, sizeof img.id, p->config_digest.hex);
    return store_commit(r, layers, p->n, &img, e);
}

static void warn_platform(const struct plan *p, const struct platform *want)
{
    if (!*p->os || !*p->arch || (strcmp(p->os, want->os) == 0 && strcmp(p->arch, want->arch) == 0))
        return;
    fprintf(stderr,
            "Warning: image platform (%s/%s) does not match the expected platform (%s/%s)\n", p->os,
            p->arch, want->os, want->arch);
}

static int bring(const struct roots *r, struct origin *o, struct plan *p,
                 const struct pull_opts *opts, struct err *e)
{
    bool bars = !opts->quiet && show_possible();
    /* who pulls the same image beside us finds it done when it is our turn */
    cleanup_fd int turn = turn_take(r, &p->config_digest, opts->quiet, e);
    if (turn < 0 || look(r, p, opts->quiet || bars, e) < 0)
        return -1;
    int res = layers_bring(r, o, p, bars, e);
    if (res < 0 && bars)
        show_end();
    if (res < 0)
        return -1;
    if (o->kind == ORIGIN_DOCKER)
        plan_synthesise(p);
    if (!opts->quiet)
        fprintf(stderr, "Copying config %s\nWriting manifest to image destination\n",
                digest_text(&p->config_digest).s);
    return commit(r, o, p, e);
}

int image_pull(const struct roots *r, const struct pull_opts *opts, struct origin *o, char *ret_id,
               struct err *e)
{
    struct plan p;
    struct platform want;
    if (platform_wanted(opts, &want, e) < 0 || plan_make(o, &want, &p, e) < 0)
        return -1;
    warn_platform(&p, &want);
    int res = bring(r, o, &p, opts, e);
    if (res < 0) {
        layers_undo(r, &p);
    } else {
        memcpy(ret_id, p.config_digest.hex, sizeof p.config_digest.hex);
        event_image(r, "pull", ret_id, o->uri);
    }
    plan_free(&p);
    return res;
}
