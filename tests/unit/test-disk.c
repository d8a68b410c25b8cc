/* Floor 1: what a helper answers, as it is written and read. */
#include "check.h"
#include "disk/report.h"
#include "plain/fdio.h"

#include <fcntl.h>
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

int main(void)
{
    test_report();
    return check_end();
}
