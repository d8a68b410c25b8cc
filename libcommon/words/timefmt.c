#include "words/timefmt.h"

#include "words/units.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SECOND    1000000000LL
#define LAST_TIME 253402300799LL /* 9999-12-31T23:59:59Z */

struct timespec timefmt_clock(void)
{
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    return t;
}

struct timespec timefmt_from_ns(int64_t ns)
{
    int64_t s = ns / SECOND, part = ns % SECOND;
    if (part < 0) {
        part += SECOND;
        s--;
    }
    return (struct timespec){.tv_sec = (time_t)s, .tv_nsec = (long)part};
}

int64_t timefmt_to_ns(struct timespec t)
{
    int64_t ns;
    if (__builtin_mul_overflow((int64_t)t.tv_sec, SECOND, &ns) ||
        __builtin_add_overflow(ns, (int64_t)t.tv_nsec, &ns))
        return t.tv_sec < 0 ? INT64_MIN : INT64_MAX;
    return ns;
}

/* Days since 1970-01-01 of the proleptic Gregorian calendar; years begin in March here. */
static int64_t days_of(int64_t y, int m, int d)
{
    y -= m <= 2;
    int64_t era = y / 400, of_era = y % 400;
    int64_t of_year = (153 * (m + (m > 2 ? -3 : 9)) + 2) / 5 + d - 1;
    return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

static int days_in(int year, int month)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    return days[month - 1] + (month == 2 && leap);
}

static void add_date(struct buf *out, const struct tm *tm, char between, long nsec)
{
    char part[16];
    buf_addf(out, "%04d-%02d-%02d%c%02d:%02d:%02d", tm->tm_year + 1900, tm->tm_mon + 1, tm->tm_mday,
             between, tm->tm_hour, tm->tm_min, tm->tm_sec);
    if (nsec <= 0 || nsec >= SECOND)
        return;
    int n = snprintf(part, sizeof part, ".%09ld", nsec);
    while (part[n - 1] == '0')
        part[--n] = '\0';
    buf_adds(out, part);
}

static time_t bounded(time_t t)
{
    return t < TIMEFMT_NEVER ? TIMEFMT_NEVER : t > LAST_TIME ? LAST_TIME : t;
}

void timefmt_rfc3339(struct buf *out, struct timespec t)
{
    struct tm tm = {0};
    time_t s = bounded(t.tv_sec);
    gmtime_r(&s, &tm);
    add_date(out, &tm, 'T', t.tv_nsec);
    buf_addc(out, 'Z');
}

void timefmt_now(char *out, size_t size)
{
    cleanup(buf_free) struct buf b = BUF_INIT;
    timefmt_rfc3339(&b, timefmt_clock());
    snprintf(out, size, "%s", b.s);
}

void timefmt_go(struct buf *out, struct timespec t, enum timefmt_zone zone)
{
    struct tm tm = {0};
    time_t s = bounded(t.tv_sec);
    if (zone == TIMEFMT_LOCAL)
        localtime_r(&s, &tm);
    else
        gmtime_r(&s, &tm);
    long off = zone == TIMEFMT_LOCAL ? tm.tm_gmtoff : 0;
    add_date(out, &tm, ' ', t.tv_nsec);
    buf_addf(out, " %c%02ld%02ld %s", off < 0 ? '-' : '+', labs(off) / 3600, labs(off) / 60 % 60,
             zone == TIMEFMT_LOCAL && tm.tm_zone ? tm.tm_zone : "UTC");
}

void timefmt_ago(struct buf *out, struct timespec t, struct timespec now)
{
    if (t.tv_sec <= TIMEFMT_NEVER)
        return;
    int64_t ns;
    if (__builtin_sub_overflow(timefmt_to_ns(now), timefmt_to_ns(t), &ns))
        ns = INT64_MAX;
    units_human_time(out, ns);
    buf_adds(out, " ago");
}

static int bad(void)
{
    errno = EINVAL;
    return -1;
}

/* Exactly n digits. */
static int read_int(const char **s, int n, int *ret)
{
    int v = 0;
    for (int i = 0; i < n; i++, (*s)++) {
        if (**s < '0' || **s > '9')
            return -1;
        v = v * 10 + (**s - '0');
    }
    *ret = v;
    return 0;
}

static int expect(const char **s, char c)
{
    if (**s != c)
        return -1;
    (*s)++;
    return 0;
}

/* Fraction digits behind the dot, as nanoseconds; at least one. */
static int read_fraction(const char **s, long *ret)
{
    long v = 0, unit = SECOND / 10;
    if (**s < '0' || **s > '9')
        return -1;
    for (; **s >= '0' && **s <= '9'; (*s)++) {
        v += (**s - '0') * unit;
        unit /= 10;
    }
    *ret = v;
    return 0;
}

struct fields {
    int year, month, day, hour, minute, second;
    long nsec;
    bool zoned;
    int offset; /* seconds east */
};

static int read_date(const char **s, struct fields *f)
{
    if (read_int(s, 4, &f->year) < 0 || expect(s, '-') < 0 || read_int(s, 2, &f->month) < 0 ||
        expect(s, '-') < 0 || read_int(s, 2, &f->day) < 0)
        return -1;
    if (f->year < 1 || f->month < 1 || f->month > 12 || f->day < 1 ||
        f->day > days_in(f->year, f->month))
        return -1;
    return 0;
}

static int read_clock(const char **s, struct fields *f)
{
    if (read_int(s, 2, &f->hour) < 0 || expect(s, ':') < 0 || read_int(s, 2, &f->minute) < 0)
        return -1;
    if (**s == ':') {
        (*s)++;
        if (read_int(s, 2, &f->second) < 0)
            return -1;
        if (**s == '.' || **s == ',') {
            (*s)++;
            if (read_fraction(s, &f->nsec) < 0)
                return -1;
        }
    }
    return f->hour > 23 || f->minute > 59 || f->second > 59 ? -1 : 0;
}

static int read_zone(const char **s, struct fields *f)
{
    int hours, minutes;
    char c = **s;
    if (c != 'Z' && c != 'z' && c != '+' && c != '-')
        return 0;
    (*s)++;
    f->zoned = true;
    if (c == 'Z' || c == 'z')
        return 0;
    if (read_int(s, 2, &hours) < 0 || expect(s, ':') < 0 || read_int(s, 2, &minutes) < 0 ||
        hours > 24 || minutes > 59)
        return -1;
    f->offset = (hours * 60 + minutes) * (c == '-' ? -60 : 60);
    return 0;
}

static struct timespec time_of(const struct fields *f)
{
    int64_t s = days_of(f->year, f->month, f->day) * 86400 + f->hour * 3600 + f->minute * 60 +
                f->second - f->offset;
    if (!f->zoned) {
        struct tm tm = {.tm_year = f->year - 1900,
                        .tm_mon = f->month - 1,
                        .tm_mday = f->day,
                        .tm_hour = f->hour,
                        .tm_min = f->minute,
                        .tm_sec = f->second,
                        .tm_isdst = -1};
        s = mktime(&tm);
    }
    return (struct timespec){.tv_sec = (time_t)s, .tv_nsec = f->nsec};
}

int timefmt_parse(const char *s, struct timespec *ret)
{
    struct fields f = {0};
    if (read_date(&s, &f) < 0 || (*s != 'T' && *s != 't'))
        return bad();
    s++;
    if (read_clock(&s, &f) < 0 || read_zone(&s, &f) < 0 || !f.zoned || *s)
        return bad();
    *ret = time_of(&f);
    return 0;
}

static int parse_seconds(const char *s, struct timespec *ret)
{
    int64_t seconds = 0;
    long nsec = 0;
    const char *p = s;
    for (; *p >= '0' && *p <= '9'; p++) {
        seconds = seconds * 10 + (*p - '0');
        if (seconds > LAST_TIME)
            return -1;
    }
    if (p == s)
        return -1;
    if (*p == '.') {
        p++;
        if (read_fraction(&p, &nsec) < 0)
            return -1;
    }
    if (*p)
        return -1;
    *ret = (struct timespec){.tv_sec = (time_t)seconds, .tv_nsec = nsec};
    return 0;
}

static int parse_date(const char *s, struct timespec *ret)
{
    struct fields f = {0};
    if (read_date(&s, &f) < 0)
        return -1;
    if ((*s == 'T' || *s == 't' || *s == ' ') && (s++, read_clock(&s, &f) < 0))
        return -1;
    if (read_zone(&s, &f) < 0 || *s)
        return -1;
    *ret = time_of(&f);
    return 0;
}

static int point(const char *s, struct timespec now, bool forward, struct timespec *ret)
{
    int64_t far, then, ns = timefmt_to_ns(now);
    if (parse_seconds(s, ret) == 0 || parse_date(s, ret) == 0)
        return 0;
    if (units_duration(s, &far) < 0)
        return bad();
    if (forward ? __builtin_add_overflow(ns, far, &then) : __builtin_sub_overflow(ns, far, &then))
        return bad();
    *ret = timefmt_from_ns(then);
    return 0;
}

int timefmt_point(const char *s, struct timespec now, struct timespec *ret)
{
    return point(s, now, false, ret);
}

int timefmt_until(const char *s, struct timespec now, struct timespec *ret)
{
    return point(s, now, true, ret);
}
