/* The allocator of static programs: what is written stays, whatever is asked for meanwhile. */
#include "musl/alloc.h"

#include "check.h"
#include "dice.h"

#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define SLOTS 300

static size_t some_size(void)
{
    switch (dice(10)) {
    case 0:
        return dice(3);
    case 1:
        return 1 + dice(600000);
    case 2:
        return 1 + dice(20000);
    case 3:
        return (size_t)1 << dice(19);
    default:
        return 1 + dice(300);
    }
}

static struct slot {
    unsigned char *p, fill;
    size_t n;
} slots[SLOTS];

static int whole(const struct slot *s, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (s->p[i] != s->fill)
            return 0;
    return 1;
}

static void test_random(void)
{
    int good = 1;
    for (int i = 0; i < 60000; i++) {
        struct slot *s = slots + dice(SLOTS);
        size_t n = some_size();
        if (s->p && dice(2)) {
            good &= whole(s, s->n);
            unsigned char *p = small_realloc(s->p, n);
            s->p = p;
            good &= whole(s, n < s->n ? n : s->n);
        } else {
            if (s->p)
                good &= whole(s, s->n);
            small_free(s->p);
            size_t to = (size_t)16 << dice(9);
            int kind = (int)dice(4);
            s->p = kind == 0   ? small_calloc(n, 1)
                   : kind == 1 ? small_aligned(to, n)
                               : small_malloc(n);
            good &= kind != 1 || (uintptr_t)s->p % to == 0;
            s->fill = 0;
            good &= kind != 0 || whole(s, n);
        }
        good &= s->p && (uintptr_t)s->p % 16 == 0 && small_size(s->p) >= n;
        s->n = n;
        s->fill = (unsigned char)i;
        memset(s->p, s->fill, n);
    }
    for (int i = 0; i < SLOTS; i++)
        small_free(slots[i].p);
    CHECK("what was written stays", good);
}

static void test_growing(void)
{
    char *p = NULL, *moved = NULL;
    int moves = 0;
    for (size_t n = 1; n < 40000; n += 1 + n / 2) {
        p = small_realloc(p, n);
        moves += p != moved;
        moved = p;
    }
    CHECK("a growing buffer stays where it lies",
          moves <= 2); /* where it lies, and once into another run at most */
    small_free(p);
}

static void test_refusals(void)
{
    CHECK("too much", !small_malloc(PTRDIFF_MAX) && errno == ENOMEM);
    CHECK("too much of several", !small_calloc(SIZE_MAX / 2, 3) && errno == ENOMEM);
    CHECK("an alignment that is none", !small_aligned(48, 10) && errno == EINVAL);
    CHECK("too much and aligned", !small_aligned(64, SIZE_MAX - 10) && errno == ENOMEM);
    small_free(NULL);
    void *a = small_malloc(0), *b = small_malloc(0);
    CHECK("nothing twice is two blocks", a && b && a != b);
    small_free(a);
    small_free(b);
}

static int ends_by_abort(void (*fn)(char *))
{
    pid_t pid = fork();
    if (pid == 0) {
        fn(small_malloc(40));
        _exit(0);
    }
    int status;
    return waitpid(pid, &status, 0) == pid && WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT;
}

static void twice(char *p)
{
    small_free(p);
    small_free(p);
}

static void overrun(char *p)
{
    memset(p - 16, 'x', 16);
    small_free(p);
}

static void never_ours(char *p)
{
    small_free(p + 16);
}

int main(void)
{
    test_growing();
    test_random();
    test_refusals();
    CHECK("freed twice: abort", ends_by_abort(twice));
    CHECK("its header overwritten: abort", ends_by_abort(overrun));
    CHECK("not a block: abort", ends_by_abort(never_ours));
    return check_end();
}
