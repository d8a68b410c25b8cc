#include "rt.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

/* Is the run of n digits a number above INT64_MAX that fits 64 bits? */
static bool too_big(const char *p, size_t n, uint64_t *ret)
{
    char digits[24];
    if (n < 19 || n > 20)
        return false;
    memcpy(digits, p, n);
    digits[n] = '\0';
    return str_u64(digits, UINT64_MAX, ret) == 0 && *ret > INT64_MAX;
}

void spec_fold_numbers(struct buf *json)
{
    struct buf out = BUF_INIT;
    const char *done = buf_str(json);
    bool in_string = false;
    for (const char *p = done; *p; p++) {
        if (in_string && *p == '\\' && p[1])
            p++;
        else if (*p == '"')
            in_string = !in_string;
        else if (!in_string && isdigit((unsigned char)*p)) {
            size_t n = strspn(p, "0123456789");
            uint64_t v;
            bool whole = (p == json->s || (p[-1] != '-' && p[-1] != '.')) && p[n] != '.';
            if (whole && too_big(p, n, &v)) {
                buf_add(&out, done, (size_t)(p - done));
                buf_addf(&out, "%lld", (long long)v);
                done = p + n;
            }
            p += n - 1;
        }
    }
    if (!out.len)
        return;
    buf_adds(&out, done);
    buf_free(json);
    *json = out;
}
