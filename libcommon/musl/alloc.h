/*
 * malloc(3) for programs that live for milliseconds and have one thread. musl's own asks the kernel
 * for a page of each size that it is asked for and gives it back: a tenth of the time of `pod run`.
 * Programs that are linked with musl have these functions under the C library's names
 * (instead.c); others, and tests, have them beside it.
 *
 * Memory comes from a run that only grows; what is freed waits in a list of its size, sixteenths
 * of a kilobyte up to SMALL_MAX and powers of two above; from SMALL_LARGE on it is a mapping of
 * its own and goes back to the kernel. A block that is freed twice, or whose header was
 * overwritten, ends the process by abort().
 */
#ifndef POD_MUSL_ALLOC_H
#define POD_MUSL_ALLOC_H

#include <stddef.h>

#define SMALL_MAX   1024
#define SMALL_LARGE 262144

/* As the functions that they are named for: errno is ENOMEM with NULL, 16 bytes are aligned. */
void *small_malloc(size_t n);
void *small_calloc(size_t n, size_t size);
void *small_realloc(void *p, size_t n);
void *small_aligned(size_t alignment, size_t n);
void small_free(void *p);
size_t small_size(const void *p);

#endif
