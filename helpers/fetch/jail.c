/*
 * What pod-fetch gives up before it speaks to strangers. Failing here is allowed for landlock
 * alone (a kernel without it); the system call filter and no_new_privs must work.
 *
 * 1. no_new_privs; a core file would hold passwords, so none is written and no one may attach.
 * 2. landlock: nothing on disk can be written, made, removed or executed; reading stays possible
 *    where resolvers and certificates live, and nowhere else.
 * 3. seccomp: no new program, no other process's memory, no namespaces, no keyrings, no mounts.
 */
#include "fetch.h"

#include "plain/fdio.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/landlock.h>
#include <seccomp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* every right of landlock's first version */
#define ALL_RIGHTS  ((LANDLOCK_ACCESS_FS_MAKE_SYM << 1) - 1)
#define READ_RIGHTS (LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR)

/* a sanitizer looks at its own process with ptrace when it ends */
#if defined(__SANITIZE_ADDRESS__)
enum { SANITIZED = 1 };
#else
enum { SANITIZED = 0 };
#endif

static const char *const readable[] = {
    "/etc", "/usr",  "/lib", "/lib64", "/run", "/var",
    "/dev", "/proc", "/sys", "/opt",   "/nix", "/gnu",
};

static void allow_reading(int rules, const char *path)
{
    cleanup_fd int fd = open(path, O_PATH | O_CLOEXEC);
    struct landlock_path_beneath_attr rule = {.allowed_access = READ_RIGHTS, .parent_fd = fd};
    struct stat st;
    if (fd < 0 || fstat(fd, &st) < 0)
        return;
    if (!S_ISDIR(st.st_mode)) /* only a directory's rule may speak of directories */
        rule.allowed_access = LANDLOCK_ACCESS_FS_READ_FILE;
    (void)syscall(SYS_landlock_add_rule, rules, LANDLOCK_RULE_PATH_BENEATH, &rule, 0);
}

static void confine_files(void)
{
    struct landlock_ruleset_attr attr = {.handled_access_fs = ALL_RIGHTS};
    cleanup_fd int rules = (int)syscall(SYS_landlock_create_ruleset, &attr, sizeof attr, 0);
    if (rules < 0)
        return;
    for (size_t i = 0; i < sizeof readable / sizeof *readable; i++)
        allow_reading(rules, readable[i]);
    const char *extra[] = {getenv("SSL_CERT_FILE"), getenv("SSL_CERT_DIR")};
    for (size_t i = 0; i < 2; i++)
        if (extra[i])
            allow_reading(rules, extra[i]);
    (void)syscall(SYS_landlock_restrict_self, rules, 0);
}

static int filter_calls(struct err *e)
{
    static const int denied[] = {
        SCMP_SYS(execve),
        SCMP_SYS(execveat),
        SCMP_SYS(ptrace),
        SCMP_SYS(process_vm_readv),
        SCMP_SYS(process_vm_writev),
        SCMP_SYS(pidfd_getfd),
        SCMP_SYS(unshare),
        SCMP_SYS(setns),
        SCMP_SYS(mount),
        SCMP_SYS(umount2),
        SCMP_SYS(pivot_root),
        SCMP_SYS(chroot),
        SCMP_SYS(bpf),
        SCMP_SYS(perf_event_open),
        SCMP_SYS(userfaultfd),
        SCMP_SYS(keyctl),
        SCMP_SYS(add_key),
        SCMP_SYS(request_key),
        SCMP_SYS(io_uring_setup),
        SCMP_SYS(open_by_handle_at),
        SCMP_SYS(personality),
        SCMP_SYS(fsopen),
        SCMP_SYS(move_mount),
        SCMP_SYS(open_tree),
    };
    scmp_filter_ctx ctx = seccomp_init(SCMP_ACT_ALLOW);
    int r = ctx ? 0 : -ENOMEM;
    for (size_t i = 0; r == 0 && i < sizeof denied / sizeof *denied; i++)
        if (!SANITIZED || denied[i] != SCMP_SYS(ptrace))
            r = seccomp_rule_add(ctx, SCMP_ACT_ERRNO(EPERM), denied[i], 0);
    if (r == 0)
        r = seccomp_load(ctx);
    if (ctx)
        seccomp_release(ctx);
    errno = -r;
    return r < 0 ? err_sys(e, "pod-fetch: cannot confine itself") : 0;
}

int jail(struct err *e)
{
    const struct rlimit none = {0, 0};
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
        return err_sys(e, "pod-fetch: cannot give up privileges");
    if (!SANITIZED)
        (void)prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
    (void)setrlimit(RLIMIT_CORE, &none);
    (void)setrlimit(RLIMIT_MEMLOCK, &none);
    confine_files();
    return filter_calls(e);
}
