#include "disk/report.h"

#include "plain/buf.h"
#include "plain/fdio.h"
#include "plain/str.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#define FEW_FILES 64

static void add_clean(struct buf *b, const char *s)
{
    for (; *s; s++)
        buf_addc(b, *s == '\t' || *s == '\n' ? ' ' : *s);
}

void report_ok(const char *value)
{
    cleanup(buf_free) struct buf b = BUF_INIT;
    buf_adds(&b, "ok");
    if (value) {
        buf_addc(&b, '\t');
        add_clean(&b, value);
    }
    buf_addc(&b, '\n');
    (void)fd_write_all(REPORT_FD, b.s, b.len);
}

void report_err(const struct err *e)
{
    cleanup(buf_free) struct buf b = BUF_INIT;
    buf_addf(&b, "%d\t", e->code ? e->code : 125);
    add_clean(&b, e->msg);
    if (e->hint[0]) {
        buf_addc(&b, '\t');
        for (const char *h = e->hint; *h; h++)
            buf_addc(&b, *h == '\n' ? '\t' : *h == '\t' ? ' ' : *h);
    }
    buf_addc(&b, '\n');
    (void)fd_write_all(REPORT_FD, b.s, b.len);
}

int report_parse(char *line, const char *who, char *value, size_t size, struct err *e)
{
    line[strcspn(line, "\n")] = '\0';
    char *rest = strchr(line, '\t');
    if (rest)
        *rest++ = '\0';
    if (strcmp(line, "ok") == 0) {
        if (value && size && str_copy(value, size, rest ? rest : "") < 0)
            return err_set(e, 0, "%s: answer too long", who);
        return 0;
    }
    int code = atoi(line);
    if (!rest || code <= 0)
        return err_set(e, 0, "%s: ended without an answer", who);
    char *hint = strchr(rest, '\t');
    if (hint)
        *hint++ = '\0';
    for (char *h = hint ? strchr(hint, '\t') : NULL; h; h = strchr(h, '\t'))
        *h = '\n';
    err_set(e, code, "%s", rest);
    if (hint)
        err_hint(e, "%s", hint);
    return -1;
}

/* With few descriptors a program may not even find its libraries, and cannot say so. */
static int no_answer(const char *who, struct err *e)
{
    struct rlimit r;
    if (getrlimit(RLIMIT_NOFILE, &r) < 0 || r.rlim_cur >= FEW_FILES)
        return err_set(e, 0, "%s: ended without an answer", who);
    err_set(e, 0, "%s: ended without an answer: Too many open files, with a limit of %llu", who,
            (unsigned long long)r.rlim_cur);
    return err_hint(e, "Type: ulimit -n 1024");
}

int report_read(int fd, const char *who, char *value, size_t size, struct err *e)
{
    enum { MAX_LINE = 1 << 20 };
    cleanup(buf_free) struct buf b = BUF_INIT;
    while (b.len < MAX_LINE && !memchr(buf_str(&b), '\n', b.len)) {
        buf_reserve(&b, 4096);
        ssize_t n = read(fd, b.s + b.len, b.cap - b.len - 1);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            break;
        b.len += (size_t)n;
        b.s[b.len] = '\0';
    }
    if (!memchr(buf_str(&b), '\n', b.len))
        return no_answer(who, e);
    return report_parse(b.s, who, value, size, e);
}
