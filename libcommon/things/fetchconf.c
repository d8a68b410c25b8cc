#include "things/fetchconf.h"

#include "words/json.h"
#include "words/userdirs.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define AGENT "pod/0.2.0"

/* The first certs.d directory there is for this host; NULL when there is none. */
static char *certs_of(const char *host)
{
    cleanup_free char *user = userdir_config("containers/certs.d");
    const char *const dirs[] = {user, "/etc/containers/certs.d", "/etc/docker/certs.d"};
    for (size_t i = 0; i < 3; i++) {
        char *dir = dirs[i] ? xasprintf("%s/%s", dirs[i], host) : NULL;
        if (dir && access(dir, F_OK) == 0)
            return dir;
        free(dir);
    }
    return NULL;
}

static int add_creds(const struct fetch_conf *conf, const struct source *s, json_t *o,
                     struct err *e)
{
    cleanup(creds_free) struct creds found = CREDS_INIT;
    const struct creds *c = conf->creds;
    /* what was typed belongs to the registry that was named, not to a mirror of it */
    if (c && strcmp(s->host, conf->ref->domain) != 0)
        c = NULL;
    if (!c) {
        if (auth_lookup(conf->authfile, s->host, s->path, &found, e) < 0)
            return err_prefix(e, "getting username and password");
        c = &found;
    }
    jx_set_str(o, "user", c->user);
    jx_set_str(o, "password", c->password);
    jx_set_str(o, "identity-token", c->identity_token);
    return 0;
}

static int add_source(const struct fetch_conf *conf, const struct source *s, json_t *list,
                      struct err *e)
{
    bool insecure = conf->tls_verify < 0 ? s->insecure : conf->tls_verify == 0;
    cleanup_free char *certs = conf->cert_dir ? xstrdup(conf->cert_dir) : certs_of(s->host);
    json_t *o = json_pack("{ss ss sb}", "host", s->host, "path", s->path, "insecure", insecure);
    json_array_append_new(list, o);
    jx_set_str(o, "certdir", certs);
    return add_creds(conf, s, o, e);
}

int fetch_config(const struct fetch_conf *conf, json_t **ret, struct err *e)
{
    cleanup(sources_free) struct sources sources = {0};
    cleanup_free char *name = ref_str(conf->ref);
    if (conf->cert_dir && access(conf->cert_dir, R_OK | X_OK) < 0)
        return err_sys(e, "cannot read certificate directory \"%s\"", conf->cert_dir);
    if (registries_sources(conf->registries, conf->ref, &sources, e) < 0)
        return err_prefix(e, "initializing source docker://%s", name);
    json_t *list = json_array();
    json_t *o =
        json_pack("{ss ss si si si si si so}", "source", name, "agent", AGENT, "parallel",
                  conf->parallel ? conf->parallel : 6, "retry", conf->retry < 0 ? 3 : conf->retry,
                  "retry-delay-ms", conf->retry_delay_ms, "connect-timeout",
                  conf->connect_timeout ? conf->connect_timeout : 30, "stall-timeout",
                  conf->stall_timeout ? conf->stall_timeout : 60, "sources", list);
    for (size_t i = 0; i < sources.n; i++) {
        if (add_source(conf, &sources.v[i], list, e) < 0) {
            json_decref(o);
            return -1;
        }
    }
    *ret = o;
    return 0;
}
