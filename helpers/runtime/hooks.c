#include "rt.h"

#include "plain/buf.h"
#include "plain/fdio.h"
#include "plain/str.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define MAX_WORDS 65536

static const json_t *hooks_of(const struct rt *rt, const char *stage)
{
    return json_object_get(json_object_get(rt->spec, "hooks"), stage);
}

bool hooks_any(const struct rt *rt, const char *stage)
{
    return stage ? json_array_size(hooks_of(rt, stage)) > 0
                 : json_object_size(json_object_get(rt->spec, "hooks")) > 0;
}

static void hook_child(const json_t *hook, int in, int err)
{
    cleanup(strv_free) struct strv argv = STRV_INIT, env = STRV_INIT;
    static char *none[] = {NULL};
    const char *path = jx_str(hook, "path");
    jx_strv(hook, "args", &argv);
    jx_strv(hook, "env", &env);
    if (!argv.n)
        strv_add(&argv, path);
    dup2(in, 0);
    if (err >= 0)
        dup2(err, 2);
    fd_close_from(3, NULL, 0);
    execve(path, argv.v, env.v ? env.v : json_object_get(hook, "env") ? none : environ);
    _exit(127);
}

static int wait_until(pid_t pid, int seconds, const char *path, struct err *e)
{
    int st;
    cleanup_fd int pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
    struct pollfd p = {.fd = pidfd, .events = POLLIN};
    if (seconds > 0 && poll(&p, 1, seconds * 1000) == 0) {
        kill(pid, SIGKILL);
        waitpid(pid, &st, 0);
        return err_set(e, 0, "hook \"%s\" did not end within %d s", path, seconds);
    }
    while (waitpid(pid, &st, 0) < 0)
        if (errno != EINTR)
            return err_sys(e, "cannot wait for hook \"%s\"", path);
    if (WIFEXITED(st) && WEXITSTATUS(st) == 0)
        return 0;
    return err_set(e, 0, "hook \"%s\" failed: %s %d", path, WIFEXITED(st) ? "exit code" : "signal",
                   WIFEXITED(st) ? WEXITSTATUS(st) : WTERMSIG(st));
}

/*
 * What a hook wrote to its standard error goes to ours, which nobody may see: so a failure has its
 * last line in the sentence as well.
 */
static void tell_words(int fd, struct err *failed)
{
    cleanup(buf_free) struct buf b = BUF_INIT;
    if (fd < 0 || lseek(fd, 0, SEEK_SET) < 0 || fd_read_all(fd, MAX_WORDS, &b) < 0 || !b.len)
        return;
    (void)fd_write_all(2, b.s, b.len);
    while (b.len && (b.s[b.len - 1] == '\n' || b.s[b.len - 1] == '\r'))
        b.s[--b.len] = '\0';
    const char *last = strrchr(b.s, '\n') ? strrchr(b.s, '\n') + 1 : b.s;
    if (!failed || !*last)
        return;
    cleanup_free char *sentence = xstrdup(failed->msg);
    err_set(failed, failed->code, "%s: %.400s", sentence, last);
}

static int run_one(const json_t *hook, const char *state, struct err *e)
{
    const char *path = jx_str(hook, "path");
    int p[2];
    if (path[0] != '/')
        return err_set(e, 0, "hook path \"%s\" is not absolute", path);
    if (pipe2(p, O_CLOEXEC) < 0)
        return err_sys(e, "cannot make a pipe");
    cleanup_fd int words = memfd_create("hook", MFD_CLOEXEC);
    pid_t pid = fork();
    if (pid == 0)
        hook_child(hook, p[0], words);
    close(p[0]);
    if (pid < 0) {
        close(p[1]);
        return err_sys(e, "cannot fork");
    }
    /* a hook that does not read its input is none of our business */
    signal(SIGPIPE, SIG_IGN);
    (void)fd_write_all(p[1], state, strlen(state));
    close(p[1]);
    int res = wait_until(pid, (int)jx_int(hook, "timeout", 0), path, e);
    tell_words(words, res < 0 ? e : NULL);
    return res;
}

static char *state_text(const struct rt *rt, pid_t pid, const char *status)
{
    struct state s = {.pid = pid, .bundle = (char *)(uintptr_t)rt->bundle, .rootfs = rt->rootfs};
    json_t *annotations = json_object_get(rt->spec, "annotations");
    s.annotations = json_object_size(annotations) ? annotations : NULL;
    cleanup_json o = state_json(rt, &s, status);
    char *text = json_dumps(o, JSON_COMPACT);
    return text ? text : xstrdup("{}");
}

int hooks_run(const struct rt *rt, const char *stage, pid_t pid, const char *status, struct err *e)
{
    const json_t *hook;
    size_t i;
    if (!hooks_any(rt, stage))
        return 0;
    cleanup_free char *text = state_text(rt, pid, status);
    json_array_foreach(hooks_of(rt, stage), i, hook)
    {
        if (run_one(hook, text, e) < 0)
            return err_prefix(e, "%s", stage);
    }
    return 0;
}

void hooks_late(const struct rt *rt, const char *stage, pid_t pid, const char *status)
{
    const json_t *hook;
    size_t i;
    if (!hooks_any(rt, stage))
        return;
    cleanup_free char *text = state_text(rt, pid, status);
    json_array_foreach(hooks_of(rt, stage), i, hook)
    {
        struct err e = ERR_INIT;
        if (run_one(hook, text, &e) < 0)
            fprintf(stderr, "Warning: %s: %s\n", stage, e.msg);
    }
}
