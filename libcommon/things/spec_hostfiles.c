/* The files that are bound into a container's /etc: hosts, hostname, resolv.conf, and containerenv.
 */
#include "things/spec.h"
#include "words/version.h"

#include "disk/at.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_ETC  65536
#define HOST_WAY "host.containers.internal"

static int write_file(const struct spec_env *env, const char *name, const char *text, struct err *e)
{
    cleanup_free char *path = xasprintf("%s/%s", env->run_dir, name);
    if (at_create(AT_FDCWD, path, text, strlen(text), 0644) < 0)
        return err_sys(e, "cannot write \"%s\"", path);
    return 0;
}

/* Whoever shares a network sees what its owner sees. */
static bool read_owners(const struct spec_env *env, const char *name, struct buf *b)
{
    if (!env->net_owner)
        return false;
    cleanup_free char *path = xasprintf("%s/%s", env->net_owner, name);
    return at_read(AT_FDCWD, path, MAX_ETC, b) == 0;
}

/* ---- resolv.conf ---- */

bool spec_keeps_resolv(const json_t *record)
{
    const json_t *dns = json_object_get(json_object_get(record, "network"), "dns");
    const char *first = json_string_value(json_array_get(dns, 0));
    return first && strcmp(first, "none") == 0;
}

struct resolv {
    struct strv servers, search, options;
};

static void words_of(char *rest, struct strv *out)
{
    char *save = NULL;
    strv_free(out); /* the last such line counts */
    for (char *w = strtok_r(rest, " \t", &save); w; w = strtok_r(NULL, " \t", &save))
        strv_add(out, w);
}

static void read_host(struct resolv *r)
{
    cleanup(buf_free) struct buf b = BUF_INIT;
    char *save = NULL;
    if (at_read(AT_FDCWD, "/etc/resolv.conf", MAX_ETC, &b) < 0 || !b.s)
        return;
    for (char *l = strtok_r(b.s, "\n", &save); l; l = strtok_r(NULL, "\n", &save)) {
        size_t n = strcspn(l, " \t");
        char *rest = l + n + strspn(l + n, " \t");
        if (n == 10 && memcmp(l, "nameserver", n) == 0) {
            rest[strcspn(rest, " \t")] = '\0';
            strv_add(&r->servers, rest);
        } else if (n == 6 && (memcmp(l, "search", n) == 0 || memcmp(l, "domain", n) == 0)) {
            words_of(rest, &r->search);
        } else if (n == 7 && memcmp(l, "options", n) == 0) {
            words_of(rest, &r->options);
        }
    }
}

static void add_line(struct buf *b, const char *word, const struct strv *l)
{
    for (size_t i = 0; i < l->n; i++)
        buf_addf(b, "%s %s", i ? "" : word, l->v[i]);
    if (l->n)
        buf_addc(b, '\n');
}

/* What was asked for takes the place of what the host has. */
static void take_over(const json_t *net, const char *key, struct strv *into)
{
    if (!json_array_size(json_object_get(net, key)))
        return;
    strv_free(into);
    jx_strv(net, key, into);
}

static bool is_loopback(const char *server)
{
    return str_starts(server, "127.") || strcmp(server, "::1") == 0;
}

static int resolv_conf(const struct ctr *c, const struct spec_env *env, struct err *e)
{
    const json_t *net = json_object_get(c->record, "network");
    struct resolv r = {{0}, {0}, {0}};
    cleanup(buf_free) struct buf b = BUF_INIT;
    bool asked = json_array_size(json_object_get(net, "dns"));
    if (!asked && read_owners(env, "resolv.conf", &b))
        return write_file(env, "resolv.conf", buf_str(&b), e);
    read_host(&r);
    take_over(net, "dns", &r.servers);
    take_over(net, "dnsSearch", &r.search);
    take_over(net, "dnsOptions", &r.options);
    if (!(r.search.n == 1 && strcmp(r.search.v[0], ".") == 0))
        add_line(&b, "search", &r.search);
    if (!asked && *env->addr.dns)
        buf_addf(&b, "nameserver %s\n", env->addr.dns);
    /* a resolver on the host's loopback is not reachable from another network namespace */
    for (size_t i = 0; i < r.servers.n; i++)
        if (asked || !env->net_fresh || !is_loopback(r.servers.v[i]))
            buf_addf(&b, "nameserver %s\n", r.servers.v[i]);
    add_line(&b, "options", &r.options);
    strv_free(&r.servers);
    strv_free(&r.search);
    strv_free(&r.options);
    return write_file(env, "resolv.conf", buf_str(&b), e);
}

/* ---- hosts ---- */

/* The host's own lines, but for what we say ourselves. */
static void add_host_lines(struct buf *b)
{
    cleanup(buf_free) struct buf host = BUF_INIT;
    char *save = NULL;
    bool local = false;
    (void)at_read(AT_FDCWD, "/etc/hosts", MAX_ETC, &host);
    for (char *l = host.s ? strtok_r(host.s, "\n", &save) : NULL; l;
         l = strtok_r(NULL, "\n", &save)) {
        l += strspn(l, " \t");
        if (*l == '#' || !*l || strstr(l, HOST_WAY))
            continue;
        local = local || strstr(l, "localhost");
        buf_addf(b, "%s\n", l);
    }
    if (!local)
        buf_adds(b, "127.0.0.1\tlocalhost\n::1\tlocalhost\n");
}

/* "host-gateway" stands for the address at which the host is reached. */
static void add_asked(const struct ctr *c, const struct spec_env *env, struct buf *b)
{
    const json_t *net = json_object_get(c->record, "network"), *v;
    size_t i;
    json_array_foreach(json_object_get(net, "addHosts"), i, v)
    {
        const char *s = json_string_value(v), *colon = s ? strchr(s, ':') : NULL;
        if (!colon)
            continue;
        bool way = strcmp(colon + 1, "host-gateway") == 0;
        buf_addf(b, "%s\t%.*s\n", way ? env->addr.host : colon + 1, (int)(colon - s), s);
    }
}

static int hosts(const struct ctr *c, const struct spec_env *env, struct err *e)
{
    const char *host = jx_str(c->record, "hostname"), *name = ctr_name(c);
    const char *ip = *env->addr.ip ? env->addr.ip : "127.0.0.1";
    cleanup(buf_free) struct buf b = BUF_INIT;
    add_asked(c, env, &b);
    if (read_owners(env, "hosts", &b)) {
        if (jx_str0(c->record, "pod"))
            buf_addf(&b, "127.0.0.1\t%s\n", name);
        else
            buf_addf(&b, "127.0.0.1\t%s %s\n", host, name);
        return write_file(env, "hosts", buf_str(&b), e);
    }
    add_host_lines(&b);
    if (*env->addr.host)
        buf_addf(&b, "%s\t" HOST_WAY "\n", env->addr.host);
    if (env->net_fresh)
        buf_addf(&b, "%s\t%s %s\n", ip, host, name);
    return write_file(env, "hosts", buf_str(&b), e);
}

int spec_hostfiles(const struct ctr *c, const struct spec_env *env, struct err *e)
{
    cleanup_free char *name = xasprintf("%s\n", jx_str(c->record, "hostname"));
    /* only those that may see it anyway learn more than that they are in a container */
    cleanup_free char *about =
        xasprintf("engine=\"podman-pod-" POD_VERSION "\"\nname=\"%s\"\nid=\"%s\"\n"
                  "image=\"%s\"\nimageid=\"%s\"\nrootless=1\n",
                  ctr_name(c), c->id, jx_str(c->record, "imageName"), jx_str(c->record, "image"));
    if (resolv_conf(c, env, e) < 0 || hosts(c, env, e) < 0 ||
        write_file(env, "hostname", name, e) < 0)
        return -1;
    return write_file(env, "containerenv", jx_bool(c->record, "privileged") ? about : "", e);
}
