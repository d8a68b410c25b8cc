#include "confine.h"

#include "disk/report.h"
#include "plain/fdio.h"

#include <fcntl.h>
#include <linux/capability.h>
#include <sched.h>
#include <seccomp.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SANITIZED 1
#endif
#endif
#ifdef __SANITIZE_ADDRESS__
#define SANITIZED 1
#endif

/* Owners, modes and times of files of any id, set-id bits, and file capabilities. */
#define KEPT_CAPS                                                                                  \
    ((1U << CAP_CHOWN) | (1U << CAP_DAC_OVERRIDE) | (1U << CAP_FOWNER) | (1U << CAP_FSETID) |      \
     (1U << CAP_SETFCAP))
/* Decompression may want a window of 128 MiB; the rest is a fraction of it. */
#define DATA_MAX ((rlim_t)512 << 20)

static int drop_caps(void)
{
    for (int cap = 0; prctl(PR_CAPBSET_READ, cap) >= 0; cap++)
        if (cap > 31 || !(KEPT_CAPS & (1U << cap)))
            if (prctl(PR_CAPBSET_DROP, cap) < 0)
                return -1;
    if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) < 0)
        return -1;
    struct __user_cap_header_struct h = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct d[2] = {{.effective = KEPT_CAPS, .permitted = KEPT_CAPS}};
    return (int)syscall(SYS_capset, &h, d);
}

static int limit(int what, rlim_t n)
{
    struct rlimit r;
    if (getrlimit(what, &r) < 0)
        return -1;
    if (r.rlim_max == RLIM_INFINITY || r.rlim_max > n)
        r.rlim_max = n;
    r.rlim_cur = r.rlim_max;
    return setrlimit(what, &r);
}

int confine_process(const int *keep, size_t nkeep, struct err *e)
{
    int dir = keep[0];
    if (fd_close_now(REPORT_FD + 1, keep, nkeep) < 0)
        return err_sys(e, "closing descriptors");
    if (unshare(CLONE_NEWNS | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS) < 0)
        return err_sys(e, "leaving the network and mount namespaces");
    if (fchdir(dir) < 0 || chroot(".") < 0 || chdir("/") < 0)
        return err_sys(e, "entering the layer's directory");
    close(dir);
    umask(0);
    if (limit(RLIMIT_CORE, 0) < 0 || limit(RLIMIT_NOFILE, 4096) < 0)
        return err_sys(e, "setting limits");
#ifndef SANITIZED
    if (limit(RLIMIT_DATA, DATA_MAX) < 0)
        return err_sys(e, "setting limits");
#endif
    if (drop_caps() < 0)
        return err_sys(e, "dropping capabilities");
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 || prctl(PR_SET_DUMPABLE, 0) < 0)
        return err_sys(e, "giving up privileges");
    return 0;
}

static const int calls[] = {
    /* bytes */
    SCMP_SYS(read), SCMP_SYS(write), SCMP_SYS(pread64), SCMP_SYS(pwrite64), SCMP_SYS(writev),
    SCMP_SYS(lseek), SCMP_SYS(close), SCMP_SYS(ftruncate), SCMP_SYS(sync_file_range),
    /* files */
    SCMP_SYS(open), SCMP_SYS(openat), SCMP_SYS(openat2), SCMP_SYS(fstat), SCMP_SYS(newfstatat),
    SCMP_SYS(statx), SCMP_SYS(name_to_handle_at), SCMP_SYS(mkdir), SCMP_SYS(mkdirat),
    SCMP_SYS(mknod), SCMP_SYS(mknodat), SCMP_SYS(symlinkat), SCMP_SYS(linkat), SCMP_SYS(unlinkat),
    SCMP_SYS(getdents64), SCMP_SYS(fchown), SCMP_SYS(fchownat), SCMP_SYS(fchmod),
    SCMP_SYS(fchmodat), SCMP_SYS(utimensat), SCMP_SYS(fsetxattr), SCMP_SYS(fremovexattr),
    SCMP_SYS(fcntl),
    /* memory */
    SCMP_SYS(brk), SCMP_SYS(munmap), SCMP_SYS(mremap), SCMP_SYS(madvise),
    /* threads, the clock, the end */
    SCMP_SYS(futex), SCMP_SYS(sched_yield), SCMP_SYS(clock_gettime), SCMP_SYS(restart_syscall),
    SCMP_SYS(rt_sigprocmask), SCMP_SYS(rt_sigaction), SCMP_SYS(rt_sigreturn), SCMP_SYS(getpid),
    SCMP_SYS(gettid), SCMP_SYS(tgkill), SCMP_SYS(set_robust_list), SCMP_SYS(rseq),
    SCMP_SYS(getrandom), SCMP_SYS(exit), SCMP_SYS(exit_group)};

static int add_calls(scmp_filter_ctx f)
{
    int r = 0;
    for (size_t i = 0; i < sizeof calls / sizeof calls[0] && r == 0; i++)
        r = seccomp_rule_add(f, SCMP_ACT_ALLOW, calls[i], 0);
    /* memory, as long as nobody can run it */
    const int maps[] = {SCMP_SYS(mmap), SCMP_SYS(mprotect)};
    for (size_t i = 0; i < 2 && r == 0; i++)
        r = seccomp_rule_add(f, SCMP_ACT_ALLOW, maps[i], 1,
                             SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));
    if (r == 0)
        r = seccomp_attr_set(f, SCMP_FLTATR_CTL_TSYNC, 1);
    return r == 0 ? seccomp_load(f) : r;
}

int confine_calls(struct err *e)
{
#ifdef SANITIZED
    (void)add_calls;
    (void)e;
    return 0; /* the sanitizers' own calls are many */
#else
    scmp_filter_ctx f = seccomp_init(SCMP_ACT_KILL_PROCESS);
    int r = f ? add_calls(f) : -1;
    seccomp_release(f);
    return r == 0 ? 0 : err_set(e, 0, "installing the system call filter: error %d", r);
#endif
}
