/* The shipped profile: resolved, compiled, run by hand, loaded into a child, cached. */
#include "disk/at.h"
#include "disk/rmtree.h"
#include "plain/fdio.h"
#include "things/seccomp.h"

#include "dice.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <seccomp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* where the source tree is: the suite runs elsewhere and says so */
static const char *profile(void)
{
    static char path[4096];
    const char *src = getenv("POD_TEST_SRC");
    snprintf(path, sizeof path, "%s%sshare/seccomp.json", src ? src : "", src ? "/" : "");
    return path;
}
#define PROFILE profile()

static int failures;
static struct err e;

static void check_at(int line, int good, const char *what)
{
    if (good)
        return;
    printf("not ok: line %d: %s (%s)\n", line, what, e.msg);
    failures++;
}
#define CHECK(x) check_at(__LINE__, (x), #x)

/* The kernel's view of a filter: the few instructions libseccomp makes. */
static uint32_t run(const struct buf *bpf, const struct seccomp_data *d)
{
    const struct sock_filter *p = (const void *)bpf->s;
    size_t n = bpf->len / sizeof *p;
    uint32_t a = 0, word[sizeof *d / 4];
    memcpy(word, d, sizeof *d);
    for (size_t pc = 0; pc < n; pc++) {
        switch (p[pc].code) {
        case BPF_LD | BPF_W | BPF_ABS:
            a = word[p[pc].k / 4];
            break;
        case BPF_ALU | BPF_AND | BPF_K:
            a &= p[pc].k;
            break;
        case BPF_JMP | BPF_JA:
            pc += p[pc].k;
            break;
        case BPF_JMP | BPF_JEQ | BPF_K:
            pc += a == p[pc].k ? p[pc].jt : p[pc].jf;
            break;
        case BPF_JMP | BPF_JGT | BPF_K:
            pc += a > p[pc].k ? p[pc].jt : p[pc].jf;
            break;
        case BPF_JMP | BPF_JGE | BPF_K:
            pc += a >= p[pc].k ? p[pc].jt : p[pc].jf;
            break;
        case BPF_RET | BPF_K:
            return p[pc].k;
        default:
            return 0xdead0000U | p[pc].code;
        }
    }
    return 0xdeadbeefU;
}

static uint32_t ask(const struct buf *bpf, int nr, uint64_t a0, uint64_t a1, uint64_t a2)
{
#if defined(__x86_64__)
    struct seccomp_data d = {.nr = nr, .arch = AUDIT_ARCH_X86_64, .args = {a0, a1, a2}};
#else
    struct seccomp_data d = {.nr = nr, .arch = AUDIT_ARCH_AARCH64, .args = {a0, a1, a2}};
#endif
    return run(bpf, &d);
}

static json_t *section_of(const char *caps)
{
    struct strv l = STRV_INIT;
    json_t *s = NULL;
    if (*caps)
        strv_split(&l, caps, ',');
    CHECK(seccomp_profile_resolve(PROFILE, &l, &s, &e) == 0);
    strv_free(&l);
    return s;
}

static void compile(const char *caps, struct buf *bpf)
{
    json_t *s = section_of(caps);
    CHECK(seccomp_compile(s, bpf, &e) == 0);
    json_decref(s);
}

#define REFUSED(n) (SECCOMP_RET_ERRNO | (n))

static void test_verdicts(void)
{
    struct buf plain = BUF_INIT, admin = BUF_INIT;
    compile("CAP_CHOWN,CAP_SYS_CHROOT", &plain);
    compile("SYS_ADMIN,CAP_AUDIT_WRITE", &admin);
    CHECK(ask(&plain, SYS_read, 0, 0, 0) == SECCOMP_RET_ALLOW);
    CHECK(ask(&plain, SYS_openat, 0, 0, 0) == SECCOMP_RET_ALLOW);
    CHECK(ask(&plain, SYS_mount, 0, 0, 0) == SECCOMP_RET_ALLOW);
    CHECK(ask(&plain, SYS_setns, 0, 0, 0) == SECCOMP_RET_ALLOW);
    CHECK(ask(&plain, SYS_sethostname, 0, 0, 0) == REFUSED(EPERM));
    CHECK(ask(&plain, SYS_bpf, 0, 0, 0) == REFUSED(EPERM));
    CHECK(ask(&plain, SYS_keyctl, 0, 0, 0) == REFUSED(EPERM));
    CHECK(ask(&plain, SYS_chroot, 0, 0, 0) == SECCOMP_RET_ALLOW);
    CHECK(ask(&admin, SYS_chroot, 0, 0, 0) == REFUSED(EPERM));
    CHECK(ask(&admin, SYS_mount, 0, 0, 0) == SECCOMP_RET_ALLOW);
    CHECK(ask(&admin, SYS_sethostname, 0, 0, 0) == SECCOMP_RET_ALLOW);
    CHECK(ask(&plain, 425 /* io_uring_setup */, 0, 0, 0) == REFUSED(ENOSYS));
    CHECK(ask(&plain, 9999, 0, 0, 0) == REFUSED(ENOSYS));
    CHECK(ask(&plain, SYS_personality, 0, 0, 0) == SECCOMP_RET_ALLOW);
    CHECK(ask(&plain, SYS_personality, 0xffffffff, 0, 0) == SECCOMP_RET_ALLOW);
    CHECK(ask(&plain, SYS_personality, 0x0400000, 0, 0) == REFUSED(ENOSYS));
    CHECK(ask(&plain, SYS_socket, AF_NETLINK, SOCK_RAW, 9) == REFUSED(EINVAL));
    CHECK(ask(&plain, SYS_socket, AF_NETLINK, SOCK_RAW, 0) == SECCOMP_RET_ALLOW);
    CHECK(ask(&plain, SYS_socket, AF_INET, SOCK_STREAM, 9) == SECCOMP_RET_ALLOW);
    CHECK(ask(&admin, SYS_socket, AF_NETLINK, SOCK_RAW, 9) == SECCOMP_RET_ALLOW);
    buf_free(&plain);
    buf_free(&admin);
}

/* What a child sees under the filter; each bit of its exit code is one thing gone wrong. */
static int child(const struct buf *bpf)
{
    char c;
    int bad = 0, fd = open("/dev/null", O_RDONLY);
    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    if (seccomp_install(bpf->s, bpf->len, 0, NULL, &e) < 0)
        return 255;
    bad |= read(fd, &c, 1) == 0 ? 0 : 1;
    bad |= syscall(SYS_sethostname, 1, 1) < 0 && errno == EPERM ? 0 : 2;
    bad |= syscall(SYS_keyctl, 0, 0, 0, 0, 0) < 0 && errno == EPERM ? 0 : 4;
    bad |= syscall(SYS_bpf, 0, 0, 0) < 0 && errno == EPERM ? 0 : 8;
    bad |= syscall(425, 1, 0) < 0 && errno == ENOSYS ? 0 : 16;
    bad |= getpid() > 0 && fork() >= 0 ? 0 : 32;
    return bad;
}

/* mount reaches the kernel, which refuses it by EFAULT and not by permission */
static int child_with_cap(const struct buf *bpf)
{
    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    if (seccomp_install(bpf->s, bpf->len, 0, NULL, &e) < 0)
        return 255;
    return syscall(SYS_mount, 1, 1, 1, 0, 0) < 0 && errno == EFAULT ? 0 : 1;
}

static int in_child(int (*fn)(const struct buf *), const char *caps)
{
    struct buf bpf = BUF_INIT;
    int status = -1;
    compile(caps, &bpf);
    pid_t pid = fork();
    if (pid == 0)
        _exit(fn(&bpf));
    waitpid(pid, &status, 0);
    buf_free(&bpf);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static int compile_text(const char *text, struct buf *bpf)
{
    json_t *s = NULL;
    struct strv none = STRV_INIT;
    char path[] = "/tmp/test-seccomp-XXXXXX";
    int fd = mkstemp(path), r = -1;
    fd_write_all(fd, text, strlen(text));
    close(fd);
    if (seccomp_profile_resolve(path, &none, &s, &e) == 0)
        r = seccomp_compile(s, bpf, &e);
    json_decref(s);
    unlink(path);
    return r;
}

/* One rule each on getpid, all operators and actions. */
static void test_all_words(void)
{
    static const struct {
        const char *op;
        uint64_t yes, no;
    } ops[] = {{"NE", 6, 5}, {"LT", 4, 5}, {"LE", 5, 6},        {"EQ", 5, 6},
               {"GE", 5, 4}, {"GT", 6, 5}, {"MASKED_EQ", 13, 6}};
    static const struct {
        const char *action;
        uint32_t code;
    } acts[] = {{"KILL", SECCOMP_RET_KILL_THREAD},
                {"KILL_THREAD", SECCOMP_RET_KILL_THREAD},
                {"KILL_PROCESS", SECCOMP_RET_KILL_PROCESS},
                {"TRAP", SECCOMP_RET_TRAP},
                {"ERRNO", SECCOMP_RET_ERRNO | 7},
                {"TRACE", SECCOMP_RET_TRACE | 7},
                {"LOG", SECCOMP_RET_LOG},
                {"NOTIFY", SECCOMP_RET_USER_NOTIF}};
    char text[1024];
    for (size_t i = 0; i < sizeof ops / sizeof *ops; i++) {
        struct buf b = BUF_INIT;
        /* the mask goes first: 13 & 7 == 5 */
        bool mask = strcmp(ops[i].op, "MASKED_EQ") == 0;
        snprintf(text, sizeof text,
                 "{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"syscalls\":[{\"names\":[\"getpid\","
                 "\"no_such_call\"],\"action\":\"SCMP_ACT_ERRNO\",\"args\":[{\"index\":0,"
                 "\"value\":%d,\"valueTwo\":5,\"op\":\"SCMP_CMP_%s\"}]}]}",
                 mask ? 7 : 5, ops[i].op);
        CHECK(compile_text(text, &b) == 0);
        CHECK(ask(&b, SYS_getpid, ops[i].yes, 0, 0) == REFUSED(EPERM));
        CHECK(ask(&b, SYS_getpid, ops[i].no, 0, 0) == SECCOMP_RET_ALLOW);
        buf_free(&b);
    }
    for (size_t i = 0; i < sizeof acts / sizeof *acts; i++) {
        struct buf b = BUF_INIT;
        snprintf(text, sizeof text,
                 "{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"syscalls\":[{\"name\":\"getpid\","
                 "\"action\":\"SCMP_ACT_%s\"%s}]}",
                 acts[i].action, (acts[i].code & 0xffff) == 7 ? ",\"errnoRet\":7" : "");
        CHECK(compile_text(text, &b) == 0);
        CHECK(ask(&b, SYS_getpid, 0, 0, 0) == acts[i].code);
        buf_free(&b);
    }
}

static void test_bad_profiles(void)
{
    static const struct {
        const char *text, *says;
    } bad[] = {
        {"{", "malformed JSON"},
        {"{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"syscalls\":[{\"names\":[\"getpid\"],"
         "\"action\":\"SCMP_ACT_KILL\",\"errnoRet\":7}]}",
         "means nothing with action"},
        {"{}", "defaultAction is not set"},
        {"[]", "defaultAction is not set"},
        {"{\"defaultAction\":\"SCMP_ACT_SING\"}", "unknown action \"SCMP_ACT_SING\""},
        {"{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"architectures\":[\"SCMP_ARCH_Z80\"]}",
         "unknown architecture \"SCMP_ARCH_Z80\""},
        {"{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"syscalls\":[{\"names\":[\"read\"],\"action\":"
         "\"SCMP_ACT_KILL\",\"args\":[{\"index\":9,\"op\":\"SCMP_CMP_EQ\"}]}]}",
         "argument index is out of range"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct buf b = BUF_INIT;
        CHECK(compile_text(bad[i].text, &b) < 0 && strstr(e.msg, bad[i].says));
        buf_free(&b);
    }
    struct strv none = STRV_INIT;
    json_t *s = NULL;
    CHECK(seccomp_profile_resolve("/no/such", &none, &s, &e) < 0);
    CHECK(
        str_eq(e.msg, "opening seccomp profile failed: open /no/such: no such file or directory"));
}

static void test_cache(void)
{
    char dir[] = "/tmp/test-seccomp-XXXXXX", name[SECCOMP_NAME_SIZE], again[SECCOMP_NAME_SIZE];
    char nowhere[] = "/no/such";
    struct seccomp_wish w = {.profile = xstrdup(PROFILE)}, missing = {.profile = nowhere};
    struct timespec a, b;
    json_t *s = NULL;
    strv_split(&w.caps, "CAP_CHOWN,CAP_KILL", ',');
    CHECK(mkdtemp(dir) != NULL);
    int fd = at_open_dir(AT_FDCWD, dir);
    CHECK(seccomp_cached(fd, &w, name, &s, &e) == 0 && s);
    json_decref(s);
    clock_gettime(CLOCK_MONOTONIC, &a);
    for (int i = 0; i < 100; i++)
        CHECK(seccomp_cached(fd, &w, again, &s, &e) == 0 && !s);
    clock_gettime(CLOCK_MONOTONIC, &b);
    printf("# a hit takes %.1f us\n",
           ((double)(b.tv_sec - a.tv_sec) * 1e9 + (double)(b.tv_nsec - a.tv_nsec)) / 1e5);
    CHECK(str_eq(name, again));
    struct buf p = BUF_INIT, q = BUF_INIT, t = BUF_INIT;
    char file[80];
    snprintf(file, sizeof file, "%s.bpf", name);
    CHECK(at_read(fd, file, 1 << 20, &p) == 0);
    compile("CAP_CHOWN,CAP_KILL", &q);
    CHECK(p.len == q.len && memcmp(p.s, q.s, p.len) == 0);
    /* an emptied file is made anew */
    CHECK(at_write(fd, file, "", 0, 0600, AT_PLAIN) == 0);
    CHECK(seccomp_cached(fd, &w, again, &s, &e) == 0 && s && str_eq(name, again));
    json_decref(s);
    snprintf(file, sizeof file, "%s.json", name);
    CHECK(at_read(fd, file, 1 << 20, &t) == 0 && str_starts(t.s, "{\"defaultAction\":"));
    /* in single-id mode chown and the like are asked about, and nothing else is allowed */
    w.single = true;
    CHECK(seccomp_cached(fd, &w, again, &s, &e) == 0 && s && !str_eq(name, again));
    char *text = json_dumps(s, JSON_COMPACT);
    CHECK(strstr(text, "\"action\":\"SCMP_ACT_NOTIFY\"") && strstr(text, "\"setgroups\""));
    struct buf place = BUF_INIT;
    buf_adds(&place, text);
    seccomp_place_listener(&place, "/run/a\"b");
    CHECK(strstr(buf_str(&place), "\"listenerPath\":\"/run/a\\\"b\"") &&
          !strstr(buf_str(&place), SECCOMP_LISTENER));
    buf_free(&place);
    free(text);
    json_decref(s);
    w.single = false;
    strv_add(&w.caps, "CAP_SYS_ADMIN");
    CHECK(seccomp_cached(fd, &w, again, &s, &e) == 0 && s && !str_eq(name, again));
    json_decref(s);
    CHECK(seccomp_cached(fd, &missing, again, &s, &e) < 0 &&
          str_starts(e.msg, "opening seccomp profile failed"));
    buf_free(&p);
    buf_free(&q);
    buf_free(&t);
    seccomp_wish_free(&w);
    close(fd);
    rmtree(AT_FDCWD, dir);
}

/* ---- shorter programs ---- */

static const uint32_t archs[] = {SCMP_ARCH_X86_64, SCMP_ARCH_X86, SCMP_ARCH_X32, SCMP_ARCH_AARCH64};

/* Whatever a caller does, both say the same. */
static int agree(const struct buf *a, const struct buf *b)
{
    static const uint32_t asked[] = {AUDIT_ARCH_X86_64, AUDIT_ARCH_I386, AUDIT_ARCH_AARCH64, 0, 7};
    for (int i = 0; i < 20000; i++) {
        uint32_t nr = dice(8) ? (uint32_t)i / 8 % 512 : dice(UINT32_MAX);
        struct seccomp_data d = {.nr = (int)(dice(4) ? nr : nr | 0x40000000),
                                 .arch = asked[dice(sizeof asked / sizeof *asked)]};
        for (int k = 0; k < 6; k++)
            d.args[k] = dice(4) ? dice(3) : (uint64_t)dice(UINT32_MAX) << dice(33);
        if (run(a, &d) != run(b, &d))
            return 0;
    }
    return 1;
}

static void random_rules(scmp_filter_ctx ctx)
{
    static const uint32_t actions[] = {SCMP_ACT_ALLOW, SCMP_ACT_ERRNO(1), SCMP_ACT_ERRNO(38),
                                       SCMP_ACT_KILL_PROCESS, SCMP_ACT_NOTIFY};
    for (uint32_t i = 0, n = dice(400); i < n; i++) {
        struct scmp_arg_cmp c = {.arg = dice(6),
                                 .op = (enum scmp_compare)(1 + dice(7)),
                                 .datum_a = dice(4),
                                 .datum_b = dice(4)};
        (void)seccomp_rule_add_array(ctx, actions[dice(5)], (int)dice(450), dice(5) == 0, &c);
    }
}

static void exported(scmp_filter_ctx ctx, struct buf *ret)
{
    int fd = memfd_create("program", MFD_CLOEXEC);
    CHECK(fd >= 0 && seccomp_export_bpf(ctx, fd) == 0 && lseek(fd, 0, SEEK_SET) == 0);
    CHECK(fd_read_all(fd, 1 << 20, ret) == 0);
    close(fd);
}

static void test_shrink(void)
{
    for (int round = 0; round < 150; round++) {
        struct buf was = BUF_INIT, is = BUF_INIT;
        scmp_filter_ctx ctx = seccomp_init(dice(2) ? SCMP_ACT_ALLOW : SCMP_ACT_ERRNO(38));
        for (int i = 0; i < 4; i++)
            if (dice(2))
                (void)seccomp_arch_add(ctx, archs[i]);
        (void)seccomp_attr_set(ctx, SCMP_FLTATR_CTL_OPTIMIZE, 1 + dice(2));
        random_rules(ctx);
        exported(ctx, &was);
        buf_add(&is, was.s, was.len);
        seccomp_shrink(&is);
        CHECK(is.len <= was.len && agree(&was, &is));
        seccomp_release(ctx);
        buf_free(&was);
        buf_free(&is);
    }
    struct buf shipped = BUF_INIT;
    compile("CAP_CHOWN", &shipped);
    CHECK(shipped.len / sizeof(struct sock_filter) < 500);
    buf_free(&shipped);
}

/* Programs that no compiler writes: they stay, or go on to say the same. */
static void test_shrink_anything(void)
{
    static const uint16_t codes[] = {BPF_LD | BPF_W | BPF_ABS,   BPF_JMP | BPF_JEQ | BPF_K,
                                     BPF_JMP | BPF_JGE | BPF_K,  BPF_JMP | BPF_JGT | BPF_K,
                                     BPF_JMP | BPF_JEQ | BPF_K,  BPF_RET | BPF_K,
                                     BPF_JMP | BPF_JA,           BPF_JMP | BPF_JEQ | BPF_K,
                                     BPF_JMP | BPF_JSET | BPF_K, BPF_ALU | BPF_AND | BPF_K};
    for (int round = 0; round < 3000; round++) {
        struct buf was = BUF_INIT, is = BUF_INIT;
        uint32_t n = 1 + dice(60), kinds = dice(8) ? 8 : 10;
        for (uint32_t i = 0; i < n; i++) {
            struct sock_filter f = {
                .code = codes[dice(kinds)], .jt = (uint8_t)dice(n - i), .k = dice(9)};
            f.jf = (uint8_t)dice(n - i);
            if (f.code == (BPF_LD | BPF_W | BPF_ABS))
                f.k = dice(4) ? 4 * dice(2) : 4 * dice(16);
            if (i + 1 == n && dice(9))
                f.code = BPF_RET | BPF_K;
            buf_add(&was, &f, sizeof f);
        }
        buf_add(&is, was.s, was.len);
        seccomp_shrink(&is);
        CHECK(is.len <= was.len);
        for (int i = 0; is.len < was.len && i < 300; i++) {
            struct seccomp_data d = {
                .nr = (int)dice(12), .arch = dice(12), .args = {dice(3), dice(3)}};
            CHECK(run(&was, &d) == run(&is, &d));
        }
        buf_free(&was);
        buf_free(&is);
    }
}

int main(void)
{
    test_verdicts();
    test_shrink();
    test_shrink_anything();
    CHECK(in_child(child, "CAP_CHOWN") == 0);
    CHECK(in_child(child_with_cap, "CAP_SYS_ADMIN") == 0);
    test_all_words();
    test_bad_profiles();
    test_cache();
    if (!failures)
        printf("ok\n");
    return failures != 0;
}
