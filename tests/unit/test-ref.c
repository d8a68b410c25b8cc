/* References: what is accepted, how it is completed, what is said of the rest. */
#include "words/ref.h"

#include "plain/buf.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HEX "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define DIG "sha256:" HEX

static int failures;

static const char *const good[][2] = {
    {"alpine", "docker.io/library/alpine:latest"},
    {"alpine:3.20", "docker.io/library/alpine:3.20"},
    {"docker://alpine", "docker.io/library/alpine:latest"},
    {"docker.io/alpine", "docker.io/library/alpine:latest"},
    {"index.docker.io/alpine", "docker.io/library/alpine:latest"},
    {"user/app", "docker.io/user/app:latest"},
    {"user/app/part:v1", "docker.io/user/app/part:v1"},
    {"localhost/app", "localhost/app:latest"},
    {"localhost:5000/app", "localhost:5000/app:latest"},
    {"127.0.0.1:5000/a/b/c:T_1.x-y", "127.0.0.1:5000/a/b/c:T_1.x-y"},
    {"[::1]:5000/app", "[::1]:5000/app:latest"},
    {"quay.io/a/b@" DIG, "quay.io/a/b@" DIG},
    {"quay.io/a/b:t@" DIG, "quay.io/a/b:t@" DIG},
    {"a__b/c-d---e/f.g", "docker.io/a__b/c-d---e/f.g:latest"},
    {"Example.COM/app", "Example.COM/app:latest"},
    {"sha256:abcdef", "docker.io/library/sha256:abcdef"},
    {"foo:5000", "docker.io/library/foo:5000"},
    {"xn--n3h.com/app", "xn--n3h.com/app:latest"},
};

static const char *const wrong[][2] = {
    {"", "invalid reference format"},
    {":tag", "invalid reference format"},
    {"a//b", "invalid reference format"},
    {"a/b/", "invalid reference format"},
    {"/a", "invalid reference format"},
    {"foo:", "invalid reference format"},
    {"foo: bar", "invalid reference format"},
    {"foo bar", "invalid reference format"},
    {"-foo", "invalid reference format"},
    {"foo-", "invalid reference format"},
    {"foo..bar", "invalid reference format"},
    {"foo___bar", "invalid reference format"},
    {"../../etc/passwd", "invalid reference format"},
    {"foo:.tag", "invalid reference format"},
    {"foo@sha256:abc", "invalid reference format"},
    {"foo@", "invalid reference format"},
    {"@" DIG, "invalid reference format"},
    {"a.b:99999/foo", "invalid reference format"},
    {"a.b:/foo", "invalid reference format"},
    {"-a.b/foo", "invalid reference format"},
    {"[zz]:5/foo", "invalid reference format"},
    {"foo\033[2J", "invalid reference format"},
    {"UPPER/foo", "repository name must be lowercase"},
    {"localhost/Foo", "repository name must be lowercase"},
    {HEX, "cannot specify 64-byte hexadecimal strings"},
    {"aa@sha256:"
     "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
     "invalid checksum digest format"},
    {"aa@sha512:" HEX HEX, "unsupported digest algorithm"},
};

static void check(int ok, const char *what, const char *got)
{
    if (ok)
        return;
    failures++;
    fprintf(stderr, "not ok: %s: got \"%s\"\n", what, got);
}

static void check_good(const char *in, const char *want)
{
    struct ref r = REF_INIT, c = REF_INIT;
    struct err e = ERR_INIT;
    if (ref_parse(in, &r, &e) < 0) {
        check(0, in, e.msg);
        return;
    }
    ref_copy(&r, &c);
    cleanup_free char *s = ref_str(&c);
    check(strcmp(s, want) == 0, in, s);
    ref_free(&r);
    /* what is printed reads back as itself */
    struct ref again = REF_INIT;
    check(ref_parse(s, &again, &e) == 0, s, e.msg);
    cleanup_free char *t = ref_str(&again);
    check(strcmp(s, t) == 0 && !again.shortname, s, t);
    ref_free(&again);
    ref_free(&c);
}

static void check_wrong(const char *in, const char *want)
{
    struct ref r = REF_INIT;
    struct err e = ERR_INIT;
    int rc = ref_parse(in, &r, &e);
    check(rc < 0 && !r.domain, in, "accepted");
    check(strstr(e.msg, want) && !strchr(e.msg, '\033'), in, e.msg);
    ref_free(&r);
}

/* 255 characters of name pass, one more does not; likewise 128 of a tag. */
static void check_limits(void)
{
    char s[600];
    for (int over = 0; over < 2; over++) {
        struct ref r = REF_INIT;
        struct err e = ERR_INIT;
        memset(s, 'a', sizeof s);
        memcpy(s, "a.io/", 5);
        s[255 + over] = '\0';
        check(ref_parse(s, &r, &e) == -over, "length of a name", e.msg);
        ref_free(&r);
        memset(s, 'a', sizeof s);
        memcpy(s, "x:", 2);
        s[2 + 128 + over] = '\0';
        check(ref_parse(s, &r, &e) == -over, "length of a tag", e.msg);
        ref_free(&r);
    }
}

static void check_parts(void)
{
    struct ref r = REF_INIT;
    struct err e = ERR_INIT;
    check(ref_parse("user/app:v1@" DIG, &r, &e) == 0, "parts", e.msg);
    check(r.shortname && r.has_digest && strcmp(r.tag, "v1") == 0, "parts", r.tag);
    cleanup_free char *v = ref_version(&r);
    check(strcmp(v, DIG) == 0, "version", v);
    cleanup_free char *n = ref_name(&r);
    check(strcmp(n, "docker.io/user/app") == 0, "name", n);
    ref_free(&r);
}

int main(void)
{
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        check_good(good[i][0], good[i][1]);
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        check_wrong(wrong[i][0], wrong[i][1]);
    check_limits();
    check_parts();
    return failures != 0;
}
