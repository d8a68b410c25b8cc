#include "logs/files.h"

#include "plain/str.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define MAX_FILES 1000
#define BLOCK     65536

/* 0 is the newest. The caller's. */
static char *name_of(const struct logfiles *l, int age)
{
    return age ? xasprintf("%s.%d", l->path, age) : xstrdup(l->path);
}

static FILE *open_age(const struct logfiles *l, int age)
{
    cleanup_free char *name = name_of(l, age);
    return fopen(name, "re");
}

static int oldest(const struct logfiles *l)
{
    int age = 0;
    while (age < MAX_FILES) {
        cleanup_free char *name = name_of(l, age + 1);
        if (access(name, F_OK) < 0)
            break;
        age++;
    }
    return age;
}

/*
 * Does the record there end a line? One that was written in pieces has several, all but the last P;
 * the very last of all ends what there is of its line.
 */
static bool ends_line(FILE *f, off_t at, bool last)
{
    char head[96];
    ssize_t n = pread(fileno(f), head, sizeof head - 1, at);
    head[n > 0 ? n : 0] = '\0';
    const char *stream = strchr(head, ' ');
    const char *tag = stream ? strchr(stream + 1, ' ') : NULL;
    return last || !tag || tag[1] != 'P';
}

/*
 * Backwards from the end, over so many lines: 0 with the file where the first of them begins, or
 * the number that is missing with the file at its beginning.
 */
static int64_t go_back(FILE *f, bool newest, int64_t lines)
{
    char block[BLOCK];
    struct stat st;
    if (fstat(fileno(f), &st) < 0)
        return lines;
    off_t next = st.st_size; /* where the record behind the one we are in begins */
    for (off_t end = st.st_size; end > 0;) {
        off_t from = end > BLOCK ? end - BLOCK : 0;
        ssize_t n = pread(fileno(f), block, (size_t)(end - from), from);
        if (n <= 0)
            break;
        while (n > 0) {
            off_t begins = from + n; /* behind a newline */
            if (block[--n] != '\n' || begins == st.st_size)
                continue;
            if (ends_line(f, begins, newest && next == st.st_size) && lines-- == 0) {
                fseeko(f, next, SEEK_SET);
                return 0;
            }
            next = begins;
        }
        end = from;
    }
    if (next > 0 && ends_line(f, 0, newest && next == st.st_size) && lines-- == 0) {
        fseeko(f, next, SEEK_SET);
        return 0;
    }
    rewind(f);
    return lines;
}

void logfiles_open(struct logfiles *l, char *path, int64_t tail)
{
    *l = (struct logfiles){.path = path};
    int last = oldest(l);
    if (tail < 0) {
        l->f = open_age(l, last);
        return;
    }
    for (int age = 0; age <= last; age++) {
        FILE *f = open_age(l, age);
        if (!f)
            continue;
        if (l->f)
            fclose(l->f);
        l->f = f;
        tail = go_back(f, age == 0, tail);
        if (tail == 0)
            break;
    }
}

static bool is_file(const struct stat *st, const char *name)
{
    struct stat there;
    return stat(name, &there) == 0 && there.st_ino == st->st_ino && there.st_dev == st->st_dev;
}

/* The one after the one that we have read to its end; NULL when that is the newest. */
static FILE *next_file(const struct logfiles *l)
{
    struct stat st;
    if (fstat(fileno(l->f), &st) < 0 || is_file(&st, l->path))
        return NULL;
    int last = oldest(l);
    for (int age = 1; age <= last; age++) {
        cleanup_free char *name = name_of(l, age);
        if (is_file(&st, name))
            return open_age(l, age - 1);
    }
    return open_age(l, last); /* it was the oldest, and is gone */
}

char *logfiles_next(struct logfiles *l)
{
    if (!l->f && !(l->f = open_age(l, 0)))
        return NULL;
    for (;;) {
        clearerr(l->f);
        ssize_t n = getline(&l->line, &l->size, l->f);
        if (n > 0 && l->line[n - 1] == '\n') {
            l->line[n - 1] = '\0';
            return l->line;
        }
        if (n > 0)
            fseeko(l->f, -n, SEEK_CUR); /* still being written */
        FILE *next = next_file(l);
        if (!next)
            return NULL;
        /* what came between our reading and the renaming */
        clearerr(l->f);
        n = getline(&l->line, &l->size, l->f);
        if (n > 0 && l->line[n - 1] == '\n') {
            fclose(next);
            l->line[n - 1] = '\0';
            return l->line;
        }
        fclose(l->f);
        l->f = next;
    }
}
