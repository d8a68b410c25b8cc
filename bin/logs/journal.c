#include "logs/journal.h"

#include "plain/fdio.h"
#include "things/spawn.h"
#include "words/json.h"
#include "words/timefmt.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define BLOCK    65536
#define MAX_LINE (16 << 20)

static int start(struct journal *j, const char *id, int64_t tail, bool follow, struct err *e)
{
    cleanup(strv_free) struct strv argv = STRV_INIT;
    int out[2];
    strv_add(&argv, "journalctl");
    strv_add(&argv, "--quiet");
    strv_add(&argv, "--all");
    strv_add(&argv, "--output=json");
    if (follow)
        strv_add(&argv, "--follow");
    if (j->cursor.len)
        strv_addf(&argv, "--after-cursor=%s", buf_str(&j->cursor));
    else if (tail < 0)
        strv_add(&argv, "--lines=all");
    else
        strv_addf(&argv, "--lines=%lld", (long long)tail);
    strv_addf(&argv, "CONTAINER_ID_FULL=%s", id);
    if (pipe2(out, O_CLOEXEC) < 0)
        return err_sys(e, "cannot make a pipe");
    const struct spawn s = {
        .argv = argv.v, .in = -1, .out = out[1], .err = SPAWN_INHERIT, .report = -1};
    int res = spawn(&s, &j->pid, e);
    close(out[1]);
    if (res < 0)
        close(out[0]);
    else
        j->fd = out[0];
    return res;
}

int journal_open(struct journal *j, const char *id, int64_t tail, bool follow, struct err *e)
{
    *j = (struct journal){.fd = -1};
    return start(j, id, tail, follow, e);
}

static void stop(struct journal *j)
{
    if (j->fd >= 0) {
        close(j->fd);
        kill(j->pid, SIGTERM);
    }
    if (j->pid > 0)
        spawn_wait(j->pid);
    j->fd = -1;
    j->pid = 0;
}

int journal_rest(struct journal *j, const char *id, int64_t tail, struct err *e)
{
    stop(j);
    buf_clear(&j->in);
    return start(j, id, tail, false, e);
}

/* A text; or, when it is not UTF-8, its bytes as numbers. */
static void add_message(const json_t *v, struct buf *line)
{
    const json_t *byte;
    size_t i;
    if (json_is_string(v))
        buf_add(line, json_string_value(v), json_string_length(v));
    json_array_foreach(v, i, byte)
    {
        buf_addc(line, (char)json_integer_value(byte));
    }
}

static bool convert(const char *text, size_t n, struct buf *line, struct buf *cursor)
{
    struct err ignored = ERR_INIT;
    cleanup_json entry = NULL;
    uint64_t us;
    if (jx_parse("journalctl", text, n, &entry, &ignored) < 0 ||
        str_u64(jx_str(entry, "__REALTIME_TIMESTAMP"), INT64_MAX / 1000, &us) < 0)
        return false;
    bool part = strcmp(jx_str(entry, "CONTAINER_PARTIAL_MESSAGE"), "true") == 0;
    bool is_err = strcmp(jx_str(entry, "PRIORITY"), "3") == 0;
    const struct timespec t = {.tv_sec = (time_t)(us / 1000000),
                               .tv_nsec = (long)(us % 1000000) * 1000};
    buf_clear(cursor);
    buf_adds(cursor, jx_str(entry, "__CURSOR"));
    buf_clear(line);
    timefmt_rfc3339(line, t);
    buf_addf(line, " %s %c ", is_err ? "stderr" : "stdout", part ? 'P' : 'F');
    add_message(json_object_get(entry, "MESSAGE"), line);
    return true;
}

/* Takes the first line out of what was read; false: there is none that is whole. */
static bool take(struct journal *j, bool *ret_good)
{
    char *nl = j->in.len ? memchr(j->in.s, '\n', j->in.len) : NULL;
    if (!nl)
        return false;
    size_t n = (size_t)(nl - j->in.s);
    *ret_good = convert(j->in.s, n, &j->line, &j->cursor);
    j->in.len -= n + 1;
    memmove(j->in.s, nl + 1, j->in.len);
    return true;
}

char *journal_next(struct journal *j, int wait_ms)
{
    static char block[BLOCK];
    for (bool good = false;;) {
        while (take(j, &good))
            if (good)
                return j->line.s;
        struct pollfd p = {.fd = j->fd, .events = POLLIN};
        if (j->fd < 0 || j->in.len > MAX_LINE || poll(&p, 1, wait_ms) <= 0)
            return NULL;
        ssize_t n = read(j->fd, block, sizeof block);
        if (n > 0) {
            buf_add(&j->in, block, (size_t)n);
        } else if (n == 0 || errno != EINTR) {
            close(j->fd);
            j->fd = -1;
        }
    }
}

void journal_close(struct journal *j)
{
    stop(j);
    buf_free(&j->in);
    buf_free(&j->line);
    buf_free(&j->cursor);
}
