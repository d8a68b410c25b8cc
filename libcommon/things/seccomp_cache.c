#include "things/seccomp.h"

#include "disk/at.h"
#include "plain/str.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/filter.h>
#include <seccomp.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/utsname.h>

/* goes up when resolving or compiling changes its mind */
#define CACHE_FORMAT 4
#define FNV_PRIME    UINT64_C(0x100000001b3)

/* Told apart by content, not defended: whoever can write here can write the programs too. */
static uint64_t fnv1a(uint64_t h, const char *s, size_t n)
{
    for (size_t i = 0; i < n; i++)
        h = (h ^ (unsigned char)s[i]) * FNV_PRIME;
    return h;
}

static int name_of(const struct seccomp_wish *w, char ret[SECCOMP_NAME_SIZE], struct err *e)
{
    const char *path = w->profile;
    const struct strv *caps = &w->caps;
    cleanup(strv_free) struct strv sorted = STRV_INIT;
    cleanup(buf_free) struct buf b = BUF_INIT;
    const struct scmp_version *v = seccomp_version();
    struct utsname u;
    struct stat st;
    if (stat(path, &st) < 0) {
        cleanup_json none = NULL; /* the reader has the sentence for it */
        if (seccomp_profile_resolve(path, caps, &none, e) < 0)
            return -1;
        return err_set(e, 0, "seccomp profile \"%s\" changes while it is read", path);
    }
    if (uname(&u) < 0)
        return err_sys(e, "cannot read the kernel's version");
    for (size_t i = 0; i < caps->n; i++)
        strv_add(&sorted, caps->v[i]);
    strv_sort(&sorted);
    buf_addf(&b, "%d\n%s\n%ju %ju %jd %jd.%09ld\n", CACHE_FORMAT, path, (uintmax_t)st.st_dev,
             (uintmax_t)st.st_ino, (intmax_t)st.st_size, (intmax_t)st.st_mtim.tv_sec,
             st.st_mtim.tv_nsec);
    buf_addf(&b, "%s %s %08x %u.%u.%u\n", u.machine, u.release, seccomp_arch_native(),
             v ? v->major : 0, v ? v->minor : 0, v ? v->micro : 0);
    for (size_t i = 0; i < sorted.n; i++)
        buf_addf(&b, "%s\n", sorted.v[i]);
    if (w->single)
        buf_addf(&b, "single%s%s\n", w->links ? ", links" : "", w->killable ? ", killable" : "");
    uint64_t lo = fnv1a(UINT64_C(0xcbf29ce484222325), b.s, b.len);
    uint64_t hi = fnv1a(lo ^ UINT64_C(0x9e3779b97f4a7c15), b.s, b.len);
    snprintf(ret, SECCOMP_NAME_SIZE, "seccomp-%016" PRIx64 "%016" PRIx64, hi, lo);
    return 0;
}

/* A file that a power cut left empty or short is no hit. */
static bool is_whole(int dir, const char *name, off_t unit)
{
    struct stat st;
    return fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(st.st_mode) &&
           st.st_size > 0 && st.st_size % unit == 0;
}

int seccomp_cached(int cachedir, const struct seccomp_wish *wish, char ret_name[SECCOMP_NAME_SIZE],
                   json_t **ret_section, struct err *e)
{
    const char *profile_path = wish->profile;
    char name[SECCOMP_NAME_SIZE], bpf_name[SECCOMP_NAME_SIZE + 8], json_name[SECCOMP_NAME_SIZE + 8];
    if (name_of(wish, name, e) < 0)
        return -1;
    snprintf(bpf_name, sizeof bpf_name, "%s.bpf", name);
    snprintf(json_name, sizeof json_name, "%s.json", name);
    if (is_whole(cachedir, json_name, 1) &&
        is_whole(cachedir, bpf_name, sizeof(struct sock_filter))) {
        memcpy(ret_name, name, sizeof name);
        *ret_section = NULL;
        return 0;
    }
    cleanup(buf_free) struct buf bpf = BUF_INIT;
    cleanup_json section = NULL;
    if (seccomp_profile_resolve(profile_path, &wish->caps, &section, e) < 0)
        return -1;
    if (wish->single)
        seccomp_ask_fakeroot(section, wish);
    if (seccomp_compile(section, &bpf, e) < 0)
        return err_prefix(e, "loading seccomp profile (%s) failed", profile_path);
    cleanup_free char *text = json_dumps(section, JSON_COMPACT);
    if (!text)
        return err_set(e, 0, "seccomp profile \"%s\" cannot be written as JSON", profile_path);
    /* once per profile and capability set, so the flush costs nobody a start */
    if (at_write(cachedir, bpf_name, bpf.s, bpf.len, 0600, AT_DURABLE) < 0 ||
        at_write(cachedir, json_name, text, strlen(text), 0600, AT_DURABLE) < 0)
        return err_sys(e, "cannot keep the compiled seccomp profile in the cache");
    memcpy(ret_name, name, sizeof name);
    *ret_section = section;
    section = NULL;
    return 0;
}
