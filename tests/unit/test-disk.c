/* Floor 1: whole reads; what a helper answers, as it is written and read; who is alive. */
#include "check.h"
#include "disk/at.h"
#include "disk/nursery.h"
#include "disk/owners.h"
#include "disk/proc.h"
#include "disk/report.h"
#include "disk/rmtree.h"
#include "plain/fdio.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

static void test_report(void)
{
    struct err said = ERR_INIT, heard = ERR_INIT;
    char value[16];
    int p[2];
    if (pipe2(p, O_CLOEXEC) < 0 || (p[0] = fd_move_up(p[0], 10)) < 0 ||
        (p[1] = fd_move_up(p[1], 10)) < 0 || dup2(p[1], REPORT_FD) < 0)
        return;
    err_set(&said, 126, "a\tsentence");
    err_hint(&said, "type:\none\ntwo");
    report_err(&said);
    CHECK("an error", report_read(p[0], "helper", NULL, 0, &heard) < 0 && heard.code == 126);
    CHECK_STR("its sentence", heard.msg, "a sentence");
    CHECK_STR("its hint, all lines", heard.hint, "type:\none\ntwo");
    report_ok("42");
    CHECK("a value", report_read(p[0], "helper", value, sizeof value, &heard) == 0);
    CHECK_STR("which", value, "42");
    close(p[1]);
    close(REPORT_FD);
    CHECK("silence is an error", report_read(p[0], "helper", NULL, 0, &heard) < 0);
    CHECK_STR("and said", heard.msg, "helper: ended without an answer");
}

static void test_create(void)
{
    char dir[] = "/tmp/test-disk.XXXXXX";
    cleanup(buf_free) struct buf b = BUF_INIT;
    if (!mkdtemp(dir))
        return;
    cleanup_fd int fd = at_open_dir(AT_FDCWD, dir);
    CHECK("a new file", at_create(fd, "new", "text", 4, 0600) == 0);
    CHECK("read", at_read(fd, "new", 9, &b) == 0);
    CHECK_STR("what", buf_str(&b), "text");
    CHECK("not twice", at_create(fd, "new", "other", 5, 0600) < 0 && errno == EEXIST);
    CHECK("it stays", at_exists(fd, "new"));
    struct rlimit before, none = {0};
    signal(SIGXFSZ, SIG_IGN);
    getrlimit(RLIMIT_FSIZE, &before);
    none.rlim_max = before.rlim_max;
    setrlimit(RLIMIT_FSIZE, &none);
    CHECK("no room", at_create(fd, "large", "text", 4, 0600) < 0 && errno == EFBIG);
    setrlimit(RLIMIT_FSIZE, &before);
    CHECK("nothing is left", !at_exists(fd, "large"));
    unlinkat(fd, "new", 0);
    rmdir(dir);
}

static void test_read(void)
{
    char path[] = "/tmp/test-disk.XXXXXX";
    int fd = mkstemp(path);
    cleanup(buf_free) struct buf b = BUF_INIT;
    CHECK("empty", at_read(AT_FDCWD, path, 100, &b) == 0 && b.len == 0);
    CHECK("written", fd >= 0 && fd_write_all(fd, "0123456789", 10) == 0);
    buf_adds(&b, "before ");
    CHECK("appended", at_read(AT_FDCWD, path, 10, &b) == 0 && b.len == 17);
    CHECK_STR("what", buf_str(&b), "before 0123456789");
    CHECK("too much", at_read(AT_FDCWD, path, 9, &b) < 0 && errno == EFBIG);
    buf_clear(&b);
    CHECK("a size of 0 that is none", at_read(AT_FDCWD, "/proc/self/maps", 1 << 20, &b) == 0);
    CHECK("the whole of it", b.len > 200 && b.s[b.len - 1] == '\n');
    CHECK("none", at_read(AT_FDCWD, "/nonexistent", 9, &b) < 0 && errno == ENOENT);
    close(fd);
    unlink(path);
}

static void test_birth(void)
{
    pid_t pid = fork();
    if (pid == 0)
        _exit(0);
    siginfo_t info;
    CHECK("ours", proc_birth(getpid()) > 0);
    CHECK("ended", waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT) == 0);
    CHECK("not reaped yet", proc_birth(pid) == 0);
    waitpid(pid, NULL, 0);
    CHECK("gone", proc_birth(pid) == 0);
    CHECK("somebody else's", proc_birth(1) > 0);
}

/* The attribute as umoci and PRoot write it, and as nobody should. */
static void test_owner(void)
{
    char path[] = "./test-owner.XXXXXX";
    static const struct {
        const char *bytes;
        size_t n;
        bool good;
        uint32_t uid, gid;
    } known[] = {
        {"\x08\x05\x10\x06", 4, true, 5, 6},
        {"\x10\x06\x08\x05", 4, true, 5, 6},
        {"\x08\xff\xff\xff\xff\x0f\x10\x80\x01", 9, true, OWNER_SAME, 128},
        {"\x18\x07\x08\x21", 4, true, 33, 0}, /* a field of later versions */
        {"", 0, true, 0, 0},
        {"\x08", 1, false, 0, 0},
        {"\x08\x80", 2, false, 0, 0},
        {"\x08\xff\xff\xff\xff\x1f", 6, false, 0, 0}, /* more than 32 bits */
        {"\x0a\x01x", 3, false, 0, 0},
        {"\x08\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80", 12, false, 0, 0},
    };
    struct owner o;
    int fd = mkstemp(path);
    if (fsetxattr(fd, OWNER_XATTR, "", 0, 0) < 0) {
        puts("ok - owners # SKIP no such attributes here");
    } else {
        for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
            o = (struct owner){0, 0};
            fsetxattr(fd, OWNER_XATTR, known[i].bytes, known[i].n, 0);
            bool good = owner_read(fd, &o);
            CHECK("an owner's bytes",
                  good == known[i].good && o.uid == known[i].uid && o.gid == known[i].gid);
        }
        const struct owner all[] = {{1, 0}, {0, 1}, {127, 128}, {UINT32_MAX - 1, 16384}};
        for (size_t i = 0; i < sizeof all / sizeof *all; i++)
            CHECK("written and read", owner_write(fd, all[i]) == 0 && owner_read(fd, &o) &&
                                          o.uid == all[i].uid && o.gid == all[i].gid);
        CHECK("root's is none", owner_write(fd, (struct owner){0, 0}) == 0 && !owner_read(fd, &o) &&
                                    owner_write(fd, (struct owner){0, 0}) == 0);
    }
    close(fd);
    unlink(path);
}

static bool knows(const struct owners *o, uint64_t ino, long long sec, uint32_t uid, uint32_t gid)
{
    const struct owners_key k = {.ino = ino, .born.tv_sec = (time_t)sec};
    struct owner is;
    return owners_find(o, &k, &is) && is.uid == uid && is.gid == gid;
}

/* What lies beside a tree, whole, cut off and damaged; and numbers that are used again. */
static void test_owners(void)
{
    static const char text[] = "1 100.000000000 5:6\n2 100.000000000 7:7\n2 100.000000000 8:9\n"
                               "\n 4\n4 100.0 5\n4 100.000000000 5:6:7\nx 1.0 1:1\n"
                               "\0\0\0 4 100.000000000 5:6\n5 100.000000000 4294967295:0\n"
                               "6 100.000000000 1:1";
    char path[] = "/tmp/test-owners.XXXXXX";
    int dir = at_open_dir(AT_FDCWD, mkdtemp(path));
    struct owners o = {0}, again = {0};
    struct owners_key k, made;
    struct owner is;
    CHECK("none yet", owners_read(&o, dir, OWNERS_FILE) == 0 && !knows(&o, 1, 100, 5, 6));
    at_write(dir, OWNERS_FILE, text, sizeof text - 1, 0600, AT_PLAIN);
    CHECK("read", owners_read(&o, dir, OWNERS_FILE) == 0);
    CHECK("of the same age, or older", knows(&o, 1, 100, 5, 6) && knows(&o, 1, 99, 5, 6));
    CHECK("a younger file is another", !knows(&o, 1, 101, 5, 6));
    CHECK("the last line counts", knows(&o, 2, 100, 8, 9));
    CHECK("damaged lines say nothing", !knows(&o, 4, 1, 5, 6) && !knows(&o, 0, 0, 0, 0));
    CHECK("those behind them do", knows(&o, 5, 100, OWNER_SAME, 0));
    CHECK("a line without an end is none", !knows(&o, 6, 1, 1, 1));

    int file = owners_open(dir, OWNERS_FILE);
    CHECK("a link", symlinkat("x", dir, "l") == 0 && owners_key(dir, "l", &k) == 0 && k.ino != 0);
    CHECK("added behind the cut-off line", owners_add(file, &k, (struct owner){33, 34}) == 0 &&
                                               owners_read(&again, dir, OWNERS_FILE) == 0 &&
                                               owners_find(&again, &k, &is) && is.uid == 33 &&
                                               is.gid == 34);
    CHECK("the target's is not the link's",
          symlinkat(OWNERS_FILE, dir, "m") == 0 && owners_key(dir, "m", &made) == 0 &&
              made.ino != k.ino && !owners_find(&again, &made, &is));
    CHECK("not through a link", owners_open(dir, "m") < 0 && owners_read(&again, dir, "m") < 0);
    owners_free(&o);
    owners_free(&again);
    close(file);
    unlinkat(dir, "l", 0);
    unlinkat(dir, "m", 0);
    unlinkat(dir, OWNERS_FILE, 0);
    close(dir);
    rmdir(path);
}

/* The topmost layer that has a file is the one whose owner counts. */
static void test_owners_layers(void)
{
    char path[] = "/tmp/test-owners.XXXXXX";
    int dir = at_open_dir(AT_FDCWD, mkdtemp(path));
    struct owners_layers l = {0};
    struct owners_key k;
    static const char *const names[] = {"a", "b", "c"};
    at_mkdirs(dir, "a/diff/d", 0755);
    at_mkdirs(dir, "b/diff/d", 0755);
    CHECK("links", symlinkat("x", dir, "a/diff/d/both") == 0 &&
                       symlinkat("x", dir, "b/diff/d/both") == 0 &&
                       symlinkat("x", dir, "b/diff/d/below") == 0 &&
                       symlinkat("/../..", dir, "b/diff/out") == 0);
    for (size_t i = 0; i < 3; i++) {
        char top[64];
        snprintf(top, sizeof top, "%s/%s/diff", path, names[i]);
        owners_layers_add(&l, top);
    }
    CHECK("a layer that is not there has nothing", owners_layers_open(&l) == 0);
    CHECK("the topmost", owners_layers_at(&l, "/d/both", &k) == &l.v[0]);
    CHECK("the one below", owners_layers_at(&l, "/d/below", &k) == &l.v[1]);
    CHECK("none", !owners_layers_at(&l, "/d/none", &k));
    CHECK("nothing outside", !owners_layers_at(&l, "/out/a/diff/d/both", &k));
    CHECK("taken away", rmtree(AT_FDCWD, path) == 0);
    for (size_t i = 0; i < 3; i++)
        if (l.v[i].top >= 0)
            close(l.v[i].top);
    close(dir);
}

/* Where it began is told by the inode number, not by any name. */
static void test_nursery(void)
{
    char path[] = "/tmp/test-disk.XXXXXX";
    int own = at_open_dir(AT_FDCWD, mkdtemp(path));
    struct stat st;
    CHECK("no parent, no directory", nursery_mkdir(own, "away/a", 0700) < 0 && errno == ENOENT);
    CHECK("and nothing left of it", nursery_sweep(own) == 0);
    mkdirat(own, "to", 0700);
    CHECK("made", nursery_mkdir(own, "to/a", 0750) == 0);
    CHECK("where it was wanted",
          fstatat(own, "to/a", &st, 0) == 0 && S_ISDIR(st.st_mode) && (st.st_mode & 07777) == 0750);
    mkdirat(own, "to/a/full", 0700);
    CHECK("not over another", nursery_mkdir(own, "to/a", 0700) < 0);
    mkdirat(own, "nursery/5/dead", 0700);
    mkdirat(own, "nursery/0/dead", 0700);
    CHECK("what is left in them goes", nursery_sweep(own) == 2 && nursery_sweep(own) == 0);
    rmtree(AT_FDCWD, path);
    mkdir(path, 0700);
    close(own);
    own = at_open_dir(AT_FDCWD, path);
    mkdirat(own, "to", 0700);
    close(openat(own, "nursery", O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
    CHECK("no room for nurseries", nursery_mkdir(own, "to/b", 0700) == 0 && at_exists(own, "to/b"));
    close(own);
    rmtree(AT_FDCWD, path);
}

int main(void)
{
    test_nursery();
    test_owner();
    test_owners();
    test_owners_layers();
    test_create();
    test_read();
    test_birth();
    test_report();
    return check_end();
}
