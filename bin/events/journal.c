/*
 * The log may become log.1 while it is read: whoever has it open reads it to its end, which comes
 * when the new one is there, and goes on with that.
 */
#include "events.h"

#include "disk/at.h"
#include "disk/journal.h"
#include "plain/buf.h"
#include "plain/fdio.h"
#include "words/timefmt.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#define PIECE    65536
#define MAX_LINE (1 << 20)

struct reader {
    const struct roots *roots;
    const struct span *span;
    event_fn *fn;
    void *arg;
    int fd;          /* of the log; -1 */
    struct buf rest; /* the beginning of a line that is not whole yet */
};

/* What is no event is passed over: a full disk may have cut it, a newer pod may know more kinds. */
static int take_line(struct reader *x, const char *line, size_t n, struct err *e)
{
    json_error_t why;
    struct timespec t;
    cleanup_json event = json_loadb(line, n, JSON_REJECT_DUPLICATES, &why);
    if (!json_is_object(event) || !jx_str0(event, "Type") || !jx_str0(event, "Status") ||
        timefmt_parse(jx_str(event, "Time"), &t) < 0)
        return 0;
    int64_t ns = timefmt_to_ns(t);
    if (ns < x->span->since || ns > x->span->until)
        return 0;
    return x->fn(x->arg, event, ns, e);
}

/* Whole lines of what is there now. */
static int drain(struct reader *x, int fd, struct err *e)
{
    for (;;) {
        buf_reserve(&x->rest, PIECE);
        ssize_t n = read(fd, x->rest.s + x->rest.len, PIECE);
        if (n < 0)
            return err_sys(e, "cannot read the journal of events");
        if (n == 0)
            return 0;
        x->rest.len += (size_t)n;
        char *begin = x->rest.s, *end = begin + x->rest.len, *nl;
        for (; (nl = memchr(begin, '\n', (size_t)(end - begin))); begin = nl + 1) {
            int res = take_line(x, begin, (size_t)(nl - begin), e);
            if (res != 0)
                return res;
        }
        memmove(x->rest.s, begin, (size_t)(end - begin));
        x->rest.len = (size_t)(end - begin);
        if (x->rest.len > MAX_LINE)
            x->rest.len = 0;
    }
}

static bool same_file(int a, int b)
{
    struct stat x, y;
    return fstat(a, &x) == 0 && fstat(b, &y) == 0 && x.st_ino == y.st_ino && x.st_dev == y.st_dev;
}

static int open_log(const struct reader *x, const char *name)
{
    return openat(x->roots->own, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
}

static int read_past(struct reader *x, struct err *e)
{
    x->fd = open_log(x, JOURNAL_LOG);
    cleanup_fd int old = open_log(x, JOURNAL_OLD);
    if (old >= 0 && x->fd >= 0 && same_file(old, x->fd)) { /* it was turned over in between */
        close(x->fd);
        x->fd = open_log(x, JOURNAL_LOG);
    }
    int res = old >= 0 ? drain(x, old, e) : 0;
    x->rest.len = 0;
    return res == 0 && x->fd >= 0 ? drain(x, x->fd, e) : res;
}

/* What was written since, in the log that we have and in the one that took its place. */
static int read_new(struct reader *x, struct err *e)
{
    cleanup_fd int now = open_log(x, JOURNAL_LOG);
    int res = x->fd >= 0 ? drain(x, x->fd, e) : 0;
    if (res != 0 || now < 0 || (x->fd >= 0 && same_file(now, x->fd)))
        return res;
    if (x->fd >= 0)
        close(x->fd);
    x->rest.len = 0;
    x->fd = fd_take(&now);
    return drain(x, x->fd, e);
}

/* Until the time is up, or nobody reads us any more. */
static int wait_for_more(const struct reader *x, int watch)
{
    char ignored[4096];
    int64_t left = x->span->until, ms = -1;
    if (left != INT64_MAX) {
        left -= timefmt_to_ns(timefmt_clock());
        if (left <= 0)
            return 0;
        ms = left / 1000000 + 1;
    }
    struct pollfd p[] = {{.fd = watch, .events = POLLIN}, {.fd = STDOUT_FILENO}};
    int n = poll(p, 2, ms < 0 ? -1 : ms > 3600000 ? 3600000 : (int)ms);
    if ((n < 0 && errno != EINTR) || p[1].revents & (POLLERR | POLLHUP))
        return 0;
    while (read(watch, ignored, sizeof ignored) > 0)
        ;
    return 1;
}

int events_read(const struct roots *r, const struct span *s, event_fn *fn, void *arg, struct err *e)
{
    struct reader x = {.roots = r, .span = s, .fn = fn, .arg = arg, .fd = -1, .rest = BUF_INIT};
    cleanup_fd int watch = s->stream ? inotify_init1(IN_CLOEXEC | IN_NONBLOCK) : -1;
    cleanup_free char *dir = xasprintf("%s/pod/" JOURNAL_DIR, r->graph_path);
    if (s->stream && ((mkdirat(r->own, JOURNAL_DIR, 0700) < 0 && errno != EEXIST) || watch < 0 ||
                      inotify_add_watch(watch, dir, IN_MODIFY | IN_CREATE | IN_MOVED_TO) < 0))
        return err_sys(e, "cannot watch the journal of events");
    int res = 0;
    if (s->past)
        res = read_past(&x, e);
    else if ((x.fd = open_log(&x, JOURNAL_LOG)) >= 0)
        (void)lseek(x.fd, 0, SEEK_END);
    while (res == 0 && s->stream && wait_for_more(&x, watch))
        res = read_new(&x, e);
    if (x.fd >= 0)
        close(x.fd);
    buf_free(&x.rest);
    return res < 0 ? -1 : 0;
}
