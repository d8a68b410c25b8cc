#include "fetch.h"

#include "plain/str.h"
#include "words/json.h"

#include <string.h>

static char *take_str(const json_t *o, const char *key)
{
    const char *s = jx_str0(o, key);
    return s ? xstrdup(s) : NULL;
}

static int read_source(struct source *s, const json_t *o, struct err *e)
{
    s->host = take_str(o, "host");
    s->path = take_str(o, "path");
    s->user = take_str(o, "user");
    s->password = take_str(o, "password");
    s->identity_token = take_str(o, "identity-token");
    s->insecure = jx_bool(o, "insecure");
    if (!s->host || !s->path)
        return err_set(e, 0, "pod-fetch: a source without host or path");
    s->server = xstrdup(strcmp(s->host, "docker.io") == 0 ? "registry-1.docker.io" : s->host);
    const char *certs = jx_str0(o, "certdir");
    return certs ? certs_read(certs, s, e) : 0;
}

static void add_base(struct fetcher *f, struct source *s, bool plain)
{
    f->bases = xrealloc(f->bases, (f->nbases + 1) * sizeof *f->bases);
    f->bases[f->nbases++] = (struct base){
        .source = s,
        .url = xasprintf("%s://%s", plain ? "http" : "https", s->server),
        .plain = plain,
    };
}

static unsigned limited(const json_t *o, const char *key, unsigned otherwise, unsigned max)
{
    int64_t v = jx_int(o, key, otherwise);
    return v < 0 ? otherwise : v > max ? max : (unsigned)v;
}

int conf_read(struct fetcher *f, const json_t *o, struct err *e)
{
    const json_t *list = json_object_get(o, "sources"), *item;
    size_t i;
    f->name = take_str(o, "source");
    f->agent = take_str(o, "agent");
    f->parallel = limited(o, "parallel", 6, 64);
    f->retry = limited(o, "retry", 3, 1000);
    f->retry_delay_ms = limited(o, "retry-delay-ms", 0, 3600 * 1000);
    f->connect_timeout = limited(o, "connect-timeout", 30, 3600);
    f->stall_timeout = limited(o, "stall-timeout", 60, 86400);
    f->nsources = json_array_size(list);
    if (!f->name || !f->agent || f->nsources == 0)
        return err_set(e, 0, "pod-fetch: no source to fetch from");
    if (f->parallel == 0)
        f->parallel = 1;
    f->sources = xcalloc(f->nsources, sizeof *f->sources);
    json_array_foreach(list, i, item)
    {
        if (read_source(&f->sources[i], item, e) < 0)
            return -1;
        add_base(f, &f->sources[i], false);
        if (f->sources[i].insecure)
            add_base(f, &f->sources[i], true);
    }
    return 0;
}
