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

int registry_open(const struct pull_opts *o, const struct registries *g, const struct ref *ref,
                  struct origin *ret, struct err *e)
{
    struct fetch_conf c = FETCH_CONF_INIT;
    struct origin got = {.kind = ORIGIN_REGISTRY};
    c.registries = g;
    c.ref = ref;
    if (configure(o, &c, e) < 0 || fetch_open(&c, &got.fetch, e) < 0)
        return -1;
    got.version = ref_version(ref);
    got.has_digest = ref->has_digest;
    got.digest = ref->digest;
    strv_take(&got.names, ref_str(ref));
    got.uri = xasprintf("docker://%s", got.names.v[0]);
    *ret = got;
    return 0;
}

int registry_tags(const struct pull_opts *o, const struct registries *g, const struct ref *ref,
                  struct strv *ret, struct err *e)
{
    struct origin at = {0};
    if (registry_open(o, g, ref, &at, e) < 0)
        return -1;
    int res = fetch_tags(at.fetch, ret, e);
    origin_close(&at);
    if (res == 0 && ret->n == 0)
        return err_set(e, 0, "%s/%s has no tags", ref->domain, ref->path);
    return res;
}
