#include "fetch.h"

#include "disk/at.h"
#include "plain/str.h"
#include "words/base64.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

static void add_header(struct xfer *x, const char *name, const char *value)
{
    cleanup_free char *line = xasprintf("%s: %s", name, value);
    struct curl_slist *l = curl_slist_append(x->headers, line);
    explicit_bzero(line, strlen(line));
    if (l)
        x->headers = l;
}

static void add_basic(struct xfer *x, const struct source *s)
{
    cleanup_free char *pair = xasprintf("%s:%s", s->user, s->password ? s->password : "");
    struct buf b = BUF_INIT;
    buf_adds(&b, "Basic ");
    base64_encode(pair, strlen(pair), &b);
    add_header(x, "Authorization", buf_str(&b));
    explicit_bzero(pair, strlen(pair));
    explicit_bzero(b.s, b.len);
    buf_free(&b);
}

/*
 * Authorization as a header of ours: libcurl sends such a one to the host it was meant for and
 * to no other that a redirect leads to.
 */
static void add_authorization(struct xfer *x, const struct source *s)
{
    if (x->kind == KIND_TOKEN) {
        if (s->user && !x->post)
            add_basic(x, s);
    } else if (s->auth == AUTH_BASIC && s->user) {
        add_basic(x, s);
    } else if (s->auth == AUTH_BEARER && s->token) {
        cleanup_free char *v = xasprintf("Bearer %s", s->token);
        add_header(x, "Authorization", v);
        explicit_bzero(v, strlen(v));
    }
    x->generation = s->generation;
}

/* Go's rule, which podman's users know: a proxy is never asked for what is on this machine. */
static bool is_loopback(const char *server)
{
    return str_starts(server, "127.") || str_starts(server, "[::1]") ||
           strcmp(server, "localhost") == 0 || str_starts(server, "localhost:");
}

static void set_blob(CURL *c, CURLoption option, const struct buf *b)
{
    struct curl_blob blob = {.data = b->s, .len = b->len, .flags = CURL_BLOB_NOCOPY};
    if (b->len)
        curl_easy_setopt(c, option, &blob);
}

static void set_tls(CURL *c, const struct source *s)
{
    const char *file = getenv("SSL_CERT_FILE"), *dir = getenv("SSL_CERT_DIR");
    const char *bundle = curl_version_info(CURLVERSION_NOW)->cainfo;
    if (s->insecure) {
        curl_easy_setopt(c, CURLOPT_SSL_VERIFYPEER, 0L);
        curl_easy_setopt(c, CURLOPT_SSL_VERIFYHOST, 0L);
    }
    if (file && *file)
        curl_easy_setopt(c, CURLOPT_CAINFO, file);
    if (dir && *dir)
        curl_easy_setopt(c, CURLOPT_CAPATH, dir);
    else if (bundle && at_exists(AT_FDCWD, bundle))
        curl_easy_setopt(c, CURLOPT_CAPATH, NULL); /* with it, the parsed bundle is not cached */
    set_blob(c, CURLOPT_CAINFO_BLOB, &s->ca);
    set_blob(c, CURLOPT_SSLCERT_BLOB, &s->cert);
    set_blob(c, CURLOPT_SSLKEY_BLOB, &s->key);
}

/*
 * HTTP/1.1 on purpose: several streams of one HTTP/2 connection cannot be slowed down one by one,
 * and what a paused one goes on receiving would pile up in our memory.
 */
static void set_common(CURL *c, const struct xfer *x, const struct base *b)
{
    const struct fetcher *f = x->f;
    const char *redirects =
        b->plain || b->source->insecure || x->kind == KIND_BLOB ? "http,https" : "https";
    curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(c, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    curl_easy_setopt(c, CURLOPT_BUFFERSIZE, 512L * 1024);
    curl_easy_setopt(c, CURLOPT_USERAGENT, f->agent);
    curl_easy_setopt(c, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(c, CURLOPT_REDIR_PROTOCOLS_STR, redirects);
    curl_easy_setopt(c, CURLOPT_FOLLOWLOCATION, 1L);
    curl_easy_setopt(c, CURLOPT_MAXREDIRS, (long)MAX_REDIRECTS);
    curl_easy_setopt(c, CURLOPT_CONNECTTIMEOUT, f->connect_timeout);
    curl_easy_setopt(c, CURLOPT_TCP_KEEPALIVE, 1L);
    curl_easy_setopt(c, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
    if (is_loopback(b->source->server))
        curl_easy_setopt(c, CURLOPT_PROXY, "");
    set_tls(c, b->source);
}

/* The caller's string. */
static char *image_url(const struct xfer *x, const struct base *b)
{
    const char *path = b->source->path, *ref = x->reference;
    if (x->kind == KIND_TAGS)
        return xasprintf("%s/v2/%s/tags/list%s%s", b->url, path, *ref ? "?" : "", ref);
    return xasprintf("%s/v2/%s/%s/%s", b->url, path, x->kind == KIND_BLOB ? "blobs" : "manifests",
                     ref);
}

static void set_target(struct xfer *x, const struct base *b)
{
    cleanup_free char *url = x->kind == KIND_TOKEN ? token_url(x) : image_url(x, b);
    curl_easy_setopt(x->easy, CURLOPT_URL, url);
    if (x->post) {
        curl_easy_setopt(x->easy, CURLOPT_POSTFIELDS, x->post);
        curl_easy_setopt(x->easy, CURLOPT_FOLLOWLOCATION, 0L);
    }
    if (x->accept)
        add_header(x, "Accept", x->accept);
    if (x->delivered > 0) {
        char range[32];
        snprintf(range, sizeof range, "%lld-", (long long)x->delivered);
        curl_easy_setopt(x->easy, CURLOPT_RANGE, range);
    }
}

int xfer_start(struct xfer *x)
{
    const struct base *b = &x->f->bases[x->base];
    xfer_stop(x);
    sink_reset(x);
    x->easy = curl_easy_init();
    if (!x->easy)
        return -1;
    set_common(x->easy, x, b);
    set_target(x, b);
    add_authorization(x, b->source);
    curl_easy_setopt(x->easy, CURLOPT_HTTPHEADER, x->headers);
    curl_easy_setopt(x->easy, CURLOPT_ERRORBUFFER, x->errbuf);
    curl_easy_setopt(x->easy, CURLOPT_PRIVATE, x);
    curl_easy_setopt(x->easy, CURLOPT_HEADERFUNCTION, sink_header);
    curl_easy_setopt(x->easy, CURLOPT_HEADERDATA, x);
    curl_easy_setopt(x->easy, CURLOPT_WRITEFUNCTION, sink_body);
    curl_easy_setopt(x->easy, CURLOPT_WRITEDATA, x);
    if (curl_multi_add_handle(x->f->multi, x->easy) != CURLM_OK)
        return -1;
    x->state = RUNNING;
    x->active_at = now_ms();
    x->f->running++;
    return 0;
}

/* Also for a transfer that is not running. */
void xfer_stop(struct xfer *x)
{
    if (x->easy) {
        curl_multi_remove_handle(x->f->multi, x->easy);
        curl_easy_cleanup(x->easy);
        x->easy = NULL;
    }
    for (struct curl_slist *l = x->headers; l; l = l->next)
        explicit_bzero(l->data, strlen(l->data));
    curl_slist_free_all(x->headers);
    x->headers = NULL;
    x->paused = false;
    if (x->state == RUNNING) {
        x->f->running--;
        x->state = QUEUED;
    }
}
