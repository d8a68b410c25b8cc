/*
 * Who a process believes to be after setuid(2) and the like, so that programs which give up being
 * root find that it worked. It stays with the process through exec, and goes to the children that
 * it makes from then on: those are recognised when they first ask.
 */
#include "fakeroot.h"

#include "disk/proc.h"
#include "plain/str.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define PEOPLE_MAX 1024
#define DEPTH_MAX  32 /* of ancestors that are asked */

struct person {
    pid_t process;
    uint64_t birth, since; /* clock ticks from boot: of the process, and of its change */
    struct ids uids, gids;
};

static struct person people[PEOPLE_MAX];
static size_t npeople;

static uint64_t now_ticks(void)
{
    struct timespec t;
    uint64_t hz = (uint64_t)sysconf(_SC_CLK_TCK);
    clock_gettime(CLOCK_BOOTTIME, &t);
    return (uint64_t)t.tv_sec * hz + (uint64_t)t.tv_nsec * hz / 1000000000;
}

static struct person *find(pid_t process, uint64_t birth)
{
    for (size_t i = 0; i < npeople; i++)
        if (people[i].process == process && people[i].birth == birth)
            return &people[i];
    return NULL;
}

/* Room is made of those who have ended, else of the oldest. */
static struct person *add(const struct person *who)
{
    size_t kept = 0;
    for (size_t i = 0; npeople == PEOPLE_MAX && i < PEOPLE_MAX; i++)
        if (proc_birth(people[i].process) == people[i].birth)
            people[kept++] = people[i];
    if (kept == PEOPLE_MAX)
        memmove(people, people + 1, --kept * sizeof *people);
    if (npeople == PEOPLE_MAX)
        npeople = kept;
    people[npeople] = *who;
    return &people[npeople++];
}

static pid_t parent_of(pid_t process)
{
    char path[64], text[512];
    int parent = 0;
    snprintf(path, sizeof path, "/proc/%d/stat", process);
    FILE *f = fopen(path, "re");
    size_t n = f ? fread(text, 1, sizeof text - 1, f) : 0;
    if (f)
        fclose(f);
    text[n] = '\0';
    const char *behind = strrchr(text, ')'); /* a name may hold anything */
    return behind && sscanf(behind, ") %*c %d", &parent) == 1 ? parent : 0;
}

/* An ancestor that had changed before the process, or the link to it, was made. */
static const struct person *heir_of(const struct caller *c, uint64_t birth)
{
    pid_t up = c->parent;
    for (int depth = 0; depth < DEPTH_MAX && up > 1; depth++) {
        uint64_t born = proc_birth(up);
        const struct person *p = find(up, born);
        if (p)
            return p->since <= birth ? p : NULL;
        birth = born;
        up = parent_of(up);
    }
    return NULL;
}

static struct person *look_up(const struct caller *c)
{
    if (!npeople)
        return NULL;
    uint64_t birth = proc_birth(c->process);
    struct person *own = find(c->process, birth);
    if (own)
        return own;
    const struct person *before = heir_of(c, birth);
    if (!before)
        return NULL;
    struct person heir = *before;
    heir.process = c->process;
    heir.birth = birth;
    return add(&heir);
}

bool who_anyone(void)
{
    return npeople > 0;
}

bool who_is(const struct caller *c, char kind, struct ids *ret)
{
    const struct person *p = look_up(c);
    if (p)
        *ret = kind == 'u' ? p->uids : p->gids;
    return p;
}

static void change(struct ids *to, const struct ids *by)
{
    to->real = by->real == SAME ? to->real : by->real;
    to->effective = by->effective == SAME ? to->effective : by->effective;
    to->saved = by->saved == SAME ? to->saved : by->saved;
}

void who_becomes(const struct caller *c, char kind, const struct ids *ids, uint32_t own)
{
    struct person *p = look_up(c);
    if (!p) {
        const struct ids before = {own, own, own};
        const struct person fresh = {
            .process = c->process, .birth = proc_birth(c->process), .uids = before, .gids = before};
        p = add(&fresh);
    }
    change(kind == 'u' ? &p->uids : &p->gids, ids);
    p->since = now_ticks();
}
