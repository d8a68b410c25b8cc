#include "things/seccomp.h"

#include "plain/fdio.h"

#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <seccomp.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#define MAX_ARGS    6
#define MAX_PROGRAM (BPF_MAXINSNS * sizeof(struct sock_filter))
/* libseccomp's search by halves instead of one comparison a system call */
#define BY_BINARY_TREE 2

static const struct {
    const char *name;
    uint32_t code;
    int carries_errno;
} actions[] = {
    {"SCMP_ACT_ALLOW", SCMP_ACT_ALLOW, 0},
    {"SCMP_ACT_ERRNO", 0x00050000U, 1},
    {"SCMP_ACT_KILL", SCMP_ACT_KILL_THREAD, 0},
    {"SCMP_ACT_KILL_THREAD", SCMP_ACT_KILL_THREAD, 0},
    {"SCMP_ACT_KILL_PROCESS", SCMP_ACT_KILL_PROCESS, 0},
    {"SCMP_ACT_TRAP", SCMP_ACT_TRAP, 0},
    {"SCMP_ACT_TRACE", 0x7ff00000U, 1},
    {"SCMP_ACT_LOG", SCMP_ACT_LOG, 0},
    {"SCMP_ACT_NOTIFY", SCMP_ACT_NOTIFY, 0},
};

static const struct {
    const char *name;
    enum scmp_compare op;
} comparisons[] = {
    {"SCMP_CMP_NE", SCMP_CMP_NE},
    {"SCMP_CMP_LT", SCMP_CMP_LT},
    {"SCMP_CMP_LE", SCMP_CMP_LE},
    {"SCMP_CMP_EQ", SCMP_CMP_EQ},
    {"SCMP_CMP_GE", SCMP_CMP_GE},
    {"SCMP_CMP_GT", SCMP_CMP_GT},
    {"SCMP_CMP_MASKED_EQ", SCMP_CMP_MASKED_EQ},
};

static int action_of(const json_t *o, const char *key, const char *errno_key, uint32_t *ret,
                     struct err *e)
{
    const char *name = jx_str(o, key);
    int64_t nr = jx_int(o, errno_key, EPERM);
    if (nr < 0 || nr > UINT16_MAX)
        return err_set(e, 0, "seccomp: \"%s\" is out of range: %lld", errno_key, (long long)nr);
    for (size_t i = 0; i < sizeof actions / sizeof *actions; i++)
        if (strcmp(actions[i].name, name) == 0) {
            if (!actions[i].carries_errno && json_is_integer(json_object_get(o, errno_key)))
                return err_set(e, 0, "seccomp: \"%s\" means nothing with action \"%s\"", errno_key,
                               name);
            *ret = actions[i].code | (actions[i].carries_errno ? (uint32_t)nr : 0);
            return 0;
        }
    return err_set(e, 0, "seccomp: unknown action \"%s\"", name);
}

static int arg_of(const json_t *o, struct scmp_arg_cmp *ret, struct err *e)
{
    int64_t index = jx_int(o, "index", -1);
    const char *op = jx_str(o, "op");
    if (index < 0 || index >= MAX_ARGS)
        return err_set(e, 0, "seccomp: argument index is out of range: %lld", (long long)index);
    for (size_t i = 0; i < sizeof comparisons / sizeof *comparisons; i++)
        if (strcmp(comparisons[i].name, op) == 0) {
            *ret = (struct scmp_arg_cmp){.arg = (unsigned)index,
                                         .op = comparisons[i].op,
                                         .datum_a = (uint64_t)jx_int(o, "value", 0),
                                         .datum_b = (uint64_t)jx_int(o, "valueTwo", 0)};
            return 0;
        }
    return err_set(e, 0, "seccomp: unknown operator \"%s\"", op);
}

static int rule_failed(int r, const char *name, struct err *e)
{
    if (r == -EEXIST)
        return err_set(e, 0, "seccomp: contradictory rules for \"%s\"", name);
    return err_set(e, 0, "seccomp: cannot add a rule for \"%s\": %s", name, strerror(-r));
}

static int add_name(scmp_filter_ctx ctx, uint32_t action, const char *name,
                    const struct scmp_arg_cmp *args, unsigned n, struct err *e)
{
    int nr = seccomp_syscall_resolve_name(name);
    if (nr == __NR_SCMP_ERROR)
        return 0;
    unsigned seen = 0, twice = 0;
    for (unsigned i = 0; i < n; i++) {
        twice |= seen & (1U << args[i].arg);
        seen |= 1U << args[i].arg;
    }
    /* a rule is a conjunction with one comparison an argument; more of them mean alternatives */
    unsigned step = twice ? 1 : n;
    unsigned i = 0;
    do {
        int r = seccomp_rule_add_array(ctx, action, nr, step, args + i);
        if (r < 0)
            return rule_failed(r, name, e);
        i += step;
    } while (i < n);
    return 0;
}

static int add_entry(scmp_filter_ctx ctx, uint32_t otherwise, const json_t *entry, struct err *e)
{
    struct scmp_arg_cmp args[2 * MAX_ARGS];
    const json_t *list = json_object_get(entry, "args"), *item;
    uint32_t action;
    unsigned n = 0;
    size_t i;
    if (action_of(entry, "action", "errnoRet", &action, e) < 0)
        return -1;
    if (json_array_size(list) > sizeof args / sizeof *args)
        return err_set(e, 0, "seccomp: more than %zu arguments in one rule",
                       sizeof args / sizeof *args);
    json_array_foreach(list, i, item)
    {
        if (arg_of(item, &args[n++], e) < 0)
            return -1;
    }
    if (action == otherwise) /* says nothing, and libseccomp refuses it */
        return 0;
    json_array_foreach(json_object_get(entry, "names"), i, item)
    {
        if (json_is_string(item) && add_name(ctx, action, json_string_value(item), args, n, e) < 0)
            return -1;
    }
    return 0;
}

static int add_arch(scmp_filter_ctx ctx, const char *name, struct err *e)
{
    char lower[32];
    const char *s = str_starts(name, "SCMP_ARCH_") ? name + 10 : name;
    size_t n = strlen(s);
    uint32_t arch = 0;
    if (n < sizeof lower) {
        for (size_t i = 0; i <= n; i++)
            lower[i] = (char)(s[i] >= 'A' && s[i] <= 'Z' ? s[i] + 32 : s[i]);
        arch = seccomp_arch_resolve_name(lower);
    }
    if (!arch)
        return err_set(e, 0, "seccomp: unknown architecture \"%s\"", name);
    int r = seccomp_arch_add(ctx, arch);
    if (r < 0 && r != -EEXIST)
        return err_set(e, 0, "seccomp: cannot add architecture \"%s\": %s", name, strerror(-r));
    return 0;
}

static int export_program(scmp_filter_ctx ctx, struct buf *ret, struct err *e)
{
    cleanup(buf_free) struct buf b = BUF_INIT;
    cleanup_fd int fd = memfd_create("seccomp", MFD_CLOEXEC);
    if (fd < 0)
        return err_sys(e, "seccomp: cannot make a memory file");
    int r = seccomp_export_bpf(ctx, fd);
    if (r < 0)
        return err_set(e, 0, "seccomp: cannot compile the profile: %s", strerror(-r));
    if (lseek(fd, 0, SEEK_SET) < 0 || fd_read_all(fd, MAX_PROGRAM, &b) < 0)
        return err_sys(e, "seccomp: cannot read the compiled profile");
    if (b.len == 0 || b.len % sizeof(struct sock_filter) != 0)
        return err_set(e, 0, "seccomp: the compiled profile has no whole instructions");
    seccomp_shrink(&b);
    buf_add(ret, b.s, b.len);
    return 0;
}

static int fill(scmp_filter_ctx ctx, uint32_t otherwise, const json_t *section, struct buf *ret,
                struct err *e)
{
    const json_t *item;
    size_t i;
    if (seccomp_attr_set(ctx, SCMP_FLTATR_CTL_OPTIMIZE, BY_BINARY_TREE) < 0)
        return err_set(e, 0, "seccomp: this libseccomp cannot build binary trees");
    json_array_foreach(json_object_get(section, "architectures"), i, item)
    {
        if (add_arch(ctx, json_is_string(item) ? json_string_value(item) : "", e) < 0)
            return -1;
    }
    json_array_foreach(json_object_get(section, "syscalls"), i, item)
    {
        if (add_entry(ctx, otherwise, item, e) < 0)
            return -1;
    }
    return export_program(ctx, ret, e);
}

int seccomp_compile(const json_t *linux_seccomp, struct buf *ret_bpf, struct err *e)
{
    uint32_t otherwise;
    if (action_of(linux_seccomp, "defaultAction", "defaultErrnoRet", &otherwise, e) < 0)
        return -1;
    scmp_filter_ctx ctx = seccomp_init(otherwise);
    if (!ctx)
        return err_set(e, 0, "seccomp: libseccomp does not take the default action \"%s\"",
                       jx_str(linux_seccomp, "defaultAction"));
    int r = fill(ctx, otherwise, linux_seccomp, ret_bpf, e);
    seccomp_release(ctx);
    return r;
}

int seccomp_flags(const json_t *linux_seccomp, unsigned *ret, struct err *e)
{
    static const struct {
        const char *name;
        unsigned flag;
    } known[] = {
        {"SECCOMP_FILTER_FLAG_TSYNC", SECCOMP_FILTER_FLAG_TSYNC},
        {"SECCOMP_FILTER_FLAG_LOG", SECCOMP_FILTER_FLAG_LOG},
        {"SECCOMP_FILTER_FLAG_SPEC_ALLOW", SECCOMP_FILTER_FLAG_SPEC_ALLOW},
        {"SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV", SECCOMP_WAIT_KILLABLE},
    };
    const json_t *item;
    unsigned flags = 0;
    size_t i, k;
    json_array_foreach(json_object_get(linux_seccomp, "flags"), i, item)
    {
        for (k = 0; k < sizeof known / sizeof *known; k++)
            if (str_eq(json_string_value(item), known[k].name))
                break;
        if (k == sizeof known / sizeof *known)
            return err_set(e, 0, "seccomp: unknown flag \"%s\"",
                           json_is_string(item) ? json_string_value(item) : "");
        flags |= known[k].flag;
    }
    *ret = flags;
    return 0;
}

int seccomp_install(const void *bpf, size_t n, unsigned flags, int *listener_fd, struct err *e)
{
    if (n == 0 || n > MAX_PROGRAM || n % sizeof(struct sock_filter) != 0)
        return err_set(e, 0, "seccomp: the filter program is damaged (%zu bytes)", n);
    struct sock_fprog prog = {.len = (unsigned short)(n / sizeof(struct sock_filter)),
                              .filter = (struct sock_filter *)(uintptr_t)bpf};
    if (listener_fd)
        flags |= SECCOMP_FILTER_FLAG_NEW_LISTENER;
    /* with both flags a plain TSYNC failure would come as a thread's number, not as an error */
    if (listener_fd && (flags & SECCOMP_FILTER_FLAG_TSYNC))
        flags |= 1U << 4; /* SECCOMP_FILTER_FLAG_TSYNC_ESRCH */
    long r = syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &prog);
    if (r < 0)
        return err_sys(e, "seccomp: the kernel does not take the filter");
    if (listener_fd)
        *listener_fd = (int)r;
    else if (r > 0)
        return err_set(e, 0, "seccomp: thread %ld cannot take the filter", r);
    return 0;
}
