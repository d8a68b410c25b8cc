#include "words/units.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#define SECOND 1000000000LL
#define DIGITS "0123456789"

static int fail(int why)
{
    errno = why;
    return -1;
}

/*
 * Reads digits[.digits] times scale, exactly down to the last unit. The fraction is kept as the
 * nearest that 18 digits can say.
 */
static int read_scaled(const char **s, uint64_t scale, const char *after_digits, uint64_t *ret)
{
    unsigned __int128 whole = 0, part = 0, tenth = 1;
    const char *p = *s;
    for (; *p >= '0' && *p <= '9'; p++) {
        whole = whole * 10 + (unsigned)(*p - '0');
        if (whole > UINT64_MAX)
            return fail(ERANGE);
    }
    if (*p == '.')
        for (p++; *p >= '0' && *p <= '9'; p++) {
            if (tenth >= (unsigned __int128)SECOND * SECOND)
                continue;
            part = part * 10 + (unsigned)(*p - '0');
            tenth *= 10;
        }
    if (p != after_digits)
        return fail(EINVAL);
    unsigned __int128 v = whole * scale + part * scale / tenth;
    if (v > UINT64_MAX)
        return fail(ERANGE);
    *s = p;
    *ret = (uint64_t)v;
    return 0;
}

/* Behind the digits: blank? [kmgtpe]? i? b?. Sets the power and whether there was an i. */
static int read_suffix(const char *s, int *power, bool *binary)
{
    static const char letters[] = "kmgtpe";
    *power = 0;
    *binary = false;
    if (*s == ' ' && s[1])
        s++;
    const char *found = *s ? strchr(letters, *s | 0x20) : NULL;
    if (found) {
        *power = (int)(found - letters) + 1;
        s++;
        *binary = *s == 'i' || *s == 'I';
        s += *binary;
    }
    s += *s == 'b' || *s == 'B';
    return *s ? fail(EINVAL) : 0;
}

static int read_bytes(const char *s, uint64_t base, uint64_t *ret)
{
    const char *end = s + strspn(s, DIGITS);
    int power;
    bool binary;
    if (end == s)
        return fail(EINVAL);
    if (*end == '.') {
        size_t n = strspn(end + 1, DIGITS);
        if (n == 0)
            return fail(EINVAL);
        end += 1 + n;
    }
    if (read_suffix(end, &power, &binary) < 0)
        return -1;
    uint64_t scale = 1;
    while (power-- > 0)
        scale *= binary ? 1024 : base;
    return read_scaled(&s, scale, end, ret);
}

int units_size_parse(const char *s, uint64_t *ret)
{
    return read_bytes(s, 1024, ret);
}

int units_size_parse_decimal(const char *s, uint64_t *ret)
{
    return read_bytes(s, 1000, ret);
}

void units_human_size(struct buf *out, uint64_t n, int digits, const char *gap)
{
    static const char *const names[] = {"B", "kB", "MB", "GB", "TB", "PB", "EB"};
    char text[64];
    size_t unit = 0;
    double v = (double)n;
    while (v >= 1000 && unit + 1 < sizeof names / sizeof *names) {
        v /= 1000;
        unit++;
    }
    snprintf(text, sizeof text, "%.*g", digits, v);
    /* 999.9 of three digits rounds to 1e+03, which nobody reads as a size */
    if (strchr(text, 'e') && unit + 1 < sizeof names / sizeof *names) {
        unit++;
        snprintf(text, sizeof text, "%.*g", digits, v / 1000);
    }
    buf_addf(out, "%s%s%s", text, gap, names[unit]);
}

void units_human_time(struct buf *out, int64_t ns)
{
    int64_t seconds = ns / SECOND, minutes = seconds / 60;
    int64_t hours = (ns / SECOND + 1800) / 3600; /* rounded, where minutes and seconds are not */
    if (seconds < 1)
        buf_adds(out, "Less than a second");
    else if (seconds == 1)
        buf_adds(out, "1 second");
    else if (seconds < 60)
        buf_addf(out, "%lld seconds", (long long)seconds);
    else if (minutes == 1)
        buf_adds(out, "About a minute");
    else if (minutes < 60)
        buf_addf(out, "%lld minutes", (long long)minutes);
    else if (hours == 1)
        buf_adds(out, "About an hour");
    else if (hours < 48)
        buf_addf(out, "%lld hours", (long long)hours);
    else if (hours < 24 * 7 * 2)
        buf_addf(out, "%lld days", (long long)hours / 24);
    else if (hours < 24 * 30 * 2)
        buf_addf(out, "%lld weeks", (long long)hours / 24 / 7);
    else if (hours < 24 * 365 * 2)
        buf_addf(out, "%lld months", (long long)hours / 24 / 30);
    else
        buf_addf(out, "%lld years", (long long)(seconds / 3600 / 24 / 365));
}

static const struct {
    const char *name;
    uint64_t ns;
} spans[] = {
    {"ns", 1},       {"us", 1000},  {"\xc2\xb5s", 1000}, {"\xce\xbcs", 1000},
    {"ms", 1000000}, {"s", SECOND}, {"m", 60 * SECOND},  {"h", 3600 * SECOND},
};

/* One number with its unit. */
static int read_span(const char **s, uint64_t *ret)
{
    const char *p = *s + strspn(*s, DIGITS);
    bool any = p > *s;
    if (*p == '.') {
        size_t n = strspn(p + 1, DIGITS);
        any |= n > 0;
        p += 1 + n;
    }
    if (!any)
        return fail(EINVAL);
    size_t len = strcspn(p, DIGITS ".");
    for (size_t i = 0; i < sizeof spans / sizeof *spans; i++) {
        if (strlen(spans[i].name) != len || memcmp(spans[i].name, p, len) != 0)
            continue;
        if (read_scaled(s, spans[i].ns, p, ret) < 0)
            return -1;
        *s = p + len;
        return 0;
    }
    return fail(EINVAL);
}

int units_duration(const char *s, int64_t *ret)
{
    bool minus = *s == '-';
    uint64_t sum = 0, one;
    if (*s == '-' || *s == '+')
        s++;
    if (!*s)
        return fail(EINVAL);
    if (strcmp(s, "0") != 0) {
        while (*s) {
            if (read_span(&s, &one) < 0)
                return -1;
            if (__builtin_add_overflow(sum, one, &sum) || sum > INT64_MAX)
                return fail(ERANGE);
        }
    }
    *ret = minus ? -(int64_t)sum : (int64_t)sum;
    return 0;
}

/* A number of units with its decimals, without the zeros behind. */
static void add_decimal(struct buf *out, uint64_t v, uint64_t unit, int decimals)
{
    char part[24];
    buf_addf(out, "%llu", (unsigned long long)(v / unit));
    if (v % unit == 0)
        return;
    int n = snprintf(part, sizeof part, "%0*llu", decimals, (unsigned long long)(v % unit));
    while (n > 0 && part[n - 1] == '0')
        part[--n] = '\0';
    buf_addf(out, ".%s", part);
}

void units_duration_text(struct buf *out, int64_t ns)
{
    uint64_t v = ns < 0 ? 0 - (uint64_t)ns : (uint64_t)ns;
    if (ns < 0)
        buf_addc(out, '-');
    if (v == 0) {
        buf_adds(out, "0s");
    } else if (v < 1000) {
        buf_addf(out, "%lluns", (unsigned long long)v);
    } else if (v < 1000000) {
        add_decimal(out, v, 1000, 3);
        buf_adds(out, "\xc2\xb5s");
    } else if (v < SECOND) {
        add_decimal(out, v, 1000000, 6);
        buf_adds(out, "ms");
    } else {
        uint64_t minutes = v / (60 * SECOND);
        if (minutes >= 60)
            buf_addf(out, "%lluh", (unsigned long long)minutes / 60);
        if (minutes)
            buf_addf(out, "%llum", (unsigned long long)minutes % 60);
        add_decimal(out, v % (60 * SECOND), SECOND, 9);
        buf_addc(out, 's');
    }
}
