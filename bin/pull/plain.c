/*
 * Archives that came compressed, or through a pipe: what is inside goes to a file without a name,
 * because an archive is read at offsets. A stranger's bytes are decompressed in a child that has
 * nothing but its two files.
 */
#include "pull.h"

#include "plain/fdio.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <seccomp.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

enum { CHUNK = 1 << 17, HEAD = 6 };
enum { DAMAGED = 255 }; /* exit code of the child; others are an errno */

static int gunzip(int in, int out)
{
    static char buf[CHUNK];
    gzFile gz = gzdopen(in, "rb");
    int n = -1;
    if (!gz)
        return ENOMEM;
    gzbuffer(gz, CHUNK);
    while ((n = gzread(gz, buf, sizeof buf)) > 0)
        if (fd_write_all(out, buf, (size_t)n) < 0)
            return errno;
    /* closing tells of a stream that ended too early */
    return gzclose(gz) == Z_OK && n == 0 ? 0 : DAMAGED;
}

static int unzstd(int in, int out)
{
    static char src[CHUNK], dst[CHUNK];
    ZSTD_DStream *z = ZSTD_createDStream();
    size_t left = 1;
    ssize_t n;
    while ((n = read(in, src, sizeof src)) > 0) {
        ZSTD_inBuffer i = {src, (size_t)n, 0};
        ZSTD_outBuffer o = {dst, sizeof dst, 0};
        /* a full output may have more behind it although the input is used up */
        do {
            o.pos = 0;
            left = ZSTD_decompressStream(z, &o, &i);
            if (ZSTD_isError(left))
                return DAMAGED;
            if (fd_write_all(out, dst, o.pos) < 0)
                return errno;
        } while (i.pos < i.size || (o.pos == o.size && left));
    }
    return n < 0 ? errno : left ? DAMAGED : 0;
}

static int copy(int in, int out)
{
    static char buf[CHUNK];
    ssize_t n;
    while ((n = read(in, buf, sizeof buf)) > 0)
        if (fd_write_all(out, buf, (size_t)n) < 0)
            return errno;
    return n < 0 ? errno : 0;
}

/* Reading, writing, memory that nobody can run, and the end. */
static int confine(void)
{
    static const int calls[] = {
        SCMP_SYS(read),       SCMP_SYS(write),          SCMP_SYS(lseek),        SCMP_SYS(close),
        SCMP_SYS(fstat),      SCMP_SYS(newfstatat),     SCMP_SYS(brk),          SCMP_SYS(munmap),
        SCMP_SYS(mremap),     SCMP_SYS(madvise),        SCMP_SYS(rt_sigreturn), SCMP_SYS(futex),
        SCMP_SYS(exit_group), SCMP_SYS(restart_syscall)};
    scmp_filter_ctx f = seccomp_init(SCMP_ACT_KILL_PROCESS);
    int r = f && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 ? 0 : -1;
    for (size_t i = 0; r == 0 && i < sizeof calls / sizeof *calls; i++)
        r = seccomp_rule_add(f, SCMP_ACT_ALLOW, calls[i], 0);
    const int maps[] = {SCMP_SYS(mmap), SCMP_SYS(mprotect)};
    for (size_t i = 0; r == 0 && i < 2; i++)
        r = seccomp_rule_add(f, SCMP_ACT_ALLOW, maps[i], 1,
                             SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));
#if !defined(__SANITIZE_ADDRESS__)
    if (r == 0)
        r = seccomp_load(f);
#endif
    return r;
}

typedef int way(int in, int out);

static int in_child(way *go, int in, int out)
{
    int status;
    pid_t pid = fork();
    if (pid < 0)
        return errno;
    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (dup2(in, 0) < 0 || dup2(out, 1) < 0 || syscall(SYS_close_range, 2, UINT_MAX, 0) < 0)
            _exit(errno);
        _exit(confine() == 0 ? go(0, 1) : EPERM);
    }
    while (waitpid(pid, &status, 0) < 0)
        if (errno != EINTR)
            return errno;
    return WIFEXITED(status) ? WEXITSTATUS(status) : interrupted ? EINTR : DAMAGED;
}

static int through(const struct roots *r, const char *what, way *go, int *fd, struct err *e)
{
    char why[80];
    cleanup_fd int out = openat(r->own, "staging", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    if (out < 0)
        return err_sys(e, "cannot make a file in \"%s/pod/staging\"", r->graph_path);
    int res = in_child(go, *fd, out);
    if (interrupted)
        return err_set(e, 128 + (int)interrupted, "interrupted");
    if (res)
        return err_set(e, 0, "reading archive \"%s\": %s", what,
                       res == DAMAGED ? "unexpected EOF or damaged data"
                                      : go_errno(res, why, sizeof why));
    close(*fd);
    *fd = fd_take(&out);
    return lseek(*fd, 0, SEEK_SET) < 0 ? err_sys(e, "reading archive \"%s\"", what) : 0;
}

static int refuse(const char *what, const char *name, struct err *e)
{
    err_set(e, 0, "archive \"%s\" is compressed with %s, which is not supported", what, name);
    return err_hint(e, "Type first: %s -dk %s", name, what);
}

int plain_make(const struct roots *r, const char *what, int *fd, struct err *e)
{
    char head[HEAD] = {0};
    struct stat st;
    if (fstat(*fd, &st) < 0)
        return err_sys(e, "cannot read \"%s\"", what);
    if (!S_ISREG(st.st_mode) && through(r, what, copy, fd, e) < 0)
        return -1;
    if (pread(*fd, head, HEAD, 0) < 0)
        return err_sys(e, "cannot read \"%s\"", what);
    if (memcmp(head, "\x1f\x8b", 2) == 0)
        return through(r, what, gunzip, fd, e);
    if (memcmp(head, "\x28\xb5\x2f\xfd", 4) == 0)
        return through(r, what, unzstd, fd, e);
    if (memcmp(head, "BZh", 3) == 0)
        return refuse(what, "bzip2", e);
    return memcmp(head, "\xfd\x37zXZ", 6) == 0 ? refuse(what, "xz", e) : 0;
}
