#include "fakeroot.h"

#include "plain/str.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/capability.h>
#include <seccomp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

enum shape { CHOWN, LCHOWN, FCHOWN, FCHOWNAT, MKNOD, MKNODAT, SET, GROUPS, GET, GET_ALL };

/* The 32-bit architectures have two of most: "chown" with short ids and "chown32". */
static const struct call {
    const char *name;
    enum shape shape;
    char kind; /* of users or groups */
    int n;     /* SET: of how many ids; GET: 1 the real one, 2 the effective one */
} calls[] = {
    {"chown", CHOWN, 0, 0},         {"lchown", LCHOWN, 0, 0},   {"fchown", FCHOWN, 0, 0},
    {"fchownat", FCHOWNAT, 0, 0},   {"mknod", MKNOD, 0, 0},     {"mknodat", MKNODAT, 0, 0},
    {"setuid", SET, 'u', 1},        {"setgid", SET, 'g', 1},    {"setreuid", SET, 'u', 2},
    {"setregid", SET, 'g', 2},      {"setresuid", SET, 'u', 3}, {"setresgid", SET, 'g', 3},
    {"setgroups", GROUPS, 'g', 0},  {"getuid", GET, 'u', 1},    {"geteuid", GET, 'u', 2},
    {"getgid", GET, 'g', 1},        {"getegid", GET, 'g', 2},   {"getresuid", GET_ALL, 'u', 0},
    {"getresgid", GET_ALL, 'g', 0},
};

/* One of ours, or else perhaps one that is only looked at. */
static const struct call *call_of(const struct seccomp_data *d, bool *ret_short_ids,
                                  const struct copyup **ret_copyup)
{
    char *name = seccomp_syscall_resolve_num_arch(d->arch, d->nr);
    const struct call *found = NULL;
    *ret_copyup = name ? copyup_of(name) : NULL;
    bool wide = name && str_ends(name, "32");
    if (wide)
        name[strlen(name) - 2] = '\0';
    for (size_t i = 0; name && i < sizeof calls / sizeof *calls; i++)
        if (strcmp(calls[i].name, name) == 0)
            found = &calls[i];
    *ret_short_ids = !wide && (d->arch == SCMP_ARCH_X86 || d->arch == SCMP_ARCH_ARM) &&
                     !str_eq(name, "fchownat");
    free(name);
    return found;
}

static uint32_t id_of(uint64_t arg, bool short_ids)
{
    uint32_t id = (uint32_t)arg;
    return short_ids && (id & 0xffff) == 0xffff ? SAME : short_ids ? id & 0xffff : id;
}

/* ---- files ---- */

/* Who has become somebody else gives nothing away. */
static bool may_give(const struct caller *c, uint32_t uid)
{
    struct ids users;
    return !who_is(c, 'u', &users) || users.effective == 0 || uid == SAME || uid == users.effective;
}

static int do_chown(const struct caller *c, const struct call *call, const uint64_t *a, bool brief)
{
    char path[PATH_MAX];
    struct name n = {.dirfd = AT_FDCWD, .path = path};
    bool at = call->shape == FCHOWNAT;
    if (!caller_can(c, CAP_CHOWN))
        return GO_ON;
    if (!may_give(c, id_of(a[at + 1], brief)))
        return -EPERM;
    if (call->shape == FCHOWN) {
        n = (struct name){.dirfd = (int)a[0]};
        return target_chown(c, &n, id_of(a[1], brief), id_of(a[2], brief));
    }
    if (at) {
        n.dirfd = (int)a[0];
        n.flags = (int)a[4];
        if (n.flags & ~(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH))
            return -EINVAL;
    } else if (call->shape == LCHOWN) {
        n.flags = AT_SYMLINK_NOFOLLOW;
    }
    int r = caller_string(c, a[at], path, sizeof path);
    return r < 0 ? r : target_chown(c, &n, id_of(a[at + 1], brief), id_of(a[at + 2], brief));
}

static int do_mknod(const struct caller *c, const struct call *call, const uint64_t *a)
{
    char path[PATH_MAX];
    bool at = call->shape == MKNODAT;
    struct name n = {.dirfd = at ? (int)a[0] : AT_FDCWD, .path = path};
    mode_t mode = (mode_t)a[at + 1];
    /* what is no device anybody may make; 0:0 is an overlay's whiteout */
    if (!caller_can(c, CAP_CHOWN) || !(S_ISBLK(mode) || (S_ISCHR(mode) && (uint32_t)a[at + 2])))
        return GO_ON;
    int r = caller_string(c, a[at], path, sizeof path);
    return r < 0 ? r : target_mknod(c, &n, mode);
}

/* ---- who one is ---- */

static bool one_of(uint32_t id, const struct ids *of)
{
    return id == SAME || id == of->real || id == of->effective || id == of->saved;
}

/*
 * credentials(7): root may become anybody; others may exchange the ids that they have. want gets
 * what changes.
 */
static int wanted(const struct call *call, const uint64_t *a, bool brief, bool root,
                  const struct ids *now, struct ids *want)
{
    uint32_t id[3] = {SAME, SAME, SAME};
    for (int i = 0; i < call->n; i++)
        id[i] = id_of(a[i], brief);
    switch (call->n) {
    case 1:
        if (id[0] == SAME)
            return -EINVAL;
        *want = root ? (struct ids){id[0], id[0], id[0]} : (struct ids){SAME, id[0], SAME};
        return root || id[0] == now->real || id[0] == now->saved ? 0 : -EPERM;
    case 2:
        *want = (struct ids){id[0], id[1], SAME};
        if (id[0] != SAME || (id[1] != SAME && id[1] != now->real))
            want->saved = id[1] == SAME ? now->effective : id[1];
        return root || ((id[0] == SAME || id[0] == now->real || id[0] == now->effective) &&
                        one_of(id[1], now))
                   ? 0
                   : -EPERM;
    default:
        *want = (struct ids){id[0], id[1], id[2]};
        return root || (one_of(id[0], now) && one_of(id[1], now) && one_of(id[2], now)) ? 0
                                                                                        : -EPERM;
    }
}

/* To become what the process is already is the kernel's; the rest is make-believe. */
static int do_set(const struct caller *c, const struct call *call, const uint64_t *a, bool brief)
{
    int64_t own = caller_id(c, call->kind);
    struct ids now = {(uint32_t)own, (uint32_t)own, (uint32_t)own}, users = {0, 0, 0}, want;
    if (own < 0 || !caller_can(c, call->kind == 'u' ? CAP_SETUID : CAP_SETGID))
        return GO_ON;
    bool believes = who_is(c, call->kind, &now);
    /* a group changed after the user: by a program that keeps its capabilities (setpriv) */
    bool root = !who_is(c, 'u', &users) || users.effective == 0 ||
                (call->kind == 'g' && one_of((uint32_t)own, &now) && now.real == now.effective &&
                 now.effective == now.saved);
    int r = wanted(call, a, brief, root, &now, &want);
    if (!believes && (r < 0 || (one_of(want.real, &now) && one_of(want.effective, &now) &&
                                one_of(want.saved, &now))))
        return GO_ON;
    if (r == 0)
        who_becomes(c, call->kind, &want, (uint32_t)own);
    return r;
}

static int do_groups(const struct caller *c)
{
    return caller_id(c, 'g') < 0 || !caller_can(c, CAP_SETGID) ? GO_ON : 0;
}

static int do_get(const struct caller *c, const struct call *call, uint32_t *ret)
{
    struct ids now;
    if (!who_is(c, call->kind, &now))
        return GO_ON;
    *ret = call->n == 1 ? now.real : now.effective;
    return 0;
}

static int do_get_all(const struct caller *c, const struct call *call, const uint64_t *a,
                      bool brief)
{
    struct ids now;
    if (brief || !who_is(c, call->kind, &now))
        return GO_ON;
    return caller_put(c, a[0], now.real) < 0 || caller_put(c, a[1], now.effective) < 0 ||
                   caller_put(c, a[2], now.saved) < 0
               ? -EFAULT
               : 0;
}

/* ---- notifications ---- */

/* *value: what the call returns when that is not 0. */
static int decide(const struct caller *c, const struct call *call, const uint64_t *a, bool brief,
                  uint32_t *value)
{
    switch (call->shape) {
    case SET:
        return do_set(c, call, a, brief);
    case GROUPS:
        return do_groups(c);
    case GET:
        return do_get(c, call, value);
    case GET_ALL:
        return do_get_all(c, call, a, brief);
    case MKNOD:
    case MKNODAT:
        return do_mknod(c, call, a);
    default:
        return do_chown(c, call, a, brief);
    }
}

static int answer(int listener, const struct seccomp_notif *req, uint32_t *value)
{
    struct caller c;
    bool brief;
    int result = GO_ON;
    const struct copyup *copyup;
    const struct call *call = call_of(&req->data, &brief, &copyup);
    /* by far the most: nobody is anybody else */
    bool asks = call && (call->shape == GET || call->shape == GET_ALL);
    if ((!call && !copyup) || (asks && !who_anyone()) || !caller_open((pid_t)req->pid, &c))
        return GO_ON;
    /* what we have opened is the process that asks, if that still waits */
    bool waits = seccomp_notify_id_valid(listener, req->id) == 0;
    if (waits && call)
        result = decide(&c, call, (const uint64_t *)req->data.args, brief, value);
    else if (waits)
        copyup_prepare(&c, copyup, (const uint64_t *)req->data.args);
    caller_close(&c);
    return result;
}

int answer_next(int listener)
{
    static struct seccomp_notif *req;
    static struct seccomp_notif_resp *resp;
    if (!req && seccomp_notify_alloc(&req, &resp) != 0)
        return -1;
    memset(req, 0, sizeof *req); /* the kernel insists */
    int r = seccomp_notify_receive(listener, req);
    if (r != 0)
        return r == -ENOENT || errno == ENOENT || errno == EINTR ? 0 : -1; /* it was killed */
    uint32_t value = 0;
    int result = answer(listener, req, &value);
    resp->id = req->id;
    resp->val = result == 0 ? value : 0;
    resp->error = result < 0 ? result : 0;
    resp->flags = result == GO_ON ? SECCOMP_USER_NOTIF_FLAG_CONTINUE : 0;
    (void)seccomp_notify_respond(listener, resp);
    return 0;
}
