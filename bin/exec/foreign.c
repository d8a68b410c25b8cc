/*
 * exec by a runtime that is not ours. It starts the command detached and goes (runc does not
 * hand a terminal over otherwise); the command is then a child of ours, its code the answer. Why
 * one could not be started is the last message of the log we gave it.
 */
#include "exec.h"

#include "disk/at.h"
#include "plain/fdio.h"
#include "things/spawn.h"
#include "words/json.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/prctl.h>
#include <unistd.h>

#define MAX_LOG (1 << 20)

static pid_t command;

static void pass_on(int sig)
{
    if (command > 0)
        kill(command, sig);
}

static char *last_message(const char *log)
{
    cleanup(buf_free) struct buf b = BUF_INIT;
    cleanup(strv_free) struct strv lines = STRV_INIT;
    char *last = NULL;
    if (at_read(AT_FDCWD, log, MAX_LOG, &b) < 0)
        return NULL;
    strv_split(&lines, buf_str(&b), '\n');
    for (size_t i = 0; i < lines.n; i++) {
        cleanup_json o = json_loads(lines.v[i], 0, NULL);
        if (*jx_str(o, "msg")) {
            free(last);
            last = xstrdup(jx_str(o, "msg"));
        }
    }
    return last;
}

/* Podman tells 126 and 127 from the runtime's words. */
static int failed(const char *log, int status, struct err *e)
{
    cleanup_free char *why = last_message(log);
    if (!why)
        return err_set(e, 0, "the OCI runtime ended with exit code %d and gave no reason", status);
    if (strcasestr(why, "permission denied") || strcasestr(why, "not permitted") ||
        strcasestr(why, "is a directory"))
        return err_set(e, 126, "%s: OCI permission denied", why);
    if (strcasestr(why, "not found") || strcasestr(why, "no such file or directory"))
        return err_set(e, 127, "%s: OCI runtime attempted to invoke a command that was not found",
                       why);
    return err_set(e, 0, "%s", why);
}

int exec_foreign_start(char *const *argv, const struct exec_foreign *f, int keep, bool std,
                       pid_t *ret, struct err *e)
{
    pid_t pid;
    int how = std ? SPAWN_INHERIT : -1;
    struct spawn sp = {.argv = argv,
                       .in = f->in,
                       .out = how,
                       .err = how,
                       .report = -1,
                       .keep = &keep,
                       .nkeep = 1,
                       .preserve = f->preserve};
    prctl(PR_SET_CHILD_SUBREAPER, 1);
    if (spawn(&sp, &pid, e) < 0)
        return -1;
    int status = spawn_wait(pid);
    cleanup(buf_free) struct buf b = BUF_INIT;
    if (status != 0 || at_read(AT_FDCWD, f->pid_file, 32, &b) < 0)
        return failed(f->log, status, e);
    *ret = (pid_t)strtol(buf_str(&b), NULL, 10);
    return *ret > 0 ? 0 : failed(f->log, status, e);
}

int exec_foreign_wait(pid_t pid)
{
    static const int passed[] = {SIGTERM, SIGINT, SIGHUP, SIGQUIT, SIGUSR1, SIGUSR2};
    command = pid;
    for (size_t i = 0; i < sizeof passed / sizeof *passed; i++) {
        struct sigaction sa = {.sa_handler = pass_on, .sa_flags = SA_RESTART};
        sigaction(passed[i], &sa, NULL);
    }
    return spawn_wait(pid);
}

void exec_foreign_open(struct exec_foreign *f, const char *dir, const struct exec_opts *o)
{
    char name[32];
    at_temp_name(name, sizeof name, "x");
    f->pid_file = xasprintf("%s/%s.pid", dir, name);
    f->log = xasprintf("%s/%s.log", dir, name);
    f->in = o->interactive && !o->detach ? SPAWN_INHERIT : -1;
}

void exec_foreign_close(struct exec_foreign *f)
{
    if (f->pid_file)
        unlink(f->pid_file);
    if (f->log)
        unlink(f->log);
    free(f->pid_file);
    free(f->log);
    *f = (struct exec_foreign){0};
}
