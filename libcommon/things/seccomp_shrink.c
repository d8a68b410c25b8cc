/*
 * A filter that decides as another does, in fewer instructions: the kernel checks, translates and
 * tries out every one of them at each start, which is 0.3 ms for what libseccomp makes of the
 * usual profile.
 *
 * What such a program does depends on three things: the architecture, the call's number, and for
 * a few calls on arguments. It is run here for every architecture that it knows and one number
 * out of each range between the constants that it compares with, until it returns or first looks
 * at an argument. Neighbours that end alike are one range; ranges become a binary tree, and what
 * lies behind a look at an argument is copied. A program that does anything else stays as it is.
 *
 * The new program is written from its end to its beginning, since jumps go forward only: whatever
 * is to be jumped to is there already.
 */
#include "things/seccomp.h"

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define NR_AT     ((uint32_t)offsetof(struct seccomp_data, nr))
#define ARCH_AT   ((uint32_t)offsetof(struct seccomp_data, arch))
#define MAX_JUMP  255U
#define MAX_ARCHS 16
#define MAX_NEW   4096U

/* How the old program ends: it returns value, or value is where it looks at an argument. */
struct end {
    bool looks;
    uint32_t value;
};

struct range {
    uint32_t first;
    struct end end;
};

struct old {
    const struct sock_filter *code;
    size_t n;
    uint32_t *firsts; /* of ranges that it cannot tell numbers within apart, ascending */
    size_t n_firsts;
    uint32_t archs[MAX_ARCHS]; /* the first stands for all that it does not know */
    size_t n_archs;
    bool *copied; /* of its instructions, those behind a look at an argument */
};

/* reversed: at[0] is the last instruction */
struct new
{
    struct sock_filter at[MAX_NEW];
    size_t n;
    uint32_t *place; /* of the old program's instructions: index in at, + 1 */
    bool full;
};

/* ---- the old program ---- */

static bool add_arch(struct old *o, uint32_t arch)
{
    for (size_t i = 1; i < o->n_archs; i++)
        if (o->archs[i] == arch)
            return true;
    if (o->n_archs == MAX_ARCHS)
        return false;
    o->archs[o->n_archs++] = arch;
    return true;
}

static bool holds(uint16_t code, uint32_t a, uint32_t k)
{
    switch (BPF_OP(code)) {
    case BPF_JEQ:
        return a == k;
    case BPF_JGT:
        return a > k;
    default:
        return a >= k;
    }
}

/* false: this is not a program that we understand. */
static bool run(struct old *o, uint32_t arch, uint32_t nr, struct end *ret)
{
    uint32_t a = 0;
    bool of_arch = false;
    for (size_t pc = 0; pc < o->n; pc++) {
        const struct sock_filter *f = o->code + pc;
        switch (f->code) {
        case BPF_LD | BPF_W | BPF_ABS:
            of_arch = f->k == ARCH_AT;
            a = of_arch ? arch : nr;
            if (of_arch || f->k == NR_AT)
                break;
            *ret = (struct end){true, (uint32_t)pc};
            return true;
        case BPF_RET | BPF_K:
            *ret = (struct end){false, f->k};
            return true;
        case BPF_JMP | BPF_JA:
            if (f->k >= o->n - pc)
                return false;
            pc += f->k;
            break;
        case BPF_JMP | BPF_JEQ | BPF_K:
        case BPF_JMP | BPF_JGT | BPF_K:
        case BPF_JMP | BPF_JGE | BPF_K:
            if (of_arch && (BPF_OP(f->code) != BPF_JEQ || !add_arch(o, f->k)))
                return false;
            pc += holds(f->code, a, f->k) ? f->jt : f->jf;
            break;
        default:
            return false;
        }
    }
    return false;
}

static int ascending(const void *a, const void *b)
{
    const uint32_t *x = a, *y = b;
    return (*x > *y) - (*x < *y);
}

/* Every constant of a comparison begins a range, and so does what follows it. */
static void find_firsts(struct old *o)
{
    size_t n = 0;
    o->firsts = xcalloc(2 * o->n + 1, sizeof *o->firsts);
    o->firsts[n++] = 0;
    for (size_t i = 0; i < o->n; i++) {
        const struct sock_filter *f = o->code + i;
        if (BPF_CLASS(f->code) != BPF_JMP || BPF_OP(f->code) == BPF_JA)
            continue;
        o->firsts[n++] = f->k;
        if (f->k < UINT32_MAX)
            o->firsts[n++] = f->k + 1;
    }
    qsort(o->firsts, n, sizeof *o->firsts, ascending);
    for (size_t i = 0; i < n; i++)
        if (i == 0 || o->firsts[i] != o->firsts[o->n_firsts - 1])
            o->firsts[o->n_firsts++] = o->firsts[i];
}

/* An architecture that no comparison names. */
static uint32_t unknown_arch(const struct old *o)
{
    uint32_t arch = 0;
    for (size_t i = 0; i < o->n_firsts; i++)
        if (o->firsts[i] == arch)
            arch++;
    return arch;
}

static bool same(const struct end *a, const struct end *b)
{
    return a->looks == b->looks && a->value == b->value;
}

static bool find_ranges(struct old *o, uint32_t arch, struct range *ret, size_t *ret_n)
{
    size_t n = 0;
    for (size_t i = 0; i < o->n_firsts; i++) {
        struct range r = {.first = o->firsts[i]};
        if (!run(o, arch, r.first, &r.end))
            return false;
        if (r.end.looks)
            o->copied[r.end.value] = true;
        if (n == 0 || !same(&r.end, &ret[n - 1].end))
            ret[n++] = r;
    }
    *ret_n = n;
    return true;
}

/* Marks what can follow the instructions that are marked; false where that leads out of it. */
static bool follow(struct old *o)
{
    for (size_t pc = 0; pc < o->n; pc++) {
        const struct sock_filter *f = o->code + pc;
        size_t next[2] = {pc + 1, pc + 1};
        if (!o->copied[pc] || BPF_CLASS(f->code) == BPF_RET)
            continue;
        if (f->code == (BPF_JMP | BPF_JA))
            next[0] = next[1] = pc + 1 + f->k;
        else if (BPF_CLASS(f->code) == BPF_JMP)
            next[0] += f->jt, next[1] += f->jf;
        for (int i = 0; i < 2; i++) {
            if (next[i] >= o->n)
                return false;
            o->copied[next[i]] = true;
        }
    }
    return true;
}

/* ---- the new one ---- */

static size_t put(struct new *w, struct sock_filter f)
{
    if (w->n == MAX_NEW) {
        w->full = true;
        return 0;
    }
    w->at[w->n] = f;
    return w->n++;
}

/* The distance that an instruction put next has to jump to reach the one at index to. */
static uint32_t distance(const struct new *w, size_t to)
{
    return (uint32_t)(w->n - to - 1);
}

static size_t put_goto(struct new *w, size_t to)
{
    return put(w, (struct sock_filter)BPF_STMT(BPF_JMP | BPF_JA, distance(w, to)));
}

static size_t put_test(struct new *w, uint16_t op, uint32_t k, size_t yes, size_t no)
{
    if (distance(w, no) > MAX_JUMP)
        no = put_goto(w, no);
    if (distance(w, yes) > MAX_JUMP)
        yes = put_goto(w, yes);
    if (distance(w, no) > MAX_JUMP) /* one further now */
        no = put_goto(w, no);
    return put(w, (struct sock_filter){(uint16_t)(BPF_JMP | op | BPF_K), (uint8_t)distance(w, yes),
                                       (uint8_t)distance(w, no), k});
}

/* The copied part, jumps made to fit. */
static void put_copied(struct new *w, const struct old *o)
{
    for (size_t pc = o->n; pc-- > 0;) {
        struct sock_filter f = o->code[pc];
        if (!o->copied[pc])
            continue;
        if (f.code == (BPF_JMP | BPF_JA)) {
            w->place[pc] = (uint32_t)put_goto(w, w->place[pc + 1 + f.k] - 1) + 1;
            continue;
        }
        if (BPF_CLASS(f.code) == BPF_JMP) {
            f.jt = (uint8_t)distance(w, w->place[pc + 1 + f.jt] - 1);
            f.jf = (uint8_t)distance(w, w->place[pc + 1 + f.jf] - 1);
        }
        w->place[pc] = (uint32_t)put(w, f) + 1;
    }
}

static size_t put_end(struct new *w, const struct end *end)
{
    if (end->looks)
        return w->place[end->value] - 1;
    for (size_t i = w->n; i-- > 0 && distance(w, i) < MAX_JUMP;)
        if (w->at[i].code == (BPF_RET | BPF_K) && w->at[i].k == end->value)
            return i;
    return put(w, (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, end->value));
}

static size_t put_tree(struct new *w, const struct range *r, size_t n)
{
    if (n == 1)
        return put_end(w, &r->end);
    if (n == 3 && same(&r[0].end, &r[2].end) && r[2].first == r[1].first + 1) {
        size_t others = put_end(w, &r[0].end);
        size_t one = put_end(w, &r[1].end);
        return put_test(w, BPF_JEQ, r[1].first, one, others);
    }
    size_t half = n / 2 | 1; /* odd: one number between two ranges of others stays with them */
    size_t high = put_tree(w, r + half, n - half);
    size_t low = put_tree(w, r, half);
    return put_test(w, BPF_JGE, r[half].first, high, low);
}

static bool put_program(struct new *w, struct old *o)
{
    size_t start[MAX_ARCHS], n;
    struct range *r = xcalloc(o->n_firsts, sizeof *r);
    bool ok = true;
    for (size_t i = 0; ok && i < o->n_archs; i++) { /* n_archs grows while they are run */
        ok = find_ranges(o, o->archs[i], r, &n);
    }
    ok = ok && follow(o);
    if (ok)
        put_copied(w, o);
    for (size_t i = 0; ok && i < o->n_archs; i++) {
        ok = find_ranges(o, o->archs[i], r, &n);
        start[i] = put_tree(w, r, n);
        if (n > 1)
            start[i] = put(w, (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, NR_AT));
    }
    free(r);
    if (!ok)
        return false;
    size_t next = start[0];
    for (size_t i = 1; i < o->n_archs; i++)
        next = put_test(w, BPF_JEQ, o->archs[i], start[i], next);
    put(w, (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, ARCH_AT));
    return !w->full;
}

void seccomp_shrink(struct buf *program)
{
    struct old o = {.code = (const struct sock_filter *)(const void *)program->s,
                    .n = program->len / sizeof(struct sock_filter),
                    .n_archs = 1};
    if (o.n == 0 || o.n >= MAX_NEW)
        return;
    cleanup_free bool *copied = o.copied = xcalloc(o.n, sizeof *copied);
    cleanup_free struct new *w = xcalloc(1, sizeof *w);
    cleanup_free uint32_t *place = w->place = xcalloc(o.n, sizeof *place);
    find_firsts(&o);
    o.archs[0] = unknown_arch(&o);
    if (put_program(w, &o) && w->n < o.n) {
        buf_clear(program);
        for (size_t i = w->n; i-- > 0;)
            buf_add(program, (const char *)&w->at[i], sizeof w->at[i]);
    }
    free(o.firsts);
}
