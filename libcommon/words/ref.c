#include "words/ref.h"

#include "plain/buf.h"
#include "plain/str.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_NAME = 255, MAX_TAG = 128, MAX_REF = 1024 };

static bool is_low(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

/* [a-z0-9]+ joined by one of: a dot, one or two underscores, any number of dashes */
static bool component_ok(const char *s, size_t n)
{
    size_t i = 0;
    for (;;) {
        size_t start = i;
        while (i < n && is_low(s[i]))
            i++;
        if (i == start)
            return false;
        if (i == n)
            return true;
        if (s[i] == '.') {
            i++;
        } else if (s[i] == '_') {
            i += i + 1 < n && s[i + 1] == '_' ? 2 : 1;
        } else if (s[i] == '-') {
            while (i < n && s[i] == '-')
                i++;
        } else {
            return false;
        }
    }
}

static bool path_ok(const char *s)
{
    for (;;) {
        size_t n = strcspn(s, "/");
        if (!component_ok(s, n))
            return false;
        if (!s[n])
            return true;
        s += n + 1;
    }
}

static bool label_ok(const char *s, size_t n)
{
    if (n == 0 || s[0] == '-' || s[n - 1] == '-')
        return false;
    for (size_t i = 0; i < n; i++)
        if (!isalnum((unsigned char)s[i]) && s[i] != '-')
            return false;
    return true;
}

static bool port_ok(const char *s)
{
    uint64_t port;
    return str_u64(s, 65535, &port) == 0;
}

/* Labels joined by dots, or an IPv6 address in brackets; either with a port. */
static bool domain_ok(const char *s)
{
    if (*s == '[') {
        size_t n = strspn(s + 1, "0123456789abcdefABCDEF:.");
        const char *end = s + 1 + n;
        return n >= 2 && *end == ']' && (!end[1] || (end[1] == ':' && port_ok(end + 2)));
    }
    for (;;) {
        size_t n = strcspn(s, ".:");
        if (!label_ok(s, n))
            return false;
        if (!s[n])
            return true;
        if (s[n] == ':')
            return port_ok(s + n + 1);
        s += n + 1;
    }
}

static bool tag_ok(const char *s)
{
    if (!isalnum((unsigned char)*s) && *s != '_')
        return false;
    size_t n = 0;
    for (; s[n]; n++)
        if (!isalnum((unsigned char)s[n]) && !strchr("_.-", s[n]))
            return false;
    return n <= MAX_TAG;
}

static int bad(const char *typed, const char *why, struct err *e)
{
    /* a stranger's bytes may hold anything: only the printable head of them is repeated */
    char shown[80];
    size_t n = 0;
    for (; n < sizeof shown - 1 && typed[n]; n++)
        shown[n] = isprint((unsigned char)typed[n]) ? typed[n] : '?';
    shown[n] = '\0';
    return err_set(e, 0, "parsing reference \"%s\": %s", shown, why);
}

static bool has_upper(const char *s)
{
    for (; *s; s++)
        if (isupper((unsigned char)*s))
            return true;
    return false;
}

/* Is the first component a host, or a part of the path? */
static bool is_domain(const char *s, size_t n)
{
    return memchr(s, '.', n) || memchr(s, ':', n) || (n == 9 && memcmp(s, "localhost", 9) == 0);
}

static void split_domain(const char *name, struct ref *r)
{
    const char *slash = strchr(name, '/');
    if (slash && is_domain(name, (size_t)(slash - name))) {
        r->domain = xstrndup(name, (size_t)(slash - name));
        r->path = xstrdup(slash + 1);
    } else {
        r->shortname = true;
        r->domain = xstrdup(REF_DEFAULT_DOMAIN);
        r->path = xstrdup(name);
    }
    if (strcmp(r->domain, "index.docker.io") == 0) {
        free(r->domain);
        r->domain = xstrdup(REF_DEFAULT_DOMAIN);
    }
    if (strcmp(r->domain, REF_DEFAULT_DOMAIN) == 0 && !strchr(r->path, '/')) {
        char *full = xasprintf("library/%s", r->path);
        free(r->path);
        r->path = full;
    }
}

static int check(const char *typed, const struct ref *r, struct err *e)
{
    if (has_upper(r->path))
        return bad(typed, "invalid reference format: repository name must be lowercase", e);
    if (!domain_ok(r->domain) || !path_ok(r->path))
        return bad(typed, "invalid reference format", e);
    if (strlen(r->domain) + 1 + strlen(r->path) > MAX_NAME)
        return bad(typed, "repository name must not be more than 255 characters", e);
    if (r->tag && !tag_ok(r->tag))
        return bad(typed, "invalid reference format", e);
    return 0;
}

/* Takes "@…" off the end of s. */
static int cut_digest(const char *typed, char *s, struct ref *r, struct err *e)
{
    char *at = strchr(s, '@');
    if (!at)
        return 0;
    *at = '\0';
    if (digest_parse(at + 1, &r->digest) == 0) {
        r->has_digest = true;
        return 0;
    }
    if (str_starts(at + 1, "sha512:") || str_starts(at + 1, "sha384:"))
        return bad(typed, "unsupported digest algorithm (only sha256)", e);
    if (str_starts(at + 1, "sha256:") && strlen(at + 1) >= 7 + DIGEST_HEX)
        return bad(typed, "invalid checksum digest format", e);
    return bad(typed, "invalid reference format", e);
}

int ref_parse(const char *typed, struct ref *ret, struct err *e)
{
    struct ref r = REF_INIT;
    const char *start = str_starts(typed, "docker://") ? typed + strlen("docker://") : typed;
    if (!*start || strlen(start) > MAX_REF)
        return bad(typed, "invalid reference format", e);
    if (digest_is_hex(start)) {
        err_set(e, 0, "invalid repository name (%s), cannot specify 64-byte hexadecimal strings",
                start);
        return -1;
    }
    cleanup_free char *s = xstrdup(start);
    if (cut_digest(typed, s, &r, e) < 0)
        return -1;
    char *slash = strrchr(s, '/');
    char *colon = strrchr(slash ? slash : s, ':');
    if (colon) {
        *colon = '\0';
        r.tag = xstrdup(colon + 1);
    } else if (!r.has_digest) {
        r.tag = xstrdup(REF_DEFAULT_TAG);
    }
    split_domain(s, &r);
    if (check(typed, &r, e) < 0) {
        ref_free(&r);
        return -1;
    }
    *ret = r;
    return 0;
}

void ref_free(struct ref *r)
{
    free(r->domain);
    free(r->path);
    free(r->tag);
    *r = (struct ref)REF_INIT;
}

void ref_copy(const struct ref *r, struct ref *ret)
{
    struct ref c = *r;
    c.domain = xstrdup(r->domain);
    c.path = xstrdup(r->path);
    c.tag = r->tag ? xstrdup(r->tag) : NULL;
    *ret = c;
}

char *ref_name(const struct ref *r)
{
    return xasprintf("%s/%s", r->domain, r->path);
}

char *ref_str(const struct ref *r)
{
    struct buf b = BUF_INIT;
    buf_addf(&b, "%s/%s", r->domain, r->path);
    if (r->tag)
        buf_addf(&b, ":%s", r->tag);
    if (r->has_digest)
        buf_addf(&b, "@%s", digest_text(&r->digest).s);
    return buf_take(&b);
}

char *ref_version(const struct ref *r)
{
    return xstrdup(r->has_digest ? digest_text(&r->digest).s : r->tag);
}
