#include "words/base64.h"

#include <stdint.h>
#include <string.h>

static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

int base64_decode(const char *s, struct buf *ret)
{
    size_t n = strspn(s, digits), pad = strspn(s + n, "=");
    if (s[n + pad] || pad > 2 || (pad && (n + pad) % 4) || n % 4 == 1)
        return -1;
    uint32_t v = 0;
    for (size_t i = 0; i < n; i++) {
        v = v << 6 | (uint32_t)(strchr(digits, s[i]) - digits);
        if (i % 4)
            buf_addc(ret, (char)(v >> (6 - 2 * (i % 4))));
    }
    return 0;
}

void base64_encode(const void *p, size_t n, struct buf *ret)
{
    const unsigned char *b = p;
    for (size_t i = 0; i < n; i += 3) {
        uint32_t v = (uint32_t)b[i] << 16 | (i + 1 < n ? (uint32_t)b[i + 1] << 8 : 0) |
                     (i + 2 < n ? b[i + 2] : 0);
        buf_addc(ret, digits[v >> 18]);
        buf_addc(ret, digits[v >> 12 & 63]);
        buf_addc(ret, i + 1 < n ? digits[v >> 6 & 63] : '=');
        buf_addc(ret, i + 2 < n ? digits[v & 63] : '=');
    }
}
