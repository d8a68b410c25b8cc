/* Hooks that may change the configuration itself, before any runtime has seen it. */
#include "things/hooks.h"

#include "plain/fdio.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define MAX_CONFIG (16 << 20)

static void run_child(const json_t *hook, int in, int out)
{
    cleanup(strv_free) struct strv argv = STRV_INIT, env = STRV_INIT;
    static char *none[] = {NULL};
    const char *path = jx_str(hook, "path");
    jx_strv(hook, "args", &argv);
    jx_strv(hook, "env", &env);
    if (!argv.n)
        strv_add(&argv, path);
    setpgid(0, 0); /* what it starts ends with it, when it takes too long */
    dup2(in, 0);
    dup2(out, 1);
    fd_close_from(3, NULL, 0);
    execve(path, argv.v, env.n ? env.v : none);
    _exit(127);
}

static int64_t now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* All it writes, until it closes its output; 1 when the time was up. */
static int collect(int fd, int64_t timeout_s, struct buf *b)
{
    int64_t until = timeout_s > 0 ? now_ms() + timeout_s * 1000 : INT64_MAX;
    for (;;) {
        struct pollfd p = {.fd = fd, .events = POLLIN};
        int64_t left = until == INT64_MAX ? 3600000 : until - now_ms();
        if (left <= 0)
            return 1;
        if (poll(&p, 1, (int)(left > 3600000 ? 3600000 : left)) <= 0)
            continue;
        buf_reserve(b, 65536);
        ssize_t n = read(fd, b->s + b->len, 65536);
        if (n <= 0)
            return n < 0 && errno != EINTR ? -1 : 0;
        b->len += (size_t)n;
        b->s[b->len] = '\0';
        if (b->len > MAX_CONFIG)
            return -1;
    }
}

static int run_one(const json_t *hook, const char *text, struct buf *answer, struct err *e)
{
    const char *path = jx_str(hook, "path");
    int p[2], status = 0;
    cleanup_fd int in = memfd_create("config", MFD_CLOEXEC);
    if (in < 0 || fd_write_all(in, text, strlen(text)) < 0 || lseek(in, 0, SEEK_SET) < 0 ||
        pipe2(p, O_CLOEXEC) < 0)
        return err_sys(e, "cannot run hook \"%s\"", path);
    pid_t pid = fork();
    if (pid == 0)
        run_child(hook, in, p[1]);
    close(p[1]);
    int res = pid < 0 ? -1 : collect(p[0], jx_int(hook, "timeout", 0), answer);
    close(p[0]);
    if (pid > 0 && res != 0) {
        kill(-pid, SIGKILL);
        kill(pid, SIGKILL);
    }
    while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    if (res > 0)
        return err_set(e, 0, "precreate hook \"%s\" did not end within %lld s", path,
                       (long long)jx_int(hook, "timeout", 0));
    if (res < 0)
        return err_set(e, 0, "precreate hook \"%s\" could not be run, or says too much", path);
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
        return err_set(e, 0, "precreate hook \"%s\" failed: %s %d", path,
                       WIFEXITED(status) ? "exit code" : "signal",
                       WIFEXITED(status) ? WEXITSTATUS(status) : WTERMSIG(status));
    return 0;
}

int hooks_precreate(const json_t *hooks, json_t **spec, struct err *e)
{
    const json_t *hook;
    size_t i;
    json_array_foreach(hooks, i, hook)
    {
        cleanup(buf_free) struct buf answer = BUF_INIT;
        cleanup_free char *text = json_dumps(*spec, JSON_COMPACT);
        json_t *changed = NULL;
        if (!text)
            return err_set(e, 0, "the container's configuration is not UTF-8");
        if (run_one(hook, text, &answer, e) < 0)
            return -1;
        cleanup_free char *what = xasprintf("what hook \"%s\" answered", jx_str(hook, "path"));
        if (jx_parse(what, buf_str(&answer), answer.len, &changed, e) < 0)
            return -1;
        json_decref(*spec);
        *spec = changed;
    }
    return 0;
}
