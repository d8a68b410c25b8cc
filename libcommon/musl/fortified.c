/*
 * What archives of libraries ask of their C library when they were built for glibc with
 * _FORTIFY_SOURCE, and musl has not: the checked forms of a few functions, as the Linux Standard
 * Base describes them (part "libc", interfaces with _chk). A symbol that is missing here shows when
 * programs are linked.
 */
#include <features.h>

#ifndef __GLIBC__
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int __vsnprintf_chk(char *s, size_t n, int flag, size_t room, const char *fmt, va_list ap);
int __snprintf_chk(char *s, size_t n, int flag, size_t room, const char *fmt, ...);
int __sprintf_chk(char *s, int flag, size_t room, const char *fmt, ...);
int __fprintf_chk(FILE *f, int flag, const char *fmt, ...);
int __asprintf_chk(char **ret, int flag, const char *fmt, ...);
char *__strncpy_chk(char *to, const char *from, size_t n, size_t room);

int __vsnprintf_chk(char *s, size_t n, int flag, size_t room, const char *fmt, va_list ap)
{
    (void)flag;
    if (n > room)
        abort();
    return vsnprintf(s, n, fmt, ap);
}

int __snprintf_chk(char *s, size_t n, int flag, size_t room, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    int len = __vsnprintf_chk(s, n, flag, room, fmt, ap);
    va_end(ap);
    return len;
}

int __sprintf_chk(char *s, int flag, size_t room, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    int len = __vsnprintf_chk(s, room, flag, room, fmt, ap);
    va_end(ap);
    if (len >= 0 && (size_t)len >= room)
        abort();
    return len;
}

int __fprintf_chk(FILE *f, int flag, const char *fmt, ...)
{
    va_list ap;
    (void)flag;
    va_start(ap, fmt);
    int len = vfprintf(f, fmt, ap);
    va_end(ap);
    return len;
}

int __asprintf_chk(char **ret, int flag, const char *fmt, ...)
{
    va_list ap;
    (void)flag;
    va_start(ap, fmt);
    int len = vasprintf(ret, fmt, ap);
    va_end(ap);
    return len;
}

char *__strncpy_chk(char *to, const char *from, size_t n, size_t room)
{
    if (n > room)
        abort();
    return strncpy(to, from, n);
}
#endif
