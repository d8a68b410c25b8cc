/* What went wrong, in podman's words where podman has some. */
#include "fetch.h"

#include "plain/str.h"
#include "words/json.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

static void add_clean(struct buf *b, const char *s, size_t max)
{
    for (size_t i = 0; i < max && s[i]; i++)
        buf_addc(b, isprint((unsigned char)s[i]) ? s[i] : '?');
}

/* The registry's own {"errors": [{"code": "MANIFEST_UNKNOWN", "message": …}]}. */
static bool add_registry_error(struct buf *b, const struct xfer *x)
{
    json_t *o = NULL;
    struct err ignored = ERR_INIT;
    struct buf code = BUF_INIT;
    if (x->body.len == 0 || jx_parse("answer", x->body.s, x->body.len, &o, &ignored) < 0)
        return false;
    const json_t *first = json_array_get(json_object_get(o, "errors"), 0);
    const char *message = jx_str(first, "message");
    for (const char *c = jx_str(first, "code"); *c && code.len < 64; c++)
        buf_addc(&code, *c == '_' ? ' ' : (char)tolower((unsigned char)*c));
    bool ok = code.len > 0;
    if (ok) {
        add_clean(b, buf_str(&code), 64);
        if (*message && strcmp(message, buf_str(&code)) != 0) {
            buf_adds(b, ": ");
            add_clean(b, message, 400);
        }
    }
    buf_free(&code);
    json_decref(o);
    return ok;
}

static const char *status_words(const struct xfer *x)
{
    switch (x->status) {
    case 401:
        return "unauthorized: authentication required";
    case 403:
        return "denied: requested access to the resource is denied";
    case 404:
        return x->kind == KIND_BLOB   ? "blob unknown to registry"
               : x->kind == KIND_TAGS ? "name unknown: repository name not known to registry"
                                      : "manifest unknown";
    case 429:
        return "toomanyrequests: too many requests to registry";
    default:
        return NULL;
    }
}

static const char *reason(long status)
{
    switch (status) {
    case 500:
        return " Internal Server Error";
    case 502:
        return " Bad Gateway";
    case 503:
        return " Service Unavailable";
    case 504:
        return " Gateway Timeout";
    default:
        return "";
    }
}

static void add_status(struct buf *b, const struct xfer *x)
{
    const char *known = status_words(x);
    if (x->kind == KIND_TOKEN && (x->status == 401 || x->status == 403))
        buf_adds(b, known);
    else if (add_registry_error(b, x))
        return;
    else if (known)
        buf_adds(b, known);
    else
        buf_addf(b, "received unexpected HTTP status: %ld%s", x->status, reason(x->status));
}

/* "Connection refused" as the Go tools write it */
static void add_errno(struct buf *b, const struct xfer *x, const char *otherwise)
{
    long sys = 0;
    curl_easy_getinfo(x->easy, CURLINFO_OS_ERRNO, &sys);
    const char *s = sys ? strerror((int)sys) : otherwise;
    size_t at = b->len;
    add_clean(b, s, 200);
    if (b->len > at)
        b->s[at] = (char)tolower((unsigned char)b->s[at]);
}

static void add_certificate(struct buf *b, const struct xfer *x)
{
    if (strstr(x->errbuf, "expired") || strstr(x->errbuf, "not yet valid"))
        buf_adds(b, "x509: certificate has expired or is not yet valid");
    else if (strstr(x->errbuf, "subject name") || strstr(x->errbuf, "does not match"))
        buf_addf(b, "x509: certificate is not valid for %s", xfer_source(x)->server);
    else
        buf_adds(b, "x509: certificate signed by unknown authority");
    const char *why = strstr(x->errbuf, "problem: ");
    if (why) {
        buf_adds(b, " (");
        add_clean(b, why + strlen("problem: "), 200);
        buf_addc(b, ')');
    }
}

static bool is_plain_server(const struct xfer *x, CURLcode code)
{
    return code == CURLE_SSL_CONNECT_ERROR &&
           (strstr(x->errbuf, "wrong version number") ||
            strstr(x->errbuf, "packet length too long") || strstr(x->errbuf, "http request"));
}

static void add_timeout(struct buf *b, const struct xfer *x)
{
    curl_off_t asked_at = 0;
    curl_easy_getinfo(x->easy, CURLINFO_PRETRANSFER_TIME_T, &asked_at);
    if (asked_at == 0)
        buf_addf(b, "dial tcp %s: i/o timeout (no connection within %ld seconds)",
                 xfer_source(x)->server, x->f->connect_timeout);
    else
        buf_addf(b, "i/o timeout (no byte within %ld seconds)", x->f->stall_timeout);
}

static void add_transport(struct buf *b, const struct xfer *x, CURLcode code)
{
    const char *server = xfer_source(x)->server;
    switch (code) {
    case CURLE_COULDNT_RESOLVE_HOST:
        buf_addf(b, "dial tcp: lookup %.*s: no such host", (int)strcspn(server, ":"), server);
        break;
    case CURLE_COULDNT_RESOLVE_PROXY:
        buf_adds(b, "proxyconnect tcp: lookup of the proxy: no such host");
        break;
    case CURLE_COULDNT_CONNECT:
        buf_addf(b, "dial tcp %s: connect: ", server);
        add_errno(b, x, "connection refused");
        break;
    case CURLE_OPERATION_TIMEDOUT:
        add_timeout(b, x);
        break;
    case CURLE_PEER_FAILED_VERIFICATION:
        add_certificate(b, x);
        break;
    case CURLE_GOT_NOTHING:
        buf_adds(b, "EOF");
        break;
    case CURLE_PARTIAL_FILE:
    case CURLE_RECV_ERROR:
    case CURLE_SEND_ERROR:
        buf_adds(b, "unexpected EOF: ");
        add_errno(b, x, "the connection was closed early");
        break;
    case CURLE_TOO_MANY_REDIRECTS:
        buf_addf(b, "stopped after %d redirects", MAX_REDIRECTS);
        break;
    case CURLE_UNSUPPORTED_PROTOCOL:
        buf_adds(b, "redirected to an address of a forbidden kind");
        break;
    default:
        if (is_plain_server(x, code))
            buf_adds(b, "http: server gave HTTP response to HTTPS client");
        else
            add_clean(b, x->errbuf[0] ? x->errbuf : curl_easy_strerror(code), 300);
    }
}

static void add_stop(struct buf *b, const struct xfer *x)
{
    const char *what = x->kind == KIND_BLOB ? "blob" : x->kind == KIND_TAGS ? "list" : "manifest";
    long long max = x->size >= 0 ? x->size : x->max;
    if (x->stop == STOP_TOO_BIG)
        buf_addf(b, "%s is larger than the %lld bytes %s", what, max,
                 x->size >= 0 ? "its descriptor says" : "allowed");
    else if (x->stop == STOP_WRONG_SIZE)
        buf_addf(b, "%s has %lld bytes, its descriptor says %lld", what, (long long)x->length, max);
    else
        buf_adds(b, "the registry answered with another range than was asked for");
}

static void add_hint(const struct xfer *x, CURLcode code, struct err *e)
{
    const struct source *s = xfer_source(x);
    bool known = s->user || s->identity_token;
    if (code == CURLE_PEER_FAILED_VERIFICATION)
        err_hint(e,
                 "Put the certificate of its authority into "
                 "~/.config/containers/certs.d/%s/ca.crt, or give --cert-dir DIR, or "
                 "--tls-verify=false",
                 s->host);
    else if (is_plain_server(x, code))
        err_hint(e,
                 "If this registry speaks plain HTTP, give --tls-verify=false, or write into "
                 "~/.config/containers/registries.conf:\n[[registry]]\nlocation = \"%s\"\n"
                 "insecure = true",
                 s->host);
    else if (code == CURLE_OK && (x->status == 401 || x->status == 403))
        err_hint(e, "%sType: pod login %s, or give --creds USER[:PASSWORD] or --authfile FILE",
                 known ? "The saved or given password was not accepted. " : "", s->host);
    else if (code == CURLE_OK && x->status == 429 && !known)
        err_hint(e, "Wait a while, or type: pod login %s (known users may pull more)", s->host);
}

void words_error(const struct xfer *x, CURLcode code, struct err *e)
{
    const struct base *b = &x->f->bases[x->base];
    const struct source *s = b->source;
    cleanup(buf_free) struct buf m = BUF_INIT, why = BUF_INIT;
    bool transport = code != CURLE_OK && x->stop == STOP_NONE;
    if (x->stop != STOP_NONE)
        add_stop(&why, x);
    else if (transport)
        add_transport(&why, x, code);
    else if (x->status == 200 || x->status == 206)
        buf_adds(&why, x->kind == KIND_TOKEN ? "the answer holds no token" : "unexpected EOF");
    else
        add_status(&why, x);
    if (x->kind == KIND_BLOB) {
        buf_addf(&m, "reading blob %s in %s/%s: ", x->reference, s->host, s->path);
        if (transport)
            buf_addf(&m, "Get \"%s/v2/%s/blobs/%s\": ", b->url, s->path, x->reference);
    } else if (x->kind == KIND_TAGS) {
        buf_addf(&m, "reading the tags of %s/%s: fetching tags list: ", s->host, s->path);
    } else {
        buf_addf(&m, "initializing source docker://%s: ", x->f->name);
        if (x->kind == KIND_TOKEN)
            buf_addf(&m, "getting a token from \"%s\": ", s->realm);
        else if (transport)
            buf_addf(&m, "pinging container registry %s: Get \"%s/v2/\": ", s->server, b->url);
        else
            buf_addf(&m, "reading manifest %s in %s/%s: ", x->reference, s->host, s->path);
    }
    err_set(e, 0, "%s%s", buf_str(&m), buf_str(&why));
    add_hint(x, x->stop == STOP_NONE ? code : CURLE_WRITE_ERROR, e);
}
