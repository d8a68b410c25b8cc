/* Which of an index's images is for this machine, or for the one that --platform names. */
#include "pull.h"

#include "words/arch.h"

#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>

/* Best first. A machine runs what stands behind its own variant too. */
static const struct {
    const char *arch;
    const char *variants[6];
} families[] = {
    {"arm", {"v8", "v7", "v6", "v5", "", NULL}},
    {"arm64", {"v9", "v8", "", NULL}},
    {"amd64", {"v4", "v3", "v2", "v1", "", NULL}},
};

static int set_arch(struct platform *p, const char *arch, struct err *e)
{
    const char *variant;
    arch = arch_of(arch, &variant);
    if (str_copy(p->arch, sizeof p->arch, arch) < 0)
        return err_set(e, 0, "invalid architecture \"%.60s\"", arch);
    return str_copy(p->variant, sizeof p->variant, variant);
}

/* os/arch[/variant], or only one of the first two as docker takes it */
static int parse(const char *text, struct platform *p, struct err *e)
{
    struct strv part = STRV_INIT;
    strv_split(&part, text, '/');
    int r = 0;
    for (size_t i = 0; i < part.n; i++)
        if (!*part.v[i])
            r = -1;
    if (r == 0 && part.n >= 2 && part.n <= 3)
        r = str_copy(p->os, sizeof p->os, part.v[0]) < 0 || set_arch(p, part.v[1], e) < 0 ||
                    (part.n == 3 && str_copy(p->variant, sizeof p->variant, part.v[2]) < 0)
                ? -1
                : 0;
    else
        r = -1;
    strv_free(&part);
    if (r < 0 && !e->msg[0]) {
        err_set(e, 0, "invalid platform syntax for \"%.100s\": use OS/ARCH[/VARIANT]", text);
        err_hint(e, "For example: --platform linux/arm64");
    }
    return r;
}

int platform_wanted(const struct pull_opts *o, struct platform *ret, struct err *e)
{
    struct platform p = {.os = "linux"};
    struct utsname u;
    if (uname(&u) < 0 || set_arch(&p, u.machine, e) < 0)
        return err_sys(e, "cannot tell this machine's architecture");
    if (o->platform && (o->arch || o->os || o->variant))
        return err_set(e, 0, "--platform option can not be specified with --arch or --os");
    if (o->platform && parse(o->platform, &p, e) < 0)
        return -1;
    if (o->arch && set_arch(&p, o->arch, e) < 0)
        return -1;
    if ((o->os && str_copy(p.os, sizeof p.os, o->os) < 0) ||
        (o->variant && str_copy(p.variant, sizeof p.variant, o->variant) < 0))
        return err_set(e, 0, "invalid platform");
    p.asked = o->platform || o->arch || o->os || o->variant;
    *ret = p;
    return 0;
}

static const char *const *family(const char *arch)
{
    for (size_t i = 0; i < sizeof families / sizeof *families; i++)
        if (strcmp(families[i].arch, arch) == 0)
            return families[i].variants;
    return NULL;
}

/* Variant not said: the plain one, then the usual one of the family and below. */
static const char *const *usual(const char *arch)
{
    static const char *const arm[] = {"", "v7", "v6", "v5", "v8", NULL};
    static const char *const arm64[] = {"", "v8", NULL};
    static const char *const amd64[] = {"", "v1", "v2", "v3", NULL};
    static const char *const other[] = {"", NULL};
    return strcmp(arch, "arm") == 0     ? arm
           : strcmp(arch, "arm64") == 0 ? arm64
           : strcmp(arch, "amd64") == 0 ? amd64
                                        : other;
}

static int position(const char *const *list, const char *what)
{
    for (int i = 0; list[i]; i++)
        if (strcmp(list[i], what) == 0)
            return i;
    return -1;
}

int platform_rank(const struct platform *want, const char *os, const char *arch,
                  const char *variant)
{
    if (strcmp(want->os, os) != 0 || strcmp(want->arch, arch) != 0)
        return -1;
    if (!want->variant[0])
        return position(usual(want->arch), variant);
    const char *const *list = family(want->arch);
    int from = list ? position(list, want->variant) : -1;
    if (from >= 0)
        return position(list + from, variant);
    /* a variant nobody knows: that one, or an image that does not say */
    return strcmp(want->variant, variant) == 0 ? 0 : variant[0] ? -1 : 1;
}
