/*
 * Where bodies go. curl hands over 16 KiB at a time; they are gathered, because a write costs a
 * wake-up of the reader. A pipe that is full must not stop the other transfers: then its transfer
 * is paused, so that TCP's own window slows the server down and memory stays small.
 */
#include "fetch.h"

#include "plain/fdio.h"
#include "plain/str.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

enum { MAX_CHALLENGE = 16384, GATHER = 128 * 1024 };

void sink_reset(struct xfer *x)
{
    x->status = 0;
    x->body_begun = false;
    x->skip = 0;
    x->range_start = -1;
    x->length = -1;
    x->stop = STOP_NONE;
    x->attempt_at = x->delivered;
    x->errbuf[0] = '\0';
    x->type[0] = x->digest[0] = x->page[0] = '\0';
    buf_clear(&x->body);
    buf_clear(&x->challenge);
}

/* The value when the line is this header, cut at blanks; NULL else. */
static const char *header_value(char *line, const char *name)
{
    size_t n = strlen(name);
    if (strncasecmp(line, name, n) != 0 || line[n] != ':')
        return NULL;
    line += n + 1;
    return line + strspn(line, " \t");
}

/* Strangers' words go into messages and JSON: printable ASCII only. */
static void copy_clean(char *dst, size_t size, const char *src)
{
    size_t n = 0;
    for (; *src && n + 1 < size; src++)
        if (*src > ' ' && *src < 127)
            dst[n++] = *src;
    dst[n] = '\0';
}

/* Link: </v2/NAME/tags/list?last=b&n=100>; rel="next" – only the query, and only plain ones. */
static void take_next(struct xfer *x, const char *v)
{
    const char *query = strchr(v, '?'), *end = strchr(v, '>');
    size_t n = query && end > query ? (size_t)(end - query) - 1 : 0;
    x->page[0] = '\0';
    if (*v != '<' || n == 0 || n >= sizeof x->page || !strstr(end, "next"))
        return;
    memcpy(x->page, query + 1, n);
    x->page[n] = '\0';
    size_t plain = strspn(x->page, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
                                   "0123456789=&._%~+-:/");
    if (plain != n)
        x->page[0] = '\0';
}

/* Each answer of a chain of redirects begins with its status line: only the last one counts. */
size_t sink_header(char *p, size_t size, size_t n, void *arg)
{
    struct xfer *x = arg;
    x->active_at = now_ms();
    char line[4096];
    const char *v;
    size_t len = size * n < sizeof line - 1 ? size * n : sizeof line - 1;
    memcpy(line, p, len);
    line[len] = '\0';
    line[strcspn(line, "\r\n")] = '\0';
    if (str_starts(line, "HTTP/")) {
        x->range_start = x->length = -1;
        x->type[0] = x->digest[0] = x->page[0] = '\0';
        buf_clear(&x->challenge);
    } else if ((v = header_value(line, "content-type"))) {
        copy_clean(x->type, sizeof x->type, v);
        x->type[strcspn(x->type, ";")] = '\0';
    } else if ((v = header_value(line, "docker-content-digest"))) {
        copy_clean(x->digest, sizeof x->digest, v);
    } else if ((v = header_value(line, "link"))) {
        take_next(x, v);
    } else if ((v = header_value(line, "content-range"))) {
        if (strncasecmp(v, "bytes ", 6) == 0)
            x->range_start = strtoll(v + 6, NULL, 10);
    } else if ((v = header_value(line, "content-length"))) {
        x->length = strtoll(v, NULL, 10);
    } else if ((v = header_value(line, "www-authenticate")) && x->challenge.len < MAX_CHALLENGE) {
        buf_adds(&x->challenge, v);
        buf_addc(&x->challenge, '\n');
    }
    return size * n;
}

/* The body's first byte: is this what was asked for, and from where on? */
static bool begin(struct xfer *x)
{
    int64_t from = 0;
    x->body_begun = true;
    curl_easy_getinfo(x->easy, CURLINFO_RESPONSE_CODE, &x->status);
    if (x->kind == KIND_TOKEN || (x->status != 200 && x->status != 206))
        return true;
    if (x->status == 206)
        from = x->range_start;
    if (from < 0 || from > x->delivered) {
        x->stop = STOP_RANGE;
        return false;
    }
    x->skip = x->delivered - from;
    if (x->length >= 0 && x->size >= 0 && from + x->length != x->size) {
        x->stop = from + x->length > x->size ? STOP_TOO_BIG : STOP_WRONG_SIZE;
        return false;
    }
    if (x->length >= 0 && x->length > x->max) {
        x->stop = STOP_TOO_BIG;
        return false;
    }
    return true;
}

static size_t waiting(const struct xfer *x)
{
    return x->rest.len - x->rest_at;
}

/* As much as out takes now. -1: nobody reads any more. */
static int write_rest(struct xfer *x)
{
    while (waiting(x) > 0) {
        ssize_t w = write(x->out, x->rest.s + x->rest_at, waiting(x));
        if (w >= 0)
            x->rest_at += (size_t)w;
        else if (errno == EAGAIN)
            return 0;
        else if (errno != EINTR)
            return -1;
    }
    buf_clear(&x->rest);
    x->rest_at = 0;
    return 0;
}

static void keep(struct xfer *x, const char *p, size_t n)
{
    if (x->rest_at > waiting(x)) {
        memmove(x->rest.s, x->rest.s + x->rest_at, waiting(x));
        x->rest.len -= x->rest_at;
        x->rest_at = 0;
    }
    buf_add(&x->rest, p, n);
    x->delivered += (int64_t)n;
}

static size_t deliver(struct xfer *x, const char *p, size_t n)
{
    size_t cut = (int64_t)n < x->skip ? n : (size_t)x->skip;
    x->skip -= (int64_t)cut;
    if ((int64_t)(n - cut) > x->max - x->delivered) {
        x->stop = STOP_TOO_BIG;
        return 0;
    }
    keep(x, p + cut, n - cut);
    if (waiting(x) >= GATHER && write_rest(x) < 0) {
        x->stop = STOP_READER;
        return 0;
    }
    return n;
}

size_t sink_body(char *p, size_t size, size_t n, void *arg)
{
    struct xfer *x = arg;
    n *= size;
    x->active_at = now_ms();
    if (waiting(x) >= GATHER) {
        x->paused = true;
        return CURL_WRITEFUNC_PAUSE;
    }
    if (!x->body_begun && !begin(x))
        return 0;
    if (x->kind != KIND_TOKEN && (x->status == 200 || x->status == 206)) {
        size_t r = deliver(x, p, n);
        if (r == n)
            reply_progress(x->f, x);
        return r;
    }
    size_t room = (x->kind == KIND_TOKEN ? MAX_TOKEN_BODY : MAX_ERROR_BODY) - x->body.len;
    buf_add(&x->body, p, n < room ? n : room);
    /* enough of an error page is enough; too long a token is none */
    return n <= room ? n : 0;
}

int sink_flush(struct xfer *x)
{
    if (write_rest(x) < 0)
        return -1;
    if (x->paused && waiting(x) == 0) {
        x->paused = false;
        x->active_at = now_ms();
        if (x->state == RUNNING)
            curl_easy_pause(x->easy, CURLPAUSE_CONT);
    }
    return 0;
}
