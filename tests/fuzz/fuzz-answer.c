/*
 * What a registry answers: header lines, up to an empty one, then the body. The first byte says
 * what was asked for.
 */
#include "fuzz.h"

#include "../../helpers/fetch/fetch.h"

static struct fetcher f;
static struct source source;
static struct base base;

static void begin(void)
{
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    source = (struct source){.host = xstrdup("h"), .path = xstrdup("a/b"), .server = xstrdup("h")};
    base = (struct base){.source = &source, .url = xstrdup("https://h"), .answered = true};
    f = (struct fetcher){.sock = null, .name = xstrdup("h/a/b:c"), .agent = xstrdup("x")};
    f.last = &f.first;
    f.parallel = 1;
    f.sources = &source;
    f.bases = &base;
    f.nsources = f.nbases = 1;
    f.multi = curl_multi_init();
}

static void headers(struct xfer *x, const char **p, const char *end)
{
    while (*p < end) {
        const char *nl = memchr(*p, '\n', (size_t)(end - *p));
        size_t n = nl ? (size_t)(nl - *p) + 1 : (size_t)(end - *p);
        char *line = xmalloc(n);
        memcpy(line, *p, n);
        sink_header(line, 1, n, x);
        free(line);
        *p += n;
        if (n <= 2)
            return;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2)
        return 0;
    if (!f.multi)
        begin();
    struct err e = ERR_INIT;
    struct xfer *x = xfer_new(&f, data[0] % 4, 1);
    const char *p = (const char *)data + 2, *end = (const char *)data + size;
    x->reference = xstrdup("c");
    x->easy = curl_easy_init();
    x->out = open("/dev/null", O_WRONLY | O_CLOEXEC);
    x->size = data[0] & 64 ? 100 : -1;
    x->max = 4096;
    x->delivered = data[0] & 32 ? 7 : 0;
    source.user = data[0] & 128 ? (char[]){"u"} : NULL;
    sink_reset(x);
    headers(x, &p, end);
    x->body_begun = data[1] & 1;
    sink_body((char *)(uintptr_t)p, 1, (size_t)(end - p), x);
    x->status = 400 + data[1] / 4;
    if (x->kind == KIND_TOKEN) {
        source.realm = source.realm ? source.realm : xstrdup("https://r");
        x->status = 200;
        token_finished(x, CURLE_OK);
    } else {
        if (token_challenge(x) == TOKEN_WAIT) {
            struct xfer *t = x->next; /* the request for a token */
            t->easy = curl_easy_init();
            free(token_url(t));
            t->state = GONE;
        }
        words_error(x, data[1] & 2 ? CURLE_RECV_ERROR : CURLE_OK, &e);
        if (!e.msg[0])
            abort();
    }
    source.asking = false;
    source.auth = AUTH_UNKNOWN;
    x->state = GONE;
    xfer_schedule(&f);
    return 0;
}
