/*
 * What programs that are linked with musl have instead of parts of it.
 *
 * memcpy(3), by the linker's --wrap: musl's begins with `rep movsq` whatever the length, some 30
 * ns, and a JSON parser copies its text by the byte. malloc(3) and its like: musl/alloc.h.
 */
#include <features.h>

#ifndef __GLIBC__
#include "musl/alloc.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

size_t malloc_usable_size(void *p);
void *memalign(size_t alignment, size_t n);

void *malloc(size_t n)
{
    return small_malloc(n);
}

void *calloc(size_t n, size_t size)
{
    return small_calloc(n, size);
}

void *realloc(void *p, size_t n)
{
    return small_realloc(p, n);
}

void free(void *p)
{
    small_free(p);
}

void *aligned_alloc(size_t alignment, size_t n)
{
    return small_aligned(alignment, n);
}

void *memalign(size_t alignment, size_t n)
{
    return small_aligned(alignment, n);
}

int posix_memalign(void **ret, size_t alignment, size_t n)
{
    int saved = errno;
    void *p = small_aligned(alignment, n);
    int failed = p ? 0 : errno;
    errno = saved;
    if (p)
        *ret = p;
    return failed;
}

size_t malloc_usable_size(void *p)
{
    return small_size(p);
}

#ifdef __x86_64__
#include <emmintrin.h>

#define BY_MICROCODE 512 /* from here up `rep movsb` is the fastest */

static void copy_16(unsigned char *to, const unsigned char *from)
{
    _mm_storeu_si128((__m128i_u *)(void *)to,
                     _mm_loadu_si128((const __m128i_u *)(const void *)from));
}

void *__wrap_memcpy(void *restrict dest, const void *restrict src, size_t n);

void *__wrap_memcpy(void *restrict dest, const void *restrict src, size_t n)
{
    unsigned char *to = dest;
    const unsigned char *from = src;
    if (n >= BY_MICROCODE) {
        void *d = dest;
        __asm__ volatile("rep movsb" : "+D"(d), "+S"(src), "+c"(n) : : "memory");
        return dest;
    }
    if (n >= 16) {
        for (size_t i = 0; i + 16 < n; i += 16)
            copy_16(to + i, from + i);
        copy_16(to + n - 16, from + n - 16); /* the rest, overlapping */
        return dest;
    }
    if (n >= 8) {
        uint64_t first, last;
        __builtin_memcpy(&first, from, 8);
        __builtin_memcpy(&last, from + n - 8, 8);
        __builtin_memcpy(to, &first, 8);
        __builtin_memcpy(to + n - 8, &last, 8);
        return dest;
    }
    if (n >= 4) {
        uint32_t first, last;
        __builtin_memcpy(&first, from, 4);
        __builtin_memcpy(&last, from + n - 4, 4);
        __builtin_memcpy(to, &first, 4);
        __builtin_memcpy(to + n - 4, &last, 4);
        return dest;
    }
    if (n > 0) {
        unsigned char last = from[n - 1], middle = from[n / 2];
        to[0] = from[0];
        to[n / 2] = middle;
        to[n - 1] = last;
    }
    return dest;
}
#endif
#endif
