/* pod-pull: fetches images into the store. bin/pull/ has the steps. */
#include "pull/pull.h"
#include "say.h"

#include "plain/fdio.h"
#include "things/image.h"
#include "things/policy.h"
#include "things/registries.h"
#include "words/ref.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define AT(f) offsetof(struct pull_opts, f)
static const struct opt options[] = {
    {"all-tags", 'a', OPT_BOOL, NULL, "Pull every tag of the repository", AT(all_tags)},
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

static int pull_local(const struct roots *r, const struct pull_opts *opts, const char *source,
                      struct err *e)
{
    struct origin o;
    char id[DIGEST_HEX + 1];
    size_t n = strcspn(source, ":");
    cleanup_free char *transport = xstrndup(source, n);
    cleanup_free char *path = xstrndup(source + n + 1, strcspn(source + n + 1, ":"));
    cleanup_free char *real = realpath(path, NULL);
    if (opts->all_tags)
        return err_set(e, 0, "pulling all tags is not supported for %s transport", transport);
    if (policy_check(transport, real ? real : path, NULL, e) < 0 ||
        origin_open(r, source, &o, e) < 0)
        return -1;
    int res = image_pull(r, opts, &o, id, e);
    origin_close(&o);
    if (res == 0)
        puts(id);
    return res;
}

static int pull_one(const struct roots *r, const struct pull_opts *opts, const struct registries *g,
                    const struct ref *ref, struct err *e)
{
    struct origin o;
    char id[DIGEST_HEX + 1];
    if (policy_check("docker", NULL, ref, e) < 0 || registry_open(opts, g, ref, &o, e) < 0)
        return -1;
    if (!opts->quiet)
        fprintf(stderr, "Trying to pull %s...\n", o.names.v[0]);
    int res = image_pull(r, opts, &o, id, e);
    origin_close(&o);
    if (res == 0)
        puts(id);
    return res;
}

static int pull_tags(const struct roots *r, const struct pull_opts *opts,
                     const struct registries *g, const struct ref *ref, struct err *e)
{
    cleanup(strv_free) struct strv tags = STRV_INIT;
    cleanup_free char *name = ref_name(ref);
    if (registry_tags(opts, g, ref, &tags, e) < 0)
        return -1;
    for (size_t i = 0; i < tags.n; i++) {
        cleanup(ref_free) struct ref one = REF_INIT;
        cleanup_free char *whole = xasprintf("%s:%s", name, tags.v[i]);
        if (ref_parse(whole, &one, e) < 0 || pull_one(r, opts, g, &one, e) < 0)
            return -1;
    }
    return 0;
}

/* The first candidate that can be pulled is taken; else all their reasons are told. */
static int pull_candidates(const struct roots *r, const struct pull_opts *opts,
                           const struct registries *g, const struct refs *l, struct err *e)
{
    cleanup(buf_free) struct buf list = BUF_INIT;
    struct err why = ERR_INIT;
    if (l->how && !opts->quiet)
        fprintf(stderr, "%s\n", l->how);
    for (size_t i = 0; i < l->n; i++) {
        why = (struct err)ERR_INIT;
        int res = opts->all_tags ? pull_tags(r, opts, g, &l->v[i], &why)
                                 : pull_one(r, opts, g, &l->v[i], &why);
        if (res == 0)
            return 0;
        buf_addf(&list, "%s * %s", i ? "\n" : "", why.msg);
        if (interrupted)
            break;
    }
    *e = why;
    if (l->n < 2 || interrupted)
        return -1;
    err_set(e, 0, "%zu errors occurred while pulling:", l->n);
    return err_hint(e, "%s", list.s);
}

static int pull_registry(const struct roots *r, const struct pull_opts *opts, const char *source,
                         struct err *e)
{
    struct registries *g = NULL;
    struct refs l = {0};
    if (str_starts(source, "docker-daemon:")) {
        err_set(e, 0, "%s: pulling from Docker's daemon is not supported", source);
        return err_hint(e, "Type: docker save IMAGE | pod pull docker-archive:/dev/stdin");
    }
    int res = registries_load(&g, e);
    if (res == 0)
        res = registries_candidates(g, source, &l, e);
    if (res == 0)
        res = pull_candidates(r, opts, g, &l, e);
    refs_free(&l);
    registries_free(g);
    return res;
}

static int pull(const struct roots *r, const struct pull_opts *opts, const char *source,
                struct err *e)
{
    cleanup_fd int hold = store_hold(r, e);
    if (hold < 0)
        return -1;
    return origin_is_local(source) ? pull_local(r, opts, source, e)
                                   : pull_registry(r, opts, source, e);
}

/* Puts the id of what is here already. */
static bool have(const struct roots *r, const char *source)
{
    struct image img = IMAGE_INIT;
    struct err ignored = ERR_INIT;
    if (image_find(r, source, &img, &ignored) < 0)
        return false;
    puts(img.id);
    image_free(&img);
    return true;
}

static bool is_id(const char *s)
{
    return str_starts(s, "sha256:") || (strlen(s) == DIGEST_HEX && digest_is_hex(s));
}

/* One SOURCE as the policy wants it. */
static int obey(const struct roots *r, const struct pull_opts *o, const char *source, struct err *e)
{
    enum { ALWAYS, MISSING, NEWER, NEVER };
    static const char *const policies[] = {"always", "missing", "newer", "never", NULL};
    int p = ALWAYS;
    while (o->policy && policies[p] && strcmp(o->policy, policies[p]) != 0)
        p++;
    if (!policies[p])
        return err_set(e, 0, "unsupported pull policy \"%s\"", o->policy);
    if (is_id(source) && p == ALWAYS)
        return err_set(e, 0, "pull policy is always but image has been referred to by ID (%s)",
                       source);
    if ((is_id(source) || p == MISSING || p == NEVER) && have(r, source))
        return 0;
    if (p == NEVER || is_id(source))
        return err_set(e, 0, "%s: image not known", source);
    if (pull(r, o, source, e) == 0)
        return 0;
    /* a registry that cannot be asked does not make what is here any older */
    return p == NEWER && !interrupted && have(r, source) ? 0 : -1;
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
    struct platform platform;
    if (platform_wanted(&o, &platform, &e) < 0)
        return say_error(&e);
    if (roots_open(&r, &e) < 0 || (o.creds && auth_parse(o.creds, &o.parsed_creds, &e) < 0))
        return say_error(&e);
    struct sigaction sa = {.sa_handler = on_signal};
    sigaction(SIGINT, &sa, NULL);
    sigaction(SIGTERM, &sa, NULL);
    signal(SIGPIPE, SIG_IGN);
    for (int i = first; i < argc; i++) {
        e = (struct err)ERR_INIT;
        int res = obey(&r, &o, argv[i], &e);
        say_single_id(r.run_path, NULL);
        if (res == 0)
            continue;
        if (interrupted) {
            err_set(&e, 128 + (int)interrupted, "interrupted");
            return say_error(&e);
        }
        code = say_error(&e);
    }
    return say_end(code);
}
