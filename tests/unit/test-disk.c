/* Floor 1: whole reads; what a helper answers, as it is written and read; who is alive. */
#include "check.h"
#include "disk/at.h"
#include "disk/proc.h"
#include "disk/report.h"
#include "plain/fdio.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/wait.h>
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

int main(void)
{
    test_read();
    test_birth();
    test_report();
    return check_end();
}
