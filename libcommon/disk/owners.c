#include "disk/owners.h"

#include "plain/buf.h"
#include "plain/fdio.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <linux/stat.h>
#include <search.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define BYTES_MAX ((size_t)1 << 30)
#define FNV_BASIS 14695981039346656037U
#define FNV_PRIME 1099511628211U

struct known {
    struct owners_key key;
    struct owner owner;
    bool vague; /* by look: several that have not the same owner */
};

static int by_time(const struct timespec *a, const struct timespec *b)
{
    if (a->tv_sec != b->tv_sec)
        return a->tv_sec < b->tv_sec ? -1 : 1;
    return a->tv_nsec == b->tv_nsec ? 0 : a->tv_nsec < b->tv_nsec ? -1 : 1;
}

static int by_inode(const void *a, const void *b)
{
    const struct known *x = a, *y = b;
    return x->key.ino == y->key.ino ? 0 : x->key.ino < y->key.ino ? -1 : 1;
}

static int by_look(const void *a, const void *b)
{
    const struct known *x = a, *y = b;
    if (x->key.look != y->key.look)
        return x->key.look < y->key.look ? -1 : 1;
    return by_time(&x->key.mtime, &y->key.mtime);
}

/* ---- files ---- */

static uint64_t look_of(int dir, const char *name, mode_t mode)
{
    char target[PATH_MAX];
    ssize_t n = S_ISLNK(mode) ? readlinkat(dir, name, target, sizeof target) : 0;
    if ((!S_ISLNK(mode) && !S_ISFIFO(mode)) || n < 0)
        return 0;
    uint64_t h = (FNV_BASIS ^ (S_ISLNK(mode) ? 'l' : 'p')) * FNV_PRIME;
    for (ssize_t i = 0; i < n; i++)
        h = (h ^ (unsigned char)target[i]) * FNV_PRIME;
    return h;
}

int owners_key(int dir, const char *name, struct owners_key *ret)
{
    struct statx st;
    int flags = AT_SYMLINK_NOFOLLOW | (*name ? 0 : AT_EMPTY_PATH);
    if (syscall(SYS_statx, dir, name, flags, STATX_BASIC_STATS | STATX_BTIME, &st) < 0)
        return -1;
    *ret = (struct owners_key){.ino = st.stx_ino,
                               .mtime = {st.stx_mtime.tv_sec, st.stx_mtime.tv_nsec},
                               .look = look_of(dir, name, st.stx_mode)};
    if (st.stx_mask & STATX_BTIME)
        ret->born = (struct timespec){st.stx_btime.tv_sec, st.stx_btime.tv_nsec};
    return 0;
}

/* ---- what is known ---- */

/* The one that is there already, or NULL: fresh is kept. */
static struct known *put(void **tree, int (*compare)(const void *, const void *),
                         const struct known *k)
{
    struct known *fresh = xmalloc(sizeof *fresh);
    *fresh = *k;
    struct known **at = tsearch(fresh, tree, compare);
    if (*at == fresh)
        return NULL;
    free(fresh);
    return *at;
}

/* Files of different age: the number was the older one's first. */
void owners_put(struct owners *o, const struct owners_key *k, struct owner owner)
{
    const struct known new = {.key = *k, .owner = owner};
    struct known *old = put(&o->by_inode, by_inode, &new);
    if (old && by_time(&old->key.born, &k->born) <= 0)
        *old = new;
    old = k->look ? put(&o->by_look, by_look, &new) : NULL;
    if (old)
        old->vague |= old->owner.uid != owner.uid || old->owner.gid != owner.gid;
}

bool owners_find(const struct owners *o, const struct owners_key *k, struct owner *ret)
{
    const struct known wanted = {.key = *k};
    struct known *const *at = tfind(&wanted, &o->by_inode, by_inode);
    if (!at || by_time(&(*at)->key.born, &k->born) < 0)
        at = k->look ? tfind(&wanted, &o->by_look, by_look) : NULL;
    if (!at || (*at)->vague)
        return false;
    *ret = (*at)->owner;
    return true;
}

void owners_free(struct owners *o)
{
    tdestroy(o->by_inode, free);
    tdestroy(o->by_look, free);
    *o = (struct owners){0};
}

/* ---- the file ---- */

/* A line that was cut off says nothing; what is written next begins a new one. */
static void read_line(struct owners *o, const char *line)
{
    struct owners_key k = {0};
    struct owner owner;
    int64_t born, mtime;
    uint32_t born_ns, mtime_ns;
    int end = 0, whole = 0;
    if (sscanf(line, "%" SCNu64 " %" SCNd64 ".%9" SCNu32 " %" SCNu32 ":%" SCNu32 "%n", &k.ino,
               &born, &born_ns, &owner.uid, &owner.gid, &end) < 5)
        return;
    k.born = (struct timespec){.tv_sec = (time_t)born, .tv_nsec = (long)born_ns};
    if (line[end]) {
        if (sscanf(line + end, " %" SCNd64 ".%9" SCNu32 " %16" SCNx64 "%n", &mtime, &mtime_ns,
                   &k.look, &whole) < 3 ||
            line[end + whole])
            return;
        k.mtime = (struct timespec){.tv_sec = (time_t)mtime, .tv_nsec = (long)mtime_ns};
    }
    owners_put(o, &k, owner);
}

int owners_read(struct owners *o, int dir, const char *path)
{
    cleanup(buf_free) struct buf b = BUF_INIT;
    cleanup_fd int fd = openat(dir, path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return errno == ENOENT ? 0 : -1;
    if (fd_read_all(fd, BYTES_MAX, &b) < 0)
        return -1;
    char *line = b.s, *end;
    for (; line && (end = strchr(line, '\n')); line = end + 1) {
        *end = '\0';
        read_line(o, line);
    }
    return 0;
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
    cleanup(buf_free) struct buf line = BUF_INIT;
    struct stat before;
    buf_addf(&line, "%" PRIu64 " %lld.%09ld %" PRIu32 ":%" PRIu32, k->ino,
             (long long)k->born.tv_sec, k->born.tv_nsec, owner.uid, owner.gid);
    if (k->look)
        buf_addf(&line, " %lld.%09ld %016" PRIx64, (long long)k->mtime.tv_sec, k->mtime.tv_nsec,
                 k->look);
    buf_addc(&line, '\n');
    if (fstat(file, &before) < 0)
        return -1;
    ssize_t got = write(file, line.s, line.len);
    if (got == (ssize_t)line.len)
        return 0;
    if (got >= 0) {
        (void)!ftruncate(file, before.st_size); /* or it would grow together with the next one */
        errno = ENOSPC;
    }
    return -1;
}
