/* docker:// and short names: which registry, under which name, with which rights. */
#include "pull.h"

#include "things/registries.h"
#include "words/ref.h"
#include "words/units.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int configure(const struct pull_opts *o, struct fetch_conf *c, struct err *e)
{
    int64_t ns = 0;
    if (o->retry_delay && units_duration(o->retry_delay, &ns) < 0)
        return err_set(e, 0, "invalid argument \"%s\" for \"--retry-delay\" flag", o->retry_delay);
    c->authfile = o->authfile;
    c->creds = o->creds ? &o->parsed_creds : NULL;
    c->cert_dir = o->cert_dir;
    c->tls_verify = o->tls_verify;
    c->retry = o->retry < 0 ? -1 : (int)o->retry;
    c->retry_delay_ms = (int)(ns / 1000000);
    const char *stall = getenv("POD_STALL_TIMEOUT"); /* for tests of silent registries */
    c->stall_timeout = stall ? atoi(stall) : 0;
    return 0;
}

/* The first candidate that answers for its manifest is taken; the last one's error is said. */
static int try_one(const struct pull_opts *o, const struct registries *g, const struct ref *ref,
                   struct origin *ret, struct err *e)
{
    struct fetch_conf c = FETCH_CONF_INIT;
    c.registries = g;
    c.ref = ref;
    if (configure(o, &c, e) < 0 || fetch_open(&c, &ret->fetch, e) < 0)
        return -1;
    ret->version = ref_version(ref);
    struct ref named = REF_INIT;
    ref_copy(ref, &named);
    ret->has_digest = ref->has_digest;
    ret->digest = ref->digest;
    strv_take(&ret->names, ref_str(&named));
    ref_free(&named);
    return 0;
}

int registry_open(const struct pull_opts *o, const char *typed, struct origin *ret, struct err *e)
{
    struct registries *g = NULL;
    struct refs l = {0};
    int res = registries_load(&g, e);
    if (res == 0)
        res = registries_candidates(g, typed, &l, e);
    if (res == 0)
        res = l.n ? try_one(o, g, &l.v[0], ret, e) : err_set(e, 0, "invalid reference format");
    if (res == 0 && !o->quiet)
        fprintf(stderr, "Trying to pull %s...\n", ret->names.v[0]);
    refs_free(&l);
    registries_free(g);
    return res;
}
