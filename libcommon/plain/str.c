#include "plain/str.h"

#include "plain/buf.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool str_eq(const char *a, const char *b)
{
    return a == b || (a && b && strcmp(a, b) == 0);
}

bool str_starts(const char *s, const char *prefix)
{
    return strncmp(s, prefix, strlen(prefix)) == 0;
}

bool str_ends(const char *s, const char *suffix)
{
    size_t n = strlen(s), m = strlen(suffix);
    return n >= m && strcmp(s + n - m, suffix) == 0;
}

bool str_in(const char *s, const char *const *list)
{
    for (; *list; list++)
        if (strcmp(s, *list) == 0)
            return true;
    return false;
}

int str_u64(const char *s, uint64_t max, uint64_t *ret)
{
    uint64_t v = 0;
    if (!*s)
        return -1;
    for (; *s; s++) {
        if (*s < '0' || *s > '9')
            return -1;
        uint64_t d = (uint64_t)(*s - '0');
        if (v > (UINT64_MAX - d) / 10)
            return -1;
        v = v * 10 + d;
    }
    if (v > max)
        return -1;
    *ret = v;
    return 0;
}

int str_i64(const char *s, int64_t min, int64_t max, int64_t *ret)
{
    bool minus = *s == '-';
    uint64_t u;
    if (str_u64(s + minus, (uint64_t)INT64_MAX, &u) < 0)
        return -1;
    int64_t v = minus ? -(int64_t)u : (int64_t)u;
    if (v < min || v > max)
        return -1;
    *ret = v;
    return 0;
}

void strv_take(struct strv *l, char *s)
{
    if ((l->n & (l->n + 1)) == 0)
        l->v = xrealloc(l->v, (2 * l->n + 2) * sizeof *l->v);
    l->v[l->n++] = s;
    l->v[l->n] = NULL;
}

void strv_add(struct strv *l, const char *s)
{
    strv_take(l, xstrdup(s));
}

void strv_addf(struct strv *l, const char *fmt, ...)
{
    char *s;
    va_list ap;
    va_start(ap, fmt);
    if (vasprintf(&s, fmt, ap) < 0)
        abort();
    va_end(ap);
    strv_take(l, s);
}

void strv_split(struct strv *l, const char *s, char by)
{
    for (;;) {
        const char *end = strchr(s, by);
        if (!end) {
            strv_add(l, s);
            return;
        }
        strv_take(l, xstrndup(s, (size_t)(end - s)));
        s = end + 1;
    }
}

bool strv_has(const struct strv *l, const char *s)
{
    for (size_t i = 0; i < l->n; i++)
        if (strcmp(l->v[i], s) == 0)
            return true;
    return false;
}

static int by_bytes(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

void strv_sort(struct strv *l)
{
    if (l->n)
        qsort(l->v, l->n, sizeof *l->v, by_bytes);
}

void strv_sort_unique(struct strv *l)
{
    size_t n = 0;
    strv_sort(l);
    for (size_t i = 0; i < l->n; i++) {
        if (n && strcmp(l->v[n - 1], l->v[i]) == 0)
            free(l->v[i]);
        else
            l->v[n++] = l->v[i];
    }
    l->n = n;
    if (l->v)
        l->v[n] = NULL;
}

void strv_free(struct strv *l)
{
    for (size_t i = 0; i < l->n; i++)
        free(l->v[i]);
    free(l->v);
    *l = (struct strv)STRV_INIT;
}

static unsigned min3(unsigned a, unsigned b, unsigned c)
{
    unsigned m = a < b ? a : b;
    return m < c ? m : c;
}

unsigned str_distance(const char *a, const char *b)
{
    enum { MAX = 48 };
    unsigned d[3][MAX + 1];
    size_t n = strlen(a), m = strlen(b);
    if (n > MAX || m > MAX)
        return MAX;
    unsigned *before = d[0], *prev = d[1], *row = d[2];
    for (size_t j = 0; j <= m; j++)
        prev[j] = before[j] = (unsigned)j;
    for (size_t i = 1; i <= n; i++) {
        row[0] = (unsigned)i;
        for (size_t j = 1; j <= m; j++) {
            row[j] = min3(prev[j] + 1, row[j - 1] + 1, prev[j - 1] + (a[i - 1] != b[j - 1]));
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] &&
                before[j - 2] + 1 < row[j])
                row[j] = before[j - 2] + 1;
        }
        unsigned *old = before;
        before = prev;
        prev = row;
        row = old;
    }
    return prev[m];
}

int str_copy(char *dst, size_t size, const char *src)
{
    size_t n = strlen(src);
    if (n >= size) {
        dst[0] = '\0';
        errno = ENAMETOOLONG;
        return -1;
    }
    memcpy(dst, src, n + 1);
    return 0;
}
