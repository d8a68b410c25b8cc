/*
 * Owners of links and FIFOs, which `commit` finds beside the container's own layer
 * (disk/owners.h). There they have the inode number that the layer's file system gives them. The
 * container may see another one: an overlay goes on to show that of the layer below, from which
 * the file was copied when it was given away. That one is remembered too, for who looks
 * into the container while it runs.
 */
#include "fakeroot.h"

#include "disk/inside.h"
#include "disk/owners.h"
#include "plain/fdio.h"
#include "plain/str.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define TICK_NS   1000000
#define TICKS_MAX 12 /* the kernel's is at most 10 ms */

static struct strv tops;
static struct owners known;
static int own_top = -1, file = -1;

void links_layer(const char *top)
{
    strv_add(&tops, top);
}

/* Once, when it is first needed: what is known of the layers below, and of before. */
static void look(void)
{
    static bool looked;
    for (size_t i = 0; i < tops.n && !looked; i++) {
        cleanup_fd int top = open(tops.v[i], O_PATH | O_DIRECTORY | O_CLOEXEC);
        if (top < 0)
            continue;
        (void)owners_read(&known, top, OWNERS_BESIDE);
        if (i > 0)
            continue;
        file = owners_open(top, OWNERS_BESIDE);
        own_top = fd_take(&top);
    }
    looked = true;
}

static bool later(const struct timespec *a, const struct timespec *b)
{
    return a->tv_sec != b->tv_sec ? a->tv_sec > b->tv_sec : a->tv_nsec > b->tv_nsec;
}

/* The file as the container's own layer has it; false: it is a volume's, or gone. */
static bool in_own_layer(int fd, struct owners_key *ret, struct timespec *ret_changed)
{
    char self[64], path[PATH_MAX];
    struct owners_key seen;
    struct stat st;
    snprintf(self, sizeof self, "self/fd/%d", fd);
    ssize_t n = readlinkat(proc_dir, self, path, sizeof path);
    if (own_top < 0 || n <= 0 || n == sizeof path)
        return false;
    path[n] = '\0';
    cleanup_fd int there = inside_open_below(own_top, path, O_PATH | O_NOFOLLOW);
    if (there < 0 || owners_key(there, "", ret) < 0 || owners_key(fd, "", &seen) < 0 ||
        fstat(there, &st) < 0)
        return false;
    ret->look = 0; /* copies are made of what lower layers have */
    *ret_changed = st.st_ctim;
    return (!seen.born.tv_sec && !seen.born.tv_nsec) ||
           (!later(&seen.born, &ret->born) && !later(&ret->born, &seen.born));
}

static void note(const struct owners_key *k, struct owner o)
{
    owners_put(&known, k, o);
    if (file >= 0)
        (void)owners_add(file, k, o); /* where nothing can be written there is nothing to commit */
}

/*
 * Until no file that is made from now on can be as old as this one: at once, when the kernel's
 * clock has ticked between its birth and its change.
 */
static void outlast(const struct timespec *born, struct timespec now)
{
    for (int i = 0; i < TICKS_MAX && !later(&now, born); i++) {
        nanosleep(&(struct timespec){.tv_nsec = TICK_NS}, NULL);
        clock_gettime(CLOCK_REALTIME_COARSE, &now);
    }
}

void links_own(int fd, const struct owners_key *before, uint32_t uid, uint32_t gid)
{
    struct owner o = {0, 0}, last;
    struct owners_key k, shown;
    struct timespec changed;
    look();
    if (!in_own_layer(fd, &k, &changed))
        return;
    bool had = owners_find(&known, before, &o) || owners_find(&known, &k, &o);
    o.uid = uid == SAME ? o.uid : uid;
    o.gid = gid == SAME ? o.gid : gid;
    if (!had && !o.uid && !o.gid)
        return;
    if (!owners_find(&known, &k, &last) || last.uid != o.uid || last.gid != o.gid)
        note(&k, o);
    if (owners_key(fd, "", &shown) == 0 && shown.ino != k.ino) {
        k.ino = shown.ino;
        note(&k, o);
    }
    outlast(&k.born, changed);
}
