/*
 * The token dance of the distribution specification: a 401 names a realm, the realm gives a
 * bearer token for our user (or for nobody), the token opens manifests and blobs of this image
 * until it runs out. One request serves all transfers of a source that wait.
 */
#include "fetch.h"

#include "plain/str.h"
#include "words/json.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* The challenge of this scheme, alone on its line or behind another one's comma; NULL. */
static const char *find_scheme(const char *lines, const char *scheme)
{
    size_t n = strlen(scheme);
    for (const char *p = lines; (p = strcasestr(p, scheme)); p += n) {
        bool begins =
            p == lines || p[-1] == '\n' || (p - lines >= 2 && p[-1] == ' ' && p[-2] == ',');
        if (begins && (p[n] == ' ' || p[n] == '\n'))
            return p + n;
    }
    return NULL;
}

/* name=token or name="quoted \" string", up to the end of the line. The caller's string or NULL. */
static char *find_param(const char *p, const char *name)
{
    size_t n = strlen(name);
    while (*p && *p != '\n') {
        p += strspn(p, " \t,");
        size_t key = strcspn(p, "= ,\n");
        bool wanted = key == n && strncasecmp(p, name, n) == 0;
        p += key;
        if (*p != '=')
            continue;
        struct buf b = BUF_INIT;
        if (*++p == '"') {
            for (p++; *p && *p != '\n' && *p != '"'; p++) {
                if (*p == '\\' && p[1] && p[1] != '\n')
                    p++;
                buf_addc(&b, *p);
            }
            p += *p == '"';
        } else {
            size_t v = strcspn(p, ", \n");
            buf_add(&b, p, v);
            p += v;
        }
        if (wanted)
            return buf_take(&b);
        buf_free(&b);
    }
    return NULL;
}

/* A password goes to a realm over TLS only, unless the registry itself is plain or unverified. */
static bool realm_ok(const struct xfer *x, const char *realm)
{
    if (!realm)
        return false;
    for (const char *p = realm; *p; p++)
        if (!isgraph((unsigned char)*p))
            return false;
    if (strncasecmp(realm, "https://", 8) == 0)
        return true;
    const struct base *b = &x->f->bases[x->base];
    return strncasecmp(realm, "http://", 7) == 0 && (b->plain || b->source->insecure);
}

static enum token_step ask(struct xfer *x, struct source *s, const char *params)
{
    cleanup_free char *realm = find_param(params, "realm");
    if (!realm_ok(x, realm) || x->refusals >= 2)
        return TOKEN_REFUSED;
    free(s->realm);
    free(s->service);
    free(s->scope);
    s->realm = xstrdup(realm);
    s->service = find_param(params, "service");
    s->scope = find_param(params, "scope");
    if (!s->scope)
        s->scope = xasprintf("repository:%s:pull", s->path);
    struct xfer *t = xfer_new(x->f, KIND_TOKEN, 0);
    t->base = x->base;
    t->at_once = true;
    s->asking = true;
    return TOKEN_WAIT;
}

enum token_step token_challenge(struct xfer *x)
{
    struct source *s = xfer_source(x);
    const char *lines = buf_str(&x->challenge);
    const char *bearer = find_scheme(lines, "Bearer");
    if (x->generation != s->generation)
        return TOKEN_RETRY;
    if (bearer) {
        if (s->asking)
            return TOKEN_WAIT;
        x->refusals++;
        return ask(x, s, bearer);
    }
    if (!find_scheme(lines, "Basic") || !s->user || s->auth == AUTH_BASIC)
        return TOKEN_REFUSED;
    s->auth = AUTH_BASIC;
    s->generation++;
    return TOKEN_RETRY;
}

static void add_query(struct buf *b, CURL *c, const char *name, const char *value)
{
    char *v = value ? curl_easy_escape(c, value, 0) : NULL;
    if (v)
        buf_addf(b, "%s%s=%s", b->len ? "&" : "", name, v);
    curl_free(v);
}

char *token_url(struct xfer *x)
{
    const struct source *s = xfer_source(x);
    struct buf q = BUF_INIT;
    free(x->post);
    x->post = NULL;
    add_query(&q, x->easy, "service", s->service);
    add_query(&q, x->easy, "scope", s->scope);
    if (s->identity_token) {
        add_query(&q, x->easy, "grant_type", "refresh_token");
        add_query(&q, x->easy, "client_id", "pod");
        add_query(&q, x->easy, "refresh_token", s->identity_token);
        x->post = buf_take(&q);
        return xstrdup(s->realm);
    }
    add_query(&q, x->easy, "account", s->user);
    char *url = xasprintf("%s%c%s", s->realm, strchr(s->realm, '?') ? '&' : '?', buf_str(&q));
    buf_free(&q);
    return url;
}

/* A header must not be split by what a stranger calls a token. */
static bool token_ok(const char *s)
{
    if (!*s)
        return false;
    for (; *s; s++)
        if (!isgraph((unsigned char)*s))
            return false;
    return true;
}

static bool take_token(const struct xfer *x, struct source *s)
{
    json_t *o = NULL;
    struct err e = ERR_INIT;
    if (jx_parse("token", buf_str(&x->body), x->body.len, &o, &e) < 0)
        return false;
    const char *token = jx_str(o, "token");
    if (!*token)
        token = jx_str(o, "access_token");
    bool ok = token_ok(token);
    if (ok) {
        free(s->token);
        s->token = xstrdup(token);
        s->auth = AUTH_BEARER;
        s->generation++;
    }
    json_decref(o);
    return ok;
}

static void wake(struct xfer *t, const struct source *s, const struct err *e)
{
    struct xfer *next;
    for (struct xfer *x = t->f->xfers; x; x = next) {
        next = x->next;
        if (x->state != WAIT_TOKEN || xfer_source(x) != s)
            continue;
        x->state = QUEUED;
        if (e) {
            x->status = t->status;
            x->stop = STOP_NONE;
            xfer_give_up(x, e);
        }
    }
}

void token_finished(struct xfer *t, CURLcode code)
{
    struct source *s = xfer_source(t);
    struct err e = ERR_INIT;
    if (code == CURLE_OK && t->status == 200) {
        if (take_token(t, s)) {
            s->asking = false;
            wake(t, s, NULL);
            xfer_stop(t);
            t->state = GONE;
            return;
        }
    } else if (xfer_try_again(t, code)) {
        return;
    }
    words_error(t, code, &e);
    s->asking = false;
    wake(t, s, &e);
    xfer_stop(t);
    t->state = GONE;
}
