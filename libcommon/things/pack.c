#include "things/pack.h"

#include "things/spawn.h"

#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

int pack_output(const char *file, int *ret_fd, struct err *e)
{
    *ret_fd = SPAWN_INHERIT;
    if ((!file || strcmp(file, "-") == 0) && isatty(1))
        return err_set(e, 0, "refusing to export to terminal. Use -o flag or redirect");
    if (!file || strcmp(file, "-") == 0)
        return 0;
    *ret_fd = open(file, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    return *ret_fd < 0 ? err_sys(e, "cannot write \"%s\"", file) : 0;
}

int pack_tree(struct strv *line, const char *dir, int out, struct err *e)
{
    pid_t pid;
    strv_add(line, dir);
    const struct spawn s = {
        .argv = line->v, .in = -1, .out = out, .err = SPAWN_INHERIT, .report = -1};
    if (spawn(&s, &pid, e) < 0)
        return -1;
    int code = spawn_wait(pid);
    if (code == 0)
        return 0;
    return err_set(e, code == 128 + SIGPIPE ? code : 0, "cannot pack \"%s\"", dir);
}

/* ---- through a pipe ---- */

int pack_start(const struct strv *line, int out, pid_t *ret, int *ret_report, struct err *e)
{
    int report[2];
    if (pipe2(report, O_CLOEXEC) < 0)
        return err_sys(e, "cannot make a pipe");
    const struct spawn s = {.argv = line->v, .in = -1, .out = out, .err = -1, .report = report[1]};
    int r = spawn(&s, ret, e);
    close(report[1]);
    *ret_report = report[0];
    return r;
}

int pack_end(pid_t pid, int report, bool *ret_unread, struct err *e)
{
    struct err why = ERR_INIT;
    int r = report_read(report, "pod-pack", NULL, 0, &why);
    close(report);
    int code = spawn_wait(pid);
    *ret_unread = code == 128 + SIGPIPE;
    if (code == 0 && r == 0)
        return 0;
    *e = why;
    return why.msg[0] ? -1 : err_set(e, 0, "pod-pack failed with code %d", code);
}

/* When the reader failed, the writer's broken pipe is no news. */
int pack_through(const struct strv *pack, const struct strv *unpack, char *answer, size_t size,
                 struct err *e)
{
    struct err why = ERR_INIT;
    int pipes[2], report;
    bool unread;
    pid_t pid;
    if (pipe2(pipes, O_CLOEXEC) < 0)
        return err_sys(e, "cannot make a pipe");
    int r = pack_start(pack, pipes[1], &pid, &report, e);
    close(pipes[1]);
    if (r < 0) {
        close(pipes[0]);
        return -1;
    }
    struct spawn s = {.argv = unpack->v, .in = pipes[0], .out = -1, .err = -1, .report = -1};
    r = spawn_and_report(&s, "pod-unpack", answer, size, &why);
    close(pipes[0]);
    if (pack_end(pid, report, &unread, e) < 0 && !(r < 0 && unread))
        return -1;
    if (r < 0)
        *e = why;
    return r;
}
