/* pod-pull: fetches images into the store. bin/pull/ has the steps. */
#include "pull/pull.h"
#include "say.h"

#include "plain/fdio.h"
#include "things/image.h"
#include "words/exitcode.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define AT(f) offsetof(struct pull_opts, f)
static const struct opt options[] = {
    {"arch", 0, OPT_STR, "ARCH", "Architecture to choose from an index", AT(arch)},
    {"authfile", 0, OPT_STR, "FILE", "File with credentials", AT(authfile)},
    {"cert-dir", 0, OPT_STR, "DIR", "Directory with certificates", AT(cert_dir)},
    {"creds", 0, OPT_STR, "USER[:PASSWORD]", "Credentials for the registry", AT(creds)},
    {"disable-content-trust", 0, OPT_BOOL, NULL, "Accepted for compatibility", AT(content_trust)},
    {"os", 0, OPT_STR, "OS", "Operating system to choose from an index", AT(os)},
    {"platform", 0, OPT_STR, "OS/ARCH[/VARIANT]", "Platform to choose from an index", AT(platform)},
    {"policy", 0, OPT_STR, "POLICY", "always, missing, newer or never", AT(policy)},
    {"quiet", 'q', OPT_BOOL, NULL, "No progress, only the image ID", AT(quiet)},
    {"retry", 0, OPT_INT, "N", "Tries after a failure (default 3)", AT(retry)},
    {"retry-delay", 0, OPT_STR, "DURATION", "Wait so long before the first retry", AT(retry_delay)},
    {"tls-verify", 0, OPT_TRI, NULL, "Insist on valid TLS", AT(tls_verify)},
    {"variant", 0, OPT_STR, "VARIANT", "Architecture variant to choose", AT(variant)},
    {0},
};

static const struct cmd command = {
    .name = "pod pull",
    .operands = "SOURCE...",
    .summary = "Pull images into the store",
    .more = "Exit codes: 0 pulled, 125 pod failed, 130 interrupted.",
    .opts = options,
    .min = 1,
    .max = -1,
};

static void on_signal(int sig)
{
    interrupted = sig;
}

static int look(const struct roots *r, struct plan *p, bool quiet, struct err *e)
{
    cleanup_store s = STORE_INIT;
    if (store_open(r, &s, e) < 0)
        return -1;
    for (size_t i = 0; i < p->n; i++) {
        struct layer *l = &p->layers[i];
        l->exists = store_layer_exists(&s, l->nl.id);
        if (l->exists)
            l->nl.diff_size = -1;
        if (!quiet)
            fprintf(stderr, "Copying blob %s%s\n",
                    l->path ? digest_text(&l->nl.diff).s : digest_text(&l->blob).s,
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

static int bring(const struct roots *r, struct origin *o, struct plan *p,
                 const struct pull_opts *opts, struct err *e)
{
    bool bars = !opts->quiet && isatty(2);
    if (look(r, p, opts->quiet || bars, e) < 0 || layers_bring(r, o, p, bars, e) < 0)
        return -1;
    if (o->kind == ORIGIN_DOCKER)
        plan_synthesise(p);
    if (!opts->quiet)
        fprintf(stderr, "Copying config %s\nWriting manifest to image destination\n",
                digest_text(&p->config_digest).s);
    return commit(r, o, p, e);
}

static int pull(const struct roots *r, const struct pull_opts *opts, const char *source,
                struct err *e)
{
    struct origin o;
    struct plan p;
    struct platform want;
    cleanup_fd int hold = store_hold(r, e);
    if (hold < 0 || platform_wanted(opts, &want, e) < 0 || origin_open(r, opts, source, &o, e) < 0)
        return -1;
    int res = plan_make(&o, &want, &p, e);
    if (res == 0) {
        res = bring(r, &o, &p, opts, e);
        if (res < 0)
            layers_undo(r, &p);
        else
            puts(p.config_digest.hex);
        plan_free(&p);
    }
    origin_close(r, &o);
    return res;
}

static bool have_it(const struct roots *r, const struct pull_opts *o, const char *source)
{
    struct image img = IMAGE_INIT;
    struct err e = ERR_INIT;
    bool missing_only =
        o->policy && (strcmp(o->policy, "missing") == 0 || strcmp(o->policy, "never") == 0);
    if (!missing_only || image_find(r, source, &img, &e) < 0)
        return false;
    puts(img.id);
    image_free(&img);
    return true;
}

int main(int argc, char **argv)
{
    struct err e = ERR_INIT;
    struct pull_opts o = {.tls_verify = -1, .retry = -1};
    struct roots r;
    int code = 0;
    int first = say_parse(&command, &o, argc, argv, &code);
    if (first < 0)
        return code;
    if (roots_open(&r, &e) < 0 || (o.creds && auth_parse(o.creds, &o.parsed_creds, &e) < 0))
        return say_error(&e);
    struct sigaction sa = {.sa_handler = on_signal};
    sigaction(SIGINT, &sa, NULL);
    sigaction(SIGTERM, &sa, NULL);
    signal(SIGPIPE, SIG_IGN);
    for (int i = first; i < argc; i++) {
        if (have_it(&r, &o, argv[i]))
            continue;
        if (o.policy && strcmp(o.policy, "never") == 0)
            err_set(&e, 0, "%s: image not known", argv[i]);
        else if (pull(&r, &o, argv[i], &e) == 0)
            continue;
        if (interrupted) {
            err_set(&e, 128 + (int)interrupted, "interrupted");
            return say_error(&e);
        }
        code = say_error(&e);
    }
    return say_end(code);
}
