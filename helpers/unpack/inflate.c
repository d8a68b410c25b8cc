#include "inflate.h"

#include "plain/buf.h"

#include <errno.h>
#include <isa-l/igzip_lib.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zstd.h>

#define LEAST_READ ((size_t)4 << 10)
/* What `zstd -d` takes without being asked: 128 MiB of window. */
#define WINDOW_LOG_MAX 27

/* A slot to go on with; false when nobody takes what is unpacked. */
static bool room(struct pump *p, bool full)
{
    if (p->slot && full) {
        ring_push(p->ring);
        p->slot = NULL;
    }
    if (!p->slot)
        p->slot = ring_slot(p->ring);
    return !ring_deserted(p->ring);
}

static bool room_for_data(struct pump *p)
{
    return room(p, p->slot && p->slot->n == RING_DATA);
}

/*
 * Reads more of the blob, into the slot, behind what is there and not used; 1, 0 at the end, -1.
 * The bytes stay until the slot comes round again, which is after they were used.
 */
static int refill(struct pump *p)
{
    if (p->eof)
        return 0;
    room(p, p->slot && p->at == p->have && RING_BLOB - p->slot->blob_n < LEAST_READ);
    struct ring_slot *s = p->slot;
    size_t want = RING_BLOB - s->blob_n;
    if (want > p->limit - p->blob_size)
        want = (size_t)(p->limit - p->blob_size);
    ssize_t n = 0;
    while (want > 0 && (n = read(p->in, s->blob + s->blob_n, want)) < 0)
        if (errno != EINTR)
            return err_sys(&p->err, "reading blob");
    if (n <= 0) {
        p->eof = true;
        return 0;
    }
    p->buf = s->blob + s->blob_n - (p->have - p->at);
    p->have -= p->at;
    p->at = 0;
    s->blob_n += (size_t)n;
    p->have += (size_t)n;
    p->blob_size += (uint64_t)n;
    if (p->want_size >= 0 && p->blob_size > (uint64_t)p->want_size) {
        p->too_large = true;
        return err_set(&p->err, 0, "blob is larger than the %lld bytes that were announced",
                       (long long)p->want_size);
    }
    return 1;
}

static void filled(struct pump *p, size_t n)
{
    p->slot->n += n;
    p->diff_size += n;
}

static int plain(struct pump *p)
{
    for (;;) {
        if (p->at == p->have) {
            int r = refill(p);
            if (r <= 0)
                return r;
        }
        if (!room_for_data(p))
            return 1;
        size_t n = p->have - p->at, space = RING_DATA - p->slot->n;
        if (n > space)
            n = space;
        memcpy(p->slot->data + p->slot->n, p->buf + p->at, n);
        p->at += n;
        filled(p, n);
    }
}

static int gzip_error(struct pump *p, int code)
{
    const char *why = code == ISAL_INCORRECT_CHECKSUM   ? "gzip: invalid checksum"
                      : code == ISAL_INVALID_WRAPPER    ? "gzip: invalid header"
                      : code == ISAL_UNSUPPORTED_METHOD ? "gzip: invalid header"
                                                        : "flate: corrupt input";
    return err_set(&p->err, 0, "%s near offset %llu of the blob", why,
                   (unsigned long long)(p->blob_size - (p->have - p->at)));
}

static void gzip_member(struct inflate_state *st)
{
    isal_inflate_reset(st);
    st->crc_flag = ISAL_GZIP;
}

/* One call of the decoder. 1: goes on, 0: the member is complete, -1. */
static int gzip_step(struct pump *p, struct inflate_state *st, bool *ret_idle)
{
    st->next_in = p->buf + p->at;
    st->avail_in = (uint32_t)(p->have - p->at);
    st->next_out = (unsigned char *)p->slot->data + p->slot->n;
    st->avail_out = (uint32_t)(RING_DATA - p->slot->n);
    uint32_t in = st->avail_in, out = st->avail_out;
    int rc = isal_inflate(st);
    p->at += in - st->avail_in;
    filled(p, out - st->avail_out);
    *ret_idle = st->avail_in == in && st->avail_out == out;
    if (rc < 0 || rc == ISAL_NEED_DICT)
        return gzip_error(p, rc);
    return st->block_state != ISAL_BLOCK_FINISH;
}

static int gunzip(struct pump *p)
{
    cleanup_free struct inflate_state *st = xmalloc(sizeof *st);
    isal_inflate_init(st);
    gzip_member(st);
    bool inside = true, idle = false;
    for (;;) {
        if (p->at == p->have) {
            int r = refill(p);
            if (r < 0)
                return -1;
            if (r == 0 && !inside)
                return 0;
            if (r == 0 && idle)
                return err_set(&p->err, 0, "unexpected EOF");
        }
        if (!inside)
            gzip_member(st);
        if (!room_for_data(p))
            return 1;
        int r = gzip_step(p, st, &idle);
        if (r < 0)
            return -1;
        inside = r == 1;
    }
}

static int zstd_error(struct pump *p, size_t code)
{
    const char *name = ZSTD_getErrorName(code);
    if (strstr(name, "too much memory"))
        return err_set(&p->err, 0, "zstd: window of more than %u MiB is not accepted",
                       1U << (WINDOW_LOG_MAX - 20));
    return err_set(&p->err, 0, "zstd: %s near offset %llu of the blob", name,
                   (unsigned long long)(p->blob_size - (p->have - p->at)));
}

static int unzstd_with(struct pump *p, ZSTD_DCtx *ctx)
{
    size_t left = 1; /* 0: between frames */
    ZSTD_DCtx_setParameter(ctx, ZSTD_d_windowLogMax, WINDOW_LOG_MAX);
    for (bool full = false;;) {
        if (p->at == p->have && !full) {
            int r = refill(p);
            if (r < 0)
                return -1;
            if (r == 0)
                return left == 0 ? 0 : err_set(&p->err, 0, "unexpected EOF");
        }
        if (!room_for_data(p))
            return 1;
        ZSTD_inBuffer in = {p->buf + p->at, p->have - p->at, 0};
        ZSTD_outBuffer out = {p->slot->data + p->slot->n, RING_DATA - p->slot->n, 0};
        left = ZSTD_decompressStream(ctx, &out, &in);
        p->at += in.pos;
        filled(p, out.pos);
        if (ZSTD_isError(left))
            return zstd_error(p, left);
        if (ZSTD_sizeof_DCtx(ctx) > p->memory)
            p->memory = ZSTD_sizeof_DCtx(ctx);
        full = out.pos == out.size && left != 0;
    }
}

static int unzstd(struct pump *p)
{
    ZSTD_DCtx *ctx = ZSTD_createDCtx();
    if (!ctx)
        abort();
    int r = unzstd_with(p, ctx);
    ZSTD_freeDCtx(ctx);
    return r;
}

static int detect(struct pump *p)
{
    static const struct {
        const char *magic;
        size_t n;
        enum compression is;
    } known[] = {
        {"\x1f\x8b", 2, COMP_GZIP},
        {"\x28\xb5\x2f\xfd", 4, COMP_ZSTD},
        {"\xfd"
         "7zXZ\0",
         6, COMP_XZ},
        {"BZh", 3, COMP_BZIP2},
    };
    while (p->have < 6) {
        int r = refill(p);
        if (r < 0)
            return -1;
        if (r == 0)
            break;
    }
    p->compression = COMP_NONE;
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
        if (p->have >= known[i].n && memcmp(p->buf, known[i].magic, known[i].n) == 0)
            p->compression = known[i].is;
    if (p->have >= 4 && (p->buf[0] & 0xf0) == 0x50 && memcmp(p->buf + 1, "\x2a\x4d\x18", 3) == 0)
        p->compression = COMP_ZSTD; /* a skippable frame first */
    return 0;
}

static int decompress(struct pump *p)
{
    if (detect(p))
        return -1;
    switch (p->compression) {
    case COMP_GZIP:
        return gunzip(p);
    case COMP_ZSTD:
        return unzstd(p);
    case COMP_XZ:
        return err_set(&p->err, 0, "layer is compressed with xz, which is not supported");
    case COMP_BZIP2:
        return err_set(&p->err, 0, "layer is compressed with bzip2, which is not supported");
    default:
        return plain(p);
    }
}

/* The rest of the blob is only hashed: a wrong digest explains whatever went wrong inside. */
static void drain(struct pump *p)
{
    struct err kept = p->err;
    do
        p->at = p->have;
    while (refill(p) > 0);
    p->err = kept;
}

int pump_check(struct pump *p, const struct digest *got)
{
    const struct digest_text text = digest_text(got);
    if (p->too_large || p->err.sys != 0 || !p->want || strcmp(p->want, text.s) == 0)
        return p->err.code ? -1 : 0;
    if (p->want_size >= 0 && p->blob_size < (uint64_t)p->want_size)
        return -1;
    return err_set(&p->err, 0, "Digest did not match, expected %s, got %s", p->want, text.s);
}

void pump_run(struct pump *p)
{
    int r = decompress(p);
    if (r != 0 && p->want && !p->too_large && p->err.sys == 0)
        drain(p);
    if (!p->too_large && p->err.sys == 0 && (r >= 0 || p->want) && p->want_size >= 0 &&
        p->blob_size < (uint64_t)p->want_size)
        r = err_set(&p->err, 0, "unexpected EOF: blob ended after %llu of %lld bytes",
                    (unsigned long long)p->blob_size, (long long)p->want_size);
    if (r != 0 && p->slot)
        p->slot->n = 0;
    if (p->slot)
        ring_push(p->ring);
    ring_end(p->ring, r < 0 ? &p->err : NULL);
}
