#include "fetch.h"

#include "plain/fdio.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct packet {
    struct packet *next;
    size_t n;
    char s[];
};

void reply_event(struct fetcher *f, json_t *o)
{
    char *s = o ? json_dumps(o, JSON_COMPACT) : NULL;
    json_decref(o);
    if (!s)
        return;
    size_t n = strlen(s);
    struct packet *p = xmalloc(sizeof *p + n);
    p->next = NULL;
    p->n = n;
    memcpy(p->s, s, n);
    free(s);
    *f->last = p;
    f->last = &p->next;
    (void)reply_flush(f); /* a parent that is gone is noticed by the loop */
}

int reply_flush(struct fetcher *f)
{
    while (f->first) {
        struct packet *p = f->first;
        if (fd_send(f->sock, p->s, p->n, NULL, 0) < 0)
            return errno == EAGAIN || errno == ENOBUFS ? 0 : -1;
        f->first = p->next;
        if (!f->first)
            f->last = &f->first;
        free(p);
    }
    return 0;
}

bool reply_pending(const struct fetcher *f)
{
    return f->first != NULL;
}

/* Progress is worth nothing later, so it is never kept: a full socket swallows it. */
void reply_progress(struct fetcher *f, struct xfer *x)
{
    int64_t now = now_ms();
    if (x->kind != KIND_BLOB || x->delivered == x->reported || reply_pending(f) ||
        now - x->reported_at < PROGRESS_MS)
        return;
    char s[96];
    int n = snprintf(s, sizeof s, "{\"event\":\"progress\",\"id\":%d,\"bytes\":%lld}", x->id,
                     (long long)x->delivered);
    (void)fd_send(f->sock, s, (size_t)n, NULL, 0);
    x->reported = x->delivered;
    x->reported_at = now;
}

void reply_done(struct fetcher *f, const struct xfer *x)
{
    reply_event(f, json_pack("{ss si si sI ss ss ss}", "event", "done", "id", x->id, "status",
                             (int)x->status, "bytes", (json_int_t)x->delivered, "type", x->type,
                             "digest", x->digest, "next", x->page));
}

void reply_error(struct fetcher *f, const struct xfer *x, const struct err *e)
{
    reply_event(f, json_pack("{ss si si si ss ss}", "event", "error", "id", x->id, "code",
                             e->code ? e->code : 125, "status", (int)x->status, "message", e->msg,
                             "hint", e->hint));
}
