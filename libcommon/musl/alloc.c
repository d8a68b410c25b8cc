#include "musl/alloc.h"

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define GRAIN   16
#define PAGE    4096
#define FIRST   65536     /* of the program's own, before the kernel is asked */
#define MORE    (1 << 19) /* any block of a list, and its head */
#define EXACT   (SMALL_MAX / GRAIN)
#define CLASSES (EXACT + 9) /* 2 kB … 256 kB, and one that is never used */
#define USED    0x6b6c6f42U
#define WAITING 0x65657266U
#define A_MAP   0x2070614dU
#define SHIFTED 0x66696873U

/* Before every block. Of a SHIFTED one, size is how far the true block lies before it. */
struct head {
    size_t size; /* of what follows */
    uint32_t state, cls;
};

struct waiting {
    struct waiting *next;
};

static char first[FIRST] __attribute__((aligned(GRAIN)));
static char *at = first, *end = first + FIRST;
static struct waiting *lists[CLASSES];

static size_t rounded(size_t n, size_t to)
{
    return (n + to - 1) & ~(to - 1);
}

static struct head *head_of(const void *p)
{
    return (struct head *)(uintptr_t)p - 1;
}

static struct head *checked(const void *p)
{
    struct head *h = head_of(p);
    if (h->state == SHIFTED)
        h = head_of((const char *)p - h->size);
    if (h->state != USED && h->state != A_MAP)
        abort();
    return h;
}

static size_t class_of(size_t n, size_t *ret_size)
{
    if (n <= SMALL_MAX) {
        *ret_size = n ? rounded(n, GRAIN) : GRAIN;
        return *ret_size / GRAIN - 1;
    }
    size_t cls = EXACT, size = (size_t)SMALL_MAX * 2;
    while (size < n)
        size *= 2, cls++;
    *ret_size = size;
    return cls;
}

static void *no_memory(void)
{
    errno = ENOMEM;
    return NULL;
}

static void *from_kernel(size_t size)
{
    void *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, 0, 0);
    return p == MAP_FAILED ? NULL : p;
}

static void *mapped(size_t n)
{
    size_t size = rounded(n + sizeof(struct head), PAGE);
    struct head *h = from_kernel(size);
    if (!h)
        return no_memory();
    *h = (struct head){size - sizeof *h, A_MAP, 0};
    return h + 1;
}

/* What is left of the run is lost to us: it was smaller than what is asked for. */
static bool grow(void)
{
    char *p = from_kernel(MORE);
    if (!p)
        return false;
    at = p;
    end = p + MORE;
    return true;
}

static void *take(size_t n)
{
    size_t size;
    if (n > SMALL_LARGE)
        return n > PTRDIFF_MAX - 2 * PAGE ? no_memory() : mapped(n);
    size_t cls = class_of(n, &size);
    struct waiting *w = lists[cls];
    if (w) {
        struct head *h = head_of(w);
        if (h->state != WAITING)
            abort();
        lists[cls] = w->next;
        h->state = USED;
        return w;
    }
    if ((size_t)(end - at) < size + sizeof(struct head) && !grow())
        return no_memory();
    struct head *h = (struct head *)(void *)at;
    *h = (struct head){size, USED, (uint32_t)cls};
    at += sizeof *h + size;
    return h + 1;
}

void *small_malloc(size_t n)
{
    return take(n);
}

void small_free(void *p)
{
    int saved = errno;
    if (!p)
        return;
    struct head *h = checked(p);
    if (h->state == A_MAP) {
        munmap(h, h->size + sizeof *h);
    } else {
        struct waiting *w = (struct waiting *)(void *)(h + 1);
        w->next = lists[h->cls];
        lists[h->cls] = w;
        h->state = WAITING;
    }
    errno = saved;
}

void *small_calloc(size_t n, size_t size)
{
    size_t total;
    if (__builtin_mul_overflow(n, size, &total))
        return no_memory();
    void *p = take(total);
    return p && head_of(p)->state != A_MAP ? memset(p, 0, total) : p;
}

size_t small_size(const void *p)
{
    const struct head *h = p ? checked(p) : NULL;
    return h ? (size_t)((const char *)(h + 1) + h->size - (const char *)p) : 0;
}

/* The last block of the run goes on where it lies, which is what a growing buffer wants. */
static bool extend(struct head *h, size_t n)
{
    size_t size, cls = class_of(n, &size);
    char *after = (char *)(h + 1) + h->size;
    if (h->state != USED || after != at || (size_t)(end - (char *)(h + 1)) < size)
        return false;
    h->size = size;
    h->cls = (uint32_t)cls;
    at = (char *)(h + 1) + size;
    return true;
}

void *small_realloc(void *p, size_t n)
{
    if (!p)
        return take(n);
    size_t have = small_size(p);
    if (n <= have && n >= have / 4)
        return p;
    if (n > have && n <= SMALL_LARGE && head_of(p)->state != SHIFTED && extend(head_of(p), n))
        return p;
    void *to = take(n);
    if (!to)
        return NULL;
    memcpy(to, p, n < have ? n : have);
    small_free(p);
    return to;
}

void *small_aligned(size_t alignment, size_t n)
{
    if (alignment & (alignment - 1)) {
        errno = EINVAL;
        return NULL;
    }
    if (alignment <= GRAIN)
        return take(n);
    if (n > PTRDIFF_MAX - alignment)
        return no_memory();
    char *p = take(n + alignment);
    if (!p)
        return NULL;
    char *to = (char *)rounded((uintptr_t)p, alignment);
    if (to != p)
        *head_of(to) = (struct head){(size_t)(to - p), SHIFTED, 0};
    return to;
}
