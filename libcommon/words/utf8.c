#include "words/utf8.h"

#include <stdbool.h>

static bool is_code_point(uint32_t cp)
{
    return cp <= 0x10ffff && (cp < 0xd800 || cp > 0xdfff);
}

size_t utf8_next(const char *s, size_t n, uint32_t *ret)
{
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    const unsigned char *u = (const unsigned char *)s;
    size_t len = u[0] < 0x80             ? 1
                 : (u[0] & 0xe0) == 0xc0 ? 2
                 : (u[0] & 0xf0) == 0xe0 ? 3
                 : (u[0] & 0xf8) == 0xf0 ? 4
                                         : 0;
    *ret = UTF8_BAD;
    if (len == 0 || len > n)
        return 1;
    uint32_t cp = len == 1 ? u[0] : u[0] & (0x7fU >> len);
    for (size_t i = 1; i < len; i++) {
        if ((u[i] & 0xc0) != 0x80)
            return 1;
        cp = cp << 6 | (u[i] & 0x3fU);
    }
    if (cp < least[len] || !is_code_point(cp))
        return 1;
    *ret = cp;
    return len;
}

size_t utf8_count(const char *s, size_t n)
{
    size_t count = 0;
    uint32_t cp;
    for (size_t i = 0; i < n; count++)
        i += utf8_next(s + i, n - i, &cp);
    return count;
}

void utf8_put(struct buf *b, uint32_t cp)
{
    if (!is_code_point(cp))
        cp = UTF8_BAD;
    if (cp < 0x80) {
        buf_addc(b, (char)cp);
        return;
    }
    if (cp < 0x800) {
        buf_addc(b, (char)(0xc0 | cp >> 6));
    } else {
        if (cp < 0x10000) {
            buf_addc(b, (char)(0xe0 | cp >> 12));
        } else {
            buf_addc(b, (char)(0xf0 | cp >> 18));
            buf_addc(b, (char)(0x80 | (cp >> 12 & 0x3f)));
        }
        buf_addc(b, (char)(0x80 | (cp >> 6 & 0x3f)));
    }
    buf_addc(b, (char)(0x80 | (cp & 0x3f)));
}
