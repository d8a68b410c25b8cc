#include "inflate.h"

#include "plain/buf.h"

#include <errno.h>
#include <isa-l/igzip_lib.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zstd.h>

#define IN_SIZE ((size_t)256 << 10)
/* What `zstd -d` takes without being asked: 128 MiB of window. */
#define WINDOW_LOG_MAX 27

/* Reads more of the blob behind what is there; 1, 0 at the end, -1. */
static int refill(struct pump *p)
{
    if (p->eof)
        return 0;
    if (p->at > 0) {
        memmove(p->buf, p->buf + p->at, p->have - p->at);
        p->have -= p->at;
        p->at = 0;
    }
    size_t want = IN_SIZE - p->have;
    if (want > p->limit - p->blob_size)
        want = (size_t)(p->limit - p->blob_size);
    ssize_t n = 0;
    while (want > 0 && (n = read(p->in, p->buf + p->have, want)) < 0)
        if (errno != EINTR)
            return err_sys(&p->err, "reading blob");
    if (n <= 0) {
        p->eof = true;
        return 0;
    }
    sha256_add(p->hash, p->buf + p->have, (size_t)n);
    p->have += (size_t)n;
    p->blob_size += (uint64_t)n;
    if (p->want_size >= 0 && p->blob_size > (uint64_t)p->want_size)
        return err_set(&p->err, 0, "blob is larger than the %lld bytes that were announced",
                       (long long)p->want_size);
    return 1;
}

/* Room in the current slot, a new one when it is full; false when nobody wants more. */
static bool room(struct pump *p)
{
    if (p->slot && p->fill == RING_SLOT) {
        ring_push(p->ring, p->fill);
        p->slot = NULL;
    }
    if (!p->slot) {
        p->slot = ring_slot(p->ring);
        p->fill = 0;
    }
    return p->slot != NULL;
}

static void filled(struct pump *p, size_t n)
{
    p->fill += n;
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
        if (!room(p))
            return 1;
        size_t n = p->have - p->at, space = RING_SLOT - p->fill;
        if (n > space)
            n = space;
        memcpy(p->slot + p->fill, p->buf + p->at, n);
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
    st->next_out = (unsigned char *)p->slot + p->fill;
    st->avail_out = (uint32_t)(RING_SLOT - p->fill);
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
        if (!room(p))
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
        if (!room(p))
            return 1;
        ZSTD_inBuffer in = {p->buf + p->at, p->have - p->at, 0};
        ZSTD_outBuffer out = {p->slot + p->fill, RING_SLOT - p->fill, 0};
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

static int check_blob(struct pump *p)
{
    char got[DIGEST_HEX + 8];
    memcpy(got, digest_text(&p->blob).s, sizeof got);
    if (p->want_size >= 0 && p->blob_size < (uint64_t)p->want_size)
        return err_set(&p->err, 0, "unexpected EOF: blob ended after %llu of %lld bytes",
                       (unsigned long long)p->blob_size, (long long)p->want_size);
    if (p->want && strcmp(p->want, got) != 0)
        return err_set(&p->err, 0, "Digest did not match, expected %s, got %s", p->want, got);
    return 0;
}

void pump_run(struct pump *p)
{
    p->buf = xmalloc(IN_SIZE);
    int r = decompress(p);
    bool too_large = p->want_size >= 0 && p->blob_size > (uint64_t)p->want_size;
    if (r != 0 && p->want && !too_large && p->err.sys == 0)
        drain(p);
    p->blob = sha256_end(p->hash);
    p->hash = NULL;
    if (!too_large && p->err.sys == 0 && (r >= 0 || p->want) && check_blob(p))
        r = -1;
    if (r == 0 && p->slot && p->fill > 0)
        ring_push(p->ring, p->fill);
    p->ok = r == 0;
    ring_end(p->ring, r < 0 ? &p->err : NULL);
    free(p->buf);
}
