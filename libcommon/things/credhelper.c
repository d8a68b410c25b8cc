#include "things/auth.h"

#include "plain/buf.h"
#include "plain/fdio.h"
#include "plain/str.h"
#include "things/spawn.h"
#include "words/json.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { WAIT_MS = 60 * 1000, MAX_ANSWER = 1 << 20 };

static bool name_ok(const char *s)
{
    size_t n = strspn(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-");
    return n > 0 && s[n] == '\0' && n < 100;
}

/* Everything the helper says, or -1 with errno (ETIMEDOUT). */
static int read_answer(int fd, struct buf *b)
{
    struct pollfd p = {.fd = fd, .events = POLLIN};
    for (;;) {
        int r = poll(&p, 1, WAIT_MS);
        if (r < 0 && errno == EINTR)
            continue;
        if (r <= 0) {
            errno = r == 0 ? ETIMEDOUT : errno;
            return -1;
        }
        buf_reserve(b, 4096);
        ssize_t n = read(fd, b->s + b->len, b->cap - b->len - 1);
        if (n <= 0)
            return (int)n;
        b->len += (size_t)n;
        b->s[b->len] = '\0';
        if (b->len > MAX_ANSWER) {
            errno = EFBIG;
            return -1;
        }
    }
}

static int parse_answer(const char *prog, const struct buf *b, struct creds *ret, struct err *e)
{
    json_t *o = NULL;
    if (jx_parse(prog, buf_str(b), b->len, &o, e) < 0)
        return -1;
    const char *user = jx_str(o, "Username"), *secret = jx_str(o, "Secret");
    struct creds c = CREDS_INIT;
    if (strcmp(user, "<token>") == 0) {
        c.identity_token = xstrdup(secret);
    } else if (*secret) {
        c.user = xstrdup(user);
        c.password = xstrdup(secret);
    }
    json_decref(o);
    *ret = c;
    return 0;
}

/* Starts prog with host on its input; *ret_out is its output. */
static int start(const char *prog, const char *host, pid_t *ret_pid, int *ret_out, struct err *e)
{
    int in[2], out[2];
    if (pipe2(in, O_CLOEXEC) < 0)
        return err_sys(e, "cannot make a pipe");
    if (pipe2(out, O_CLOEXEC) < 0) {
        close(in[0]);
        close(in[1]);
        return err_sys(e, "cannot make a pipe");
    }
    char *argv[] = {(char *)(uintptr_t)prog, (char[]){"get"}, NULL};
    struct spawn s = {.argv = argv, .in = in[0], .out = out[1], .err = SPAWN_INHERIT, .report = -1};
    /* a host name always fits into the pipe, so nobody need read yet */
    bool fed = fd_write_all(in[1], host, strlen(host)) == 0;
    int r = fed ? spawn(&s, ret_pid, e) : err_sys(e, "cannot write to a pipe");
    close(in[0]);
    close(in[1]);
    close(out[1]);
    if (r < 0)
        close(out[0]);
    else
        *ret_out = out[0];
    return r;
}

int auth_from_helper(const char *name, const char *host, struct creds *ret, struct err *e)
{
    pid_t pid;
    cleanup_fd int out = -1;
    if (!name_ok(name))
        return err_set(e, 0, "invalid name of a credential helper");
    cleanup_free char *prog = xasprintf("docker-credential-%s", name);
    if (start(prog, host, &pid, &out, e) < 0)
        return -1;
    cleanup(buf_free) struct buf b = BUF_INIT;
    int r = read_answer(out, &b), why = errno;
    if (r < 0)
        kill(pid, SIGTERM);
    int code = spawn_wait(pid);
    errno = why;
    if (r < 0) {
        r = err_sys(e, "%s: no answer for \"%s\"", prog, host);
    } else if (code == 126 || code == 127) {
        err_set(e, 0, "cannot run credential helper \"%s\" for \"%s\"", prog, host);
        r = err_hint(e, "Install it, or take it out of credHelpers and credsStore in auth.json");
    } else if (code != 0) {
        /* «credentials not found in native keychain» is an answer, not a failure */
        r = strstr(buf_str(&b), "not found")
                ? 0
                : err_set(e, 0, "%s: exit code %d for \"%s\"", prog, code, host);
    } else {
        r = parse_answer(prog, &b, ret, e);
    }
    if (b.s)
        explicit_bzero(b.s, b.len);
    return r;
}
