#include "fetch.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* A resumed blob that went on this far has earned its tries anew. */
enum { PROGRESS_WORTH = 1 << 20, MAX_DELAY_MS = 60 * 1000 };

int64_t now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

struct xfer *xfer_new(struct fetcher *f, enum kind kind, int id)
{
    struct xfer *x = xcalloc(1, sizeof *x), **end = &f->xfers;
    x->f = f;
    x->kind = kind;
    x->id = id;
    x->size = -1;
    x->max = INT64_MAX;
    x->base = f->chosen;
    x->out = -1;
    while (*end)
        end = &(*end)->next;
    *end = x;
    return x;
}

static void xfer_free(struct xfer *x)
{
    xfer_stop(x);
    if (x->out >= 0)
        close(x->out);
    if (x->post)
        explicit_bzero(x->post, strlen(x->post));
    free(x->post);
    free(x->reference);
    free(x->accept);
    buf_free(&x->rest);
    buf_free(&x->body);
    buf_free(&x->challenge);
    free(x);
}

struct source *xfer_source(const struct xfer *x)
{
    return x->f->bases[x->base].source;
}

static void end_with(struct xfer *x, const struct err *e)
{
    xfer_stop(x);
    x->state = GONE;
    reply_error(x->f, x, e);
}

void xfer_reader_gone(struct xfer *x)
{
    struct err e = ERR_INIT;
    err_set(&e, 0, "reading blob %s: nobody reads it any more", x->reference);
    end_with(x, &e);
}

static bool to_base(struct xfer *x, unsigned base)
{
    if (base >= x->f->nbases)
        return false;
    x->base = base;
    x->refusals = 0;
    x->state = QUEUED;
    return true;
}

void xfer_give_up(struct xfer *x, const struct err *e)
{
    unsigned next = x->base + 1;
    bool answered = x->f->bases[x->base].answered;
    xfer_stop(x);
    /* who answered over https will not know more over plain http */
    while (answered && next < x->f->nbases && x->f->bases[next].source == xfer_source(x))
        next++;
    if (x->stop == STOP_TOO_BIG || !to_base(x, next))
        end_with(x, e);
}

static bool transient(const struct xfer *x, CURLcode code)
{
    switch (x->stop) {
    case STOP_NONE:
        break;
    case STOP_RANGE:
        return true;
    default:
        return false;
    }
    long redirects = 0;
    switch (code) {
    case CURLE_OK:
        curl_easy_getinfo(x->easy, CURLINFO_REDIRECT_COUNT, &redirects);
        /* a pre-signed address may have run out: the registry will sign a new one */
        if (redirects > 0 && (x->status == 401 || x->status == 403))
            return true;
        return x->status == 408 || x->status == 429 || x->status >= 500 || x->status == 200 ||
               x->status == 206;
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_RESOLVE_PROXY:
    case CURLE_COULDNT_CONNECT:
    case CURLE_OPERATION_TIMEDOUT:
    case CURLE_GOT_NOTHING:
    case CURLE_PARTIAL_FILE:
    case CURLE_SEND_ERROR:
    case CURLE_RECV_ERROR:
    case CURLE_HTTP2:
    case CURLE_HTTP2_STREAM:
    case CURLE_RANGE_ERROR:
        return true;
    case CURLE_SSL_CONNECT_ERROR:
        return x->f->bases[x->base].answered;
    default:
        return false;
    }
}

/* Milliseconds to wait before the next try; -1: the server wants more patience than we have. */
static int64_t delay(const struct xfer *x)
{
    const struct fetcher *f = x->f;
    unsigned shift = x->tries < 6 ? x->tries : 6;
    int64_t ms = f->retry_delay_ms ? f->retry_delay_ms : (int64_t)1000 << shift;
    curl_off_t asked = 0;
    /* who never answered is more likely not there than busy: do not keep a person waiting */
    if (!f->bases[x->base].answered && !f->retry_delay_ms)
        ms /= 4;
    curl_easy_getinfo(x->easy, CURLINFO_RETRY_AFTER, &asked);
    if (asked > MAX_RETRY_AFTER)
        return -1;
    if (ms > MAX_DELAY_MS && !f->retry_delay_ms)
        ms = MAX_DELAY_MS;
    return asked * 1000 > ms ? asked * 1000 : ms;
}

bool xfer_try_again(struct xfer *x, CURLcode code)
{
    const struct base *b = &x->f->bases[x->base];
    if (!transient(x, code))
        return false;
    if (x->delivered - x->attempt_at >= PROGRESS_WORTH)
        x->tries = 0;
    bool more_bases = x->kind != KIND_TOKEN && x->base + 1 < x->f->nbases;
    /* another way in is better than waiting here; silence for a whole time-out is an answer */
    if (!b->answered && (more_bases || code == CURLE_OPERATION_TIMEDOUT))
        return false;
    if (x->tries >= x->f->retry)
        return false;
    int64_t ms = delay(x);
    if (ms < 0)
        return false;
    xfer_stop(x);
    x->tries++;
    x->state = WAIT_TIME;
    x->due = now_ms() + ms;
    return true;
}

static bool complete(const struct xfer *x, CURLcode code)
{
    if (x->stop != STOP_NONE || (x->status != 200 && x->status != 206))
        return false;
    if (x->kind == KIND_BLOB && x->size >= 0)
        return x->delivered == x->size && x->skip == 0;
    return code == CURLE_OK;
}

static void succeed(struct xfer *x)
{
    struct fetcher *f = x->f;
    if (x->kind == KIND_MANIFEST || x->kind == KIND_TAGS)
        f->chosen = x->base;
    xfer_stop(x);
    x->state = DRAINING;
}

static void refused(struct xfer *x)
{
    struct err e = ERR_INIT;
    switch (token_challenge(x)) {
    case TOKEN_RETRY:
        xfer_stop(x);
        break;
    case TOKEN_WAIT:
        xfer_stop(x);
        x->state = WAIT_TOKEN;
        break;
    case TOKEN_REFUSED:
        words_error(x, CURLE_OK, &e);
        xfer_give_up(x, &e);
        break;
    }
}

void xfer_finished(struct xfer *x, CURLcode code)
{
    struct err e = ERR_INIT;
    long redirects = 0;
    curl_easy_getinfo(x->easy, CURLINFO_RESPONSE_CODE, &x->status);
    curl_easy_getinfo(x->easy, CURLINFO_REDIRECT_COUNT, &redirects);
    if (x->status > 0 && x->kind != KIND_TOKEN)
        x->f->bases[x->base].answered = true;
    /* a token that opened something and ran out later is no refusal */
    if (x->status >= 200 && x->status < 300)
        x->refusals = 0;
    /* an error page that we stopped reading is an answer like any other */
    if (code == CURLE_WRITE_ERROR && x->stop == STOP_NONE && x->status >= 300)
        code = CURLE_OK;
    if (x->kind == KIND_TOKEN) {
        token_finished(x, code);
    } else if (x->stop == STOP_READER) {
        xfer_reader_gone(x);
    } else if (complete(x, code)) {
        succeed(x);
    } else if (code == CURLE_OK && x->status == 401 && redirects == 0) {
        refused(x);
    } else if (!xfer_try_again(x, code)) {
        words_error(x, code, &e);
        xfer_give_up(x, &e);
    }
}

/*
 * Our own clock instead of curl's low-speed limit, which looks at an average of seconds. While
 * connecting, curl's connect time-out counts; while the reader is slow, nothing does.
 */
static int64_t stall_due(const struct xfer *x)
{
    curl_off_t asked_at = 0;
    if (x->state != RUNNING || x->paused || x->rest.len > 0 || x->f->stall_timeout == 0)
        return INT64_MAX;
    curl_easy_getinfo(x->easy, CURLINFO_PRETRANSFER_TIME_T, &asked_at);
    return asked_at ? x->active_at + x->f->stall_timeout * 1000 : INT64_MAX;
}

void xfer_check_stalls(struct fetcher *f)
{
    int64_t now = now_ms();
    for (struct xfer *x = f->xfers; x; x = x->next)
        if (stall_due(x) <= now)
            xfer_finished(x, CURLE_OPERATION_TIMEDOUT);
}

static void start_or_fail(struct xfer *x)
{
    struct err e = ERR_INIT;
    if (xfer_start(x) == 0)
        return;
    err_set(&e, 0, "pod-fetch: cannot begin a transfer: out of memory");
    end_with(x, &e);
}

static void step(struct fetcher *f, struct xfer *x)
{
    if (x->state == WAIT_TIME && x->due <= now_ms())
        x->state = QUEUED;
    if (x->state == QUEUED && (f->running < f->parallel || x->at_once))
        start_or_fail(x);
    if (x->state == DRAINING && x->rest.len == 0) {
        /* the end of the pipe comes no later than the word about it */
        if (x->out >= 0)
            close(x->out);
        x->out = -1;
        if (x->kind != KIND_TOKEN)
            reply_done(f, x);
        x->state = GONE;
    }
}

void xfer_schedule(struct fetcher *f)
{
    for (struct xfer *x = f->xfers; x; x = x->next)
        step(f, x);
    for (struct xfer **p = &f->xfers; *p;) {
        struct xfer *x = *p;
        if (x->state != GONE) {
            p = &x->next;
            continue;
        }
        *p = x->next;
        xfer_free(x);
    }
}

int xfer_wait_ms(const struct fetcher *f)
{
    int64_t now = now_ms(), first = now + 60 * 1000;
    for (const struct xfer *x = f->xfers; x; x = x->next) {
        int64_t due = x->state == WAIT_TIME ? x->due : stall_due(x);
        if (due < first)
            first = due;
    }
    return first > now ? (int)(first - now) : 0;
}
