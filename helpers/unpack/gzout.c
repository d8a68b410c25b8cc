#include "gzout.h"

#include "plain/buf.h"
#include "plain/fdio.h"

#include <errno.h>
#include <isa-l/igzip_lib.h>
#include <stdlib.h>
#include <string.h>

#define TEXT ((size_t)128 << 10)

struct gzout {
    int fd, sys;
    struct isal_zstream st;
    size_t len;
    unsigned char in[TEXT], out[TEXT], level[ISAL_DEF_LVL1_DEFAULT];
};

struct gzout *gzout_new(int fd)
{
    struct gzout *z = xmalloc(sizeof *z);
    z->fd = fd;
    z->sys = 0;
    z->len = 0;
    isal_deflate_init(&z->st);
    z->st.gzip_flag = IGZIP_GZIP;
    z->st.level = 1;
    z->st.level_buf = z->level;
    z->st.level_buf_size = sizeof z->level;
    return z;
}

static void squeeze(struct gzout *z, int last)
{
    z->st.next_in = z->in;
    z->st.avail_in = (uint32_t)z->len;
    z->st.end_of_stream = (uint16_t)last;
    do {
        z->st.next_out = z->out;
        z->st.avail_out = TEXT;
        if (isal_deflate(&z->st) != COMP_OK)
            abort();
        size_t n = TEXT - z->st.avail_out;
        if (!z->sys && fd_write_all(z->fd, z->out, n) < 0)
            z->sys = errno;
    } while (z->st.avail_out == 0 || z->st.avail_in > 0);
    z->len = 0;
}

void gzout_add(struct gzout *z, const void *p, size_t n)
{
    const char *s = p;
    while (n > 0) {
        size_t k = TEXT - z->len < n ? TEXT - z->len : n;
        memcpy(z->in + z->len, s, k);
        z->len += k;
        s += k;
        n -= k;
        if (z->len == TEXT)
            squeeze(z, 0);
    }
}

void gzout_base64(struct gzout *z, const void *p, size_t n)
{
    static const char set[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const unsigned char *s = p;
    while (n > 0) {
        if (TEXT - z->len < 4)
            squeeze(z, 0);
        unsigned char *o = z->in + z->len, *start = o;
        size_t triples = (TEXT - z->len) / 4;
        for (; n >= 3 && triples > 0; triples--, s += 3, n -= 3, o += 4) {
            uint32_t v = (uint32_t)s[0] << 16 | (uint32_t)s[1] << 8 | s[2];
            o[0] = (unsigned char)set[v >> 18];
            o[1] = (unsigned char)set[v >> 12 & 63];
            o[2] = (unsigned char)set[v >> 6 & 63];
            o[3] = (unsigned char)set[v & 63];
        }
        if (n > 0 && n < 3 && triples > 0) {
            uint32_t v = (uint32_t)s[0] << 16 | (n == 2 ? (uint32_t)s[1] << 8 : 0);
            o[0] = (unsigned char)set[v >> 18];
            o[1] = (unsigned char)set[v >> 12 & 63];
            o[2] = n == 2 ? (unsigned char)set[v >> 6 & 63] : '=';
            o[3] = '=';
            o += 4;
            n = 0;
        }
        z->len += (size_t)(o - start);
    }
}

int gzout_end(struct gzout *z)
{
    squeeze(z, 1);
    int sys = z->sys;
    free(z);
    return sys;
}
