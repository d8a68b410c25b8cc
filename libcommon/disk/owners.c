#include "disk/owners.h"

#include "disk/inside.h"
#include "plain/buf.h"
#include "plain/fdio.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/stat.h>
#include <search.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define LINE_SIZE 128
#define FNV_BASIS 14695981039346656037U
#define FNV_PRIME 1099511628211U

struct known {
    struct owners_key key;
    struct owner owner;
};

static int by_inode(const void *a, const void *b)
{
    const struct known *x = a, *y = b;
    return x->key.ino == y->key.ino ? 0 : x->key.ino < y->key.ino ? -1 : 1;
}

bool owners_later(const struct timespec *a, const struct timespec *b)
{
    return a->tv_sec != b->tv_sec ? a->tv_sec > b->tv_sec : a->tv_nsec > b->tv_nsec;
}

static uint64_t handle_of(int dir, const char *name)
{
    struct {
        unsigned n; /* struct file_handle, whose bytes C cannot reach in a larger one */
        int type;
        unsigned char bytes[MAX_HANDLE_SZ];
    } f = {.n = MAX_HANDLE_SZ};
    int mount;
    uint64_t hash = FNV_BASIS;
    if (syscall(SYS_name_to_handle_at, dir, name, &f, &mount, *name ? 0 : AT_EMPTY_PATH) < 0)
        return 0;
    for (unsigned i = 0; i < f.n; i++)
        hash = (hash ^ f.bytes[i]) * FNV_PRIME;
    return hash;
}

int owners_key(int dir, const char *name, struct owners_key *ret)
{
    struct statx st;
    int flags = AT_SYMLINK_NOFOLLOW | (*name ? 0 : AT_EMPTY_PATH);
    if (syscall(SYS_statx, dir, name, flags, STATX_INO | STATX_BTIME, &st) < 0)
        return -1;
    *ret = (struct owners_key){.ino = st.stx_ino, .handle = handle_of(dir, name)};
    if (st.stx_mask & STATX_BTIME)
        ret->born = (struct timespec){st.stx_btime.tv_sec, st.stx_btime.tv_nsec};
    return 0;
}

/* ---- what is known ---- */

void owners_put(struct owners *o, const struct owners_key *k, struct owner owner)
{
    struct known *fresh = xmalloc(sizeof *fresh);
    *fresh = (struct known){*k, owner};
    struct known **at = tsearch(fresh, &o->tree, by_inode);
    if (*at == fresh)
        return;
    **at = *fresh;
    free(fresh);
}

bool owners_find(const struct owners *o, const struct owners_key *k, struct owner *ret)
{
    const struct known wanted = {.key = *k};
    struct known *const *at = tfind(&wanted, &o->tree, by_inode);
    if (!at)
        return false;
    bool told = k->handle && (*at)->key.handle;
    if (told ? k->handle != (*at)->key.handle : owners_later(&k->born, &(*at)->key.born))
        return false;
    *ret = (*at)->owner;
    return true;
}

void owners_free(struct owners *o)
{
    tdestroy(o->tree, free);
    o->tree = NULL;
}

/* ---- the file ---- */

/* A line that was cut off says nothing; what is written next begins a new one. */
static void read_line(struct owners *o, const char *line)
{
    struct owners_key k = {0};
    struct owner owner;
    int64_t sec;
    uint32_t nsec;
    int end = 0, more = 0;
    if (sscanf(line, "%" SCNu64 " %" SCNd64 ".%9" SCNu32 " %" SCNu32 ":%" SCNu32 "%n", &k.ino, &sec,
               &nsec, &owner.uid, &owner.gid, &end) < 5 ||
        (line[end] == ' ' && sscanf(line + end, " %16" SCNx64 "%n", &k.handle, &more) < 1) ||
        strcmp(line + end + more, "\n") != 0)
        return;
    k.born = (struct timespec){.tv_sec = (time_t)sec, .tv_nsec = (long)nsec};
    owners_put(o, &k, owner);
}

int owners_read(struct owners *o, int dir, const char *path)
{
    char line[LINE_SIZE];
    cleanup_fd int fd = openat(dir, path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return errno == ENOENT ? 0 : -1;
    FILE *f = fdopen(fd, "r");
    if (!f)
        return -1;
    fd_take(&fd);
    while (fgets(line, sizeof line, f))
        read_line(o, line);
    int failed = ferror(f);
    fclose(f);
    return failed ? -1 : 0;
}

int owners_open(int dir, const char *path)
{
    cleanup_fd int fd =
        openat(dir, path, O_RDWR | O_CREAT | O_APPEND | O_NOFOLLOW | O_CLOEXEC, 0600);
    struct stat st;
    char last = '\n';
    if (fd < 0 || fstat(fd, &st) < 0)
        return -1;
    if (st.st_size > 0 && pread(fd, &last, 1, st.st_size - 1) < 0)
        return -1;
    return last != '\n' && write(fd, "\n", 1) < 0 ? -1 : fd_take(&fd);
}

int owners_add(int file, const struct owners_key *k, struct owner owner)
{
    char line[LINE_SIZE];
    struct stat before;
    int n = snprintf(line, sizeof line, "%" PRIu64 " %lld.%09ld %" PRIu32 ":%" PRIu32, k->ino,
                     (long long)k->born.tv_sec, k->born.tv_nsec, owner.uid, owner.gid);
    n += snprintf(line + n, sizeof line - (size_t)n, k->handle ? " %016" PRIx64 "\n" : "\n",
                  k->handle);
    if (fstat(file, &before) < 0)
        return -1;
    ssize_t got = write(file, line, (size_t)n);
    if (got == n)
        return 0;
    if (got >= 0) {
        (void)!ftruncate(file, before.st_size); /* or it would grow together with the next one */
        errno = ENOSPC;
    }
    return -1;
}

/* ---- layers ---- */

void owners_layers_add(struct owners_layers *l, const char *top)
{
    l->v = xrealloc(l->v, (l->n + 1) * sizeof *l->v);
    l->v[l->n++] = (struct owners_layer){.path = xstrdup(top), .top = -1};
}

int owners_layers_open(struct owners_layers *l)
{
    for (size_t i = 0; i < l->n; i++) {
        struct owners_layer *at = &l->v[i];
        if (at->top >= 0)
            continue;
        at->top = open(at->path, O_PATH | O_DIRECTORY | O_CLOEXEC);
        if (at->top < 0 ? errno != ENOENT : owners_read(&at->owners, at->top, OWNERS_BESIDE) < 0)
            return -1;
    }
    return 0;
}

bool owners_layers_any(const struct owners_layers *l)
{
    for (size_t i = 0; i < l->n; i++)
        if (l->v[i].owners.tree)
            return true;
    return false;
}

struct owners_layer *owners_layers_at(struct owners_layers *l, const char *path,
                                      struct owners_key *ret)
{
    for (size_t i = 0; i < l->n; i++) {
        if (l->v[i].top < 0)
            continue;
        cleanup_fd int fd = inside_open_below(l->v[i].top, path, O_PATH | O_NOFOLLOW);
        if (fd >= 0)
            return owners_key(fd, "", ret) == 0 ? &l->v[i] : NULL;
    }
    return NULL;
}
