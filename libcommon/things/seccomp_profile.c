/* Decides a profile's conditions: capabilities, architecture, kernel version. */
#include "things/seccomp.h"

#include "plain/str.h"
#include "words/errname.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <seccomp.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/utsname.h>

#include "disk/at.h"
#define MAX_PROFILE (4U << 20)

struct here {
    const struct strv *caps;
    const char *arch;      /* as Go and the profiles call it */
    const char *scmp_arch; /* as libseccomp calls it */
    unsigned long kernel[2];
};

static const struct {
    uint32_t token;
    const char *go, *scmp;
} arches[] = {
    {SCMP_ARCH_X86_64, "amd64", "SCMP_ARCH_X86_64"},
    {SCMP_ARCH_X86, "x86", "SCMP_ARCH_X86"},
    {SCMP_ARCH_AARCH64, "arm64", "SCMP_ARCH_AARCH64"},
    {SCMP_ARCH_ARM, "arm", "SCMP_ARCH_ARM"},
    {SCMP_ARCH_PPC64LE, "ppc64le", "SCMP_ARCH_PPC64LE"},
    {SCMP_ARCH_RISCV64, "riscv64", "SCMP_ARCH_RISCV64"},
    {SCMP_ARCH_S390X, "s390x", "SCMP_ARCH_S390X"},
    {SCMP_ARCH_MIPSEL64, "mips64le", "SCMP_ARCH_MIPSEL64"},
    {SCMP_ARCH_MIPS64, "mips64", "SCMP_ARCH_MIPS64"},
};

static int look_here(const struct strv *caps, struct here *ret, struct err *e)
{
    struct utsname u;
    uint32_t native = seccomp_arch_native();
    *ret = (struct here){.caps = caps};
    for (size_t i = 0; i < sizeof arches / sizeof *arches; i++)
        if (arches[i].token == native) {
            ret->arch = arches[i].go;
            ret->scmp_arch = arches[i].scmp;
        }
    if (!ret->arch)
        return err_set(e, 0, "seccomp: this architecture has no name in seccomp profiles");
    if (uname(&u) < 0 || sscanf(u.release, "%lu.%lu", &ret->kernel[0], &ret->kernel[1]) != 2)
        return err_set(e, 0, "seccomp: the kernel's version cannot be read");
    return 0;
}

static const char *bare_cap(const char *s)
{
    return strncasecmp(s, "CAP_", 4) == 0 ? s + 4 : s;
}

static bool has_cap(const struct here *h, const char *cap)
{
    for (size_t i = 0; i < h->caps->n; i++)
        if (strcasecmp(bare_cap(h->caps->v[i]), bare_cap(cap)) == 0)
            return true;
    return false;
}

static bool kernel_at_least(const struct here *h, const char *version)
{
    unsigned long v[2];
    if (sscanf(version, "%lu.%lu", &v[0], &v[1]) != 2)
        return false;
    return h->kernel[0] > v[0] || (h->kernel[0] == v[0] && h->kernel[1] >= v[1]);
}

/* An entry holds when all of includes' capabilities are there and none of excludes' things is. */
static bool applies(const struct here *h, const json_t *entry)
{
    const json_t *in = json_object_get(entry, "includes"), *ex = json_object_get(entry, "excludes");
    cleanup(strv_free) struct strv in_arches = STRV_INIT, ex_arches = STRV_INIT,
                                   in_caps = STRV_INIT, ex_caps = STRV_INIT;
    jx_strv(in, "arches", &in_arches);
    jx_strv(ex, "arches", &ex_arches);
    jx_strv(in, "caps", &in_caps);
    jx_strv(ex, "caps", &ex_caps);
    const char *in_kernel = jx_str(in, "minKernel"), *ex_kernel = jx_str(ex, "minKernel");
    if ((in_arches.n && !strv_has(&in_arches, h->arch)) || strv_has(&ex_arches, h->arch))
        return false;
    for (size_t i = 0; i < in_caps.n; i++)
        if (!has_cap(h, in_caps.v[i]))
            return false;
    for (size_t i = 0; i < ex_caps.n; i++)
        if (has_cap(h, ex_caps.v[i]))
            return false;
    if (*in_kernel && !kernel_at_least(h, in_kernel))
        return false;
    return !(*ex_kernel && kernel_at_least(h, ex_kernel));
}

/* The number at key, else the name ("EPERM") at name_key; -1: neither. */
static int64_t errno_of(const json_t *o, const char *key, const char *name_key)
{
    const char *name = jx_str(o, name_key);
    int64_t nr = jx_int(o, key, -1);
    return nr < 0 && *name ? errname_number(name) : nr;
}

static void set_errno(json_t *to, const char *key, int64_t nr)
{
    if (nr >= 0)
        json_object_set_new(to, key, json_integer(nr));
}

static json_t *resolve_entry(const json_t *entry)
{
    json_t *out = json_object();
    cleanup(strv_free) struct strv names = STRV_INIT;
    const char *single = jx_str(entry, "name");
    jx_strv(entry, "names", &names);
    if (*single)
        strv_add(&names, single);
    json_object_set_new(out, "names", jx_from_strv(&names));
    json_object_set(out, "action", json_object_get(entry, "action"));
    set_errno(out, "errnoRet", errno_of(entry, "errnoRet", "errno"));
    jx_set(out, "args", json_incref(json_object_get(entry, "args")));
    return out;
}

/* This architecture and what can run beside it; an OCI profile lists them itself. */
static json_t *resolve_arches(const struct here *h, const json_t *profile)
{
    const json_t *map = json_object_get(profile, "archMap"), *item;
    cleanup(strv_free) struct strv list = STRV_INIT;
    size_t i;
    if (!json_is_array(map)) {
        jx_strv(profile, "architectures", &list);
        return jx_from_strv(&list);
    }
    strv_add(&list, h->scmp_arch);
    json_array_foreach(map, i, item)
    {
        if (str_eq(jx_str0(item, "architecture"), h->scmp_arch))
            jx_strv(item, "subArchitectures", &list);
    }
    return jx_from_strv(&list);
}

static int resolve(const json_t *profile, const struct here *h, json_t **ret, struct err *e)
{
    static const char *const verbatim[] = {"flags", "listenerPath", "listenerMetadata"};
    const json_t *item;
    size_t i;
    if (!jx_str0(profile, "defaultAction"))
        return err_set(e, 0, "defaultAction is not set");
    json_t *out = json_object(), *calls = json_array();
    json_object_set(out, "defaultAction", json_object_get(profile, "defaultAction"));
    set_errno(out, "defaultErrnoRet", errno_of(profile, "defaultErrnoRet", "defaultErrno"));
    jx_set(out, "architectures", resolve_arches(h, profile));
    for (i = 0; i < sizeof verbatim / sizeof *verbatim; i++)
        jx_set(out, verbatim[i], json_incref(json_object_get(profile, verbatim[i])));
    json_array_foreach(json_object_get(profile, "syscalls"), i, item)
    {
        if (applies(h, item))
            json_array_append_new(calls, resolve_entry(item));
    }
    jx_set(out, "syscalls", calls);
    *ret = out;
    return 0;
}

int seccomp_profile_resolve(const char *path, const struct strv *caps, json_t **ret_linux_seccomp,
                            struct err *e)
{
    cleanup(buf_free) struct buf text = BUF_INIT;
    cleanup_json profile = NULL;
    struct here h;
    if (at_read(AT_FDCWD, path, MAX_PROFILE, &text) < 0) {
        /* podman's words, and so Go's spelling of the reason */
        char why[128];
        int sys = errno;
        snprintf(why, sizeof why, "%s", strerror(sys));
        why[0] = (char)tolower((unsigned char)why[0]);
        err_set(e, 0, "opening seccomp profile failed: open %s: %s", path, why);
        e->sys = sys;
        return -1;
    }
    if (look_here(caps, &h, e) < 0)
        return -1;
    if (jx_parse("decoding seccomp profile failed", buf_str(&text), text.len, &profile, e) < 0 ||
        resolve(profile, &h, ret_linux_seccomp, e) < 0)
        return err_prefix(e, "loading seccomp profile (%s) failed", path);
    return 0;
}
