/*
 * The registry client without the rest of pull, for tests: fetches a manifest, all blobs it names
 * in parallel, checks size and digest of each and prints one line for each.
 *
 *   fetch-cli [--authfile F] [--creds U:P] [--cert-dir D] [--tls-verify=BOOL] [--retry N]
 *             [--retry-delay MS] [--connect-timeout S] [--stall-timeout S] [--parallel N]
 *             [--slow-reader] [--progress] REF
 */
#include "plain/fdio.h"
#include "plain/opt.h"
#include "things/fetch.h"
#include "words/json.h"
#include "words/sha256.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct options {
    const char *authfile, *creds, *cert_dir;
    int tls_verify;
    int64_t retry, retry_delay, connect_timeout, stall_timeout, parallel;
    bool slow_reader, progress, no_hash;
};

#define AT(field) offsetof(struct options, field)
static const struct opt opts[] = {
    {"authfile", 0, OPT_STR, "file", "", AT(authfile)},
    {"creds", 0, OPT_STR, "user", "", AT(creds)},
    {"cert-dir", 0, OPT_STR, "dir", "", AT(cert_dir)},
    {"tls-verify", 0, OPT_TRI, NULL, "", AT(tls_verify)},
    {"retry", 0, OPT_INT, "n", "", AT(retry)},
    {"retry-delay", 0, OPT_INT, "ms", "", AT(retry_delay)},
    {"connect-timeout", 0, OPT_INT, "s", "", AT(connect_timeout)},
    {"stall-timeout", 0, OPT_INT, "s", "", AT(stall_timeout)},
    {"parallel", 0, OPT_INT, "n", "", AT(parallel)},
    {"slow-reader", 0, OPT_BOOL, NULL, "", AT(slow_reader)},
    {"progress", 0, OPT_BOOL, NULL, "", AT(progress)},
    {"no-hash", 0, OPT_BOOL, NULL, "", AT(no_hash)},
    {0},
};
static const struct cmd cmd = {
    .name = "fetch-cli", .operands = "REF", .summary = "test", .opts = opts, .min = 1, .max = 1};

struct blob {
    struct digest want;
    int64_t size, got;
    int fd;
    bool over;
    struct sha256 *hash;
};

static int say(const struct err *e)
{
    fprintf(stderr, "Error: %s\n%s%s", e->msg, e->hint, e->hint[0] ? "\n" : "");
    return e->code ? e->code : 125;
}

static int start_blob(struct fetch *f, const json_t *desc, int id, struct blob *b, struct err *e)
{
    int p[2];
    if (digest_parse(jx_str(desc, "digest"), &b->want) < 0)
        return err_set(e, 0, "no digest");
    b->size = jx_int(desc, "size", -1);
    b->hash = sha256_new();
    if (pipe2(p, O_CLOEXEC) < 0)
        return err_sys(e, "pipe");
    b->fd = p[0];
    int r = fetch_blob_start(f, id, &b->want, b->size, p[1], e);
    close(p[1]);
    return r;
}

static void read_some(struct blob *b, const struct options *o)
{
    static char buf[1 << 20];
    ssize_t n = read(b->fd, buf, o->slow_reader ? 20000 : sizeof buf);
    if (o->slow_reader)
        usleep(2000);
    if (n > 0) {
        if (!o->no_hash)
            sha256_add(b->hash, buf, (size_t)n);
        b->got += n;
    } else {
        close(b->fd);
        b->fd = -1;
    }
}

static int finish(struct blob *b, const struct options *o, int left)
{
    if (b->fd >= 0 || !b->over)
        return left;
    struct digest d = sha256_end(b->hash);
    bool same = o->no_hash || digest_eq(&d, &b->want);
    printf("%s %lld %s\n", digest_text(&b->want).s, (long long)b->got, same ? "ok" : "BAD");
    b->over = false;
    b->hash = NULL;
    return left - 1;
}

static int run(struct fetch *f, struct blob *b, int n, const struct options *o, struct err *e)
{
    struct pollfd p[128];
    for (int left = n; left > 0;) {
        p[0] = (struct pollfd){.fd = fetch_fd(f), .events = POLLIN};
        for (int i = 0; i < n; i++)
            p[i + 1] = (struct pollfd){.fd = b[i].fd, .events = POLLIN};
        if (poll(p, (nfds_t)n + 1, -1) < 0)
            continue;
        for (int i = 0; i < n; i++)
            if (p[i + 1].fd >= 0 && p[i + 1].revents)
                read_some(&b[i], o);
        struct fetch_event ev;
        do {
            if (fetch_poll(f, 0, &ev, e) < 0)
                return -1;
            if (ev.what == FETCH_ERROR) {
                *e = ev.err;
                return -1;
            }
            if (ev.what == FETCH_PROGRESS && o->progress)
                printf("progress %d %lld\n", ev.id, (long long)ev.bytes);
            if (ev.what == FETCH_DONE)
                b[ev.id - 1].over = true;
        } while (ev.what != FETCH_NOTHING);
        for (int i = 0; i < n; i++)
            left = finish(&b[i], o, left);
    }
    return 0;
}

static void free_blobs(struct blob *b, int n)
{
    for (int i = 0; i < n; i++)
        if (b[i].hash)
            sha256_end(b[i].hash);
}

static int pull(struct fetch *f, const struct ref *ref, const struct options *o, struct err *e)
{
    cleanup(fetched_free) struct fetched m = FETCHED_INIT, c = FETCHED_INIT;
    cleanup_free char *version = ref_version(ref);
    cleanup_json doc = NULL;
    const json_t *layer, *config;
    struct blob b[100] = {0};
    struct digest d;
    size_t i;
    if (fetch_manifest(f, version, NULL, &m, e) < 0)
        return -1;
    printf("manifest %zu %s %s %d\n", m.body.len, m.type, m.digest, m.status);
    if (jx_parse("manifest", buf_str(&m.body), m.body.len, &doc, e) < 0)
        return -1;
    config = json_object_get(doc, "config");
    int n = 0;
    json_array_foreach(json_object_get(doc, "layers"), i, layer)
    {
        if (i < 100 && start_blob(f, layer, ++n, &b[i], e) < 0)
            return -1;
    }
    if (digest_parse(jx_str(config, "digest"), &d) < 0)
        return err_set(e, 0, "no config");
    if (fetch_blob(f, &d, jx_int(config, "size", -1), &c, e) == 0) {
        struct digest got = sha256_of(buf_str(&c.body), c.body.len);
        printf("config %zu %s\n", c.body.len, digest_eq(&got, &d) ? "ok" : "BAD");
    } else {
        free_blobs(b, n);
        return -1;
    }
    int r = run(f, b, n, o, e);
    free_blobs(b, n);
    return r;
}

int main(int argc, char **argv)
{
    struct options o = {.tls_verify = -1, .retry = -1};
    struct err e = ERR_INIT;
    int first;
    struct registries *g = NULL;
    struct refs names = {0};
    struct creds creds = CREDS_INIT;
    struct fetch *f = NULL;
    if (cmd_parse(&cmd, &o, argc, argv, &first, &e) != CMD_OK || registries_load(&g, &e) < 0 ||
        registries_candidates(g, argv[first], &names, &e) < 0 ||
        (o.creds && auth_parse(o.creds, &creds, &e) < 0)) {
        registries_free(g);
        return say(&e);
    }
    for (size_t i = 0; i < names.n; i++) {
        cleanup_free char *s = ref_str(&names.v[i]);
        printf("candidate %s\n", s);
    }
    struct fetch_conf c = FETCH_CONF_INIT;
    c.registries = g;
    c.ref = &names.v[0];
    c.authfile = o.authfile;
    c.creds = o.creds ? &creds : NULL;
    c.cert_dir = o.cert_dir;
    c.tls_verify = o.tls_verify;
    c.retry = (int)o.retry;
    c.retry_delay_ms = (int)o.retry_delay;
    c.connect_timeout = (int)o.connect_timeout;
    c.stall_timeout = (int)o.stall_timeout;
    c.parallel = (int)o.parallel;
    int r = fetch_open(&c, &f, &e);
    if (r == 0)
        r = pull(f, c.ref, &o, &e);
    fetch_close(f);
    registries_free(g);
    refs_free(&names);
    creds_free(&creds);
    return r < 0 ? say(&e) : 0;
}
