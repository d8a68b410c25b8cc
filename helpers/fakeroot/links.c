/*
 * Owners of links and FIFOs, which `commit` finds beside the container's own layer
 * (disk/owners.h). A system call that would copy one up from a layer below, as rename(2) does, is
 * not ours to answer; before the kernel does it, the file is copied and its owner written down.
 */
#include "fakeroot.h"

#include "disk/owners.h"
#include "plain/fdio.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define TICK_NS   1000000
#define TICKS_MAX 12 /* the kernel's is at most 10 ms */

static struct owners_layers layers; /* the container's own is the first */
static int file = -1;               /* beside that one, to be added to */

void links_layer(const char *top)
{
    owners_layers_add(&layers, top);
}

/* The layer that has the file, and as what; NULL: it is a volume's, or gone. */
static struct owners_layer *find(int fd, struct owners_key *ret)
{
    struct owners_key seen;
    cleanup_free char *path = fd_place(fd); /* as the container sees it */
    if (!path || owners_layers_open(&layers) < 0)
        return NULL;
    struct owners_layer *l = owners_layers_at(&layers, path, ret);
    if (!l || owners_key(fd, "", &seen) < 0)
        return NULL;
    bool told = seen.born.tv_sec || seen.born.tv_nsec;
    bool other = owners_later(&seen.born, &ret->born) || owners_later(&ret->born, &seen.born);
    return told && other ? NULL : l;
}

/*
 * Of a file that only its birth tells from others: until none that is made from now on can be as
 * old. At once, when the kernel's clock has ticked between its birth and its change.
 */
static void outlast(const struct timespec *born, struct timespec now)
{
    for (int i = 0; i < TICKS_MAX && !owners_later(&now, born); i++) {
        nanosleep(&(struct timespec){.tv_nsec = TICK_NS}, NULL);
        clock_gettime(CLOCK_REALTIME_COARSE, &now);
    }
}

static int note(const struct owners_key *k, struct owner o)
{
    if (file < 0)
        file = owners_open(layers.v[0].top, OWNERS_BESIDE);
    if (file < 0 || owners_add(file, k, o) < 0)
        return -errno;
    owners_put(&layers.v[0].owners, k, o);
    return 0;
}

/* Of a layer below it is root's, of the container's own its user's. */
static struct owner owner_of(const struct owners_layer *l, const struct owners_key *k,
                             const struct owner *user)
{
    struct owner o = l == layers.v ? *user : (struct owner){0, 0};
    if (l)
        (void)owners_find(&l->owners, k, &o);
    return o;
}

static bool same(const struct owner *a, const struct owner *b)
{
    return a->uid == b->uid && a->gid == b->gid;
}

/* how: what is said to the kernel, whose owner is root all the same. */
static int give(int fd, const struct owner *how, const struct owner *user, uint32_t uid,
                uint32_t gid)
{
    struct owners_key k;
    struct stat st;
    const struct owners_layer *l = find(fd, &k);
    struct owner o = owner_of(l, &k, user);
    if (fchownat(fd, "", how->uid, how->gid, AT_EMPTY_PATH) < 0)
        return -errno;
    o.uid = uid == SAME ? o.uid : uid;
    o.gid = gid == SAME ? o.gid : gid;
    l = find(fd, &k);
    if (!l || l != layers.v)
        return 0;
    const struct owner last = owner_of(l, &k, user);
    if (same(&o, &last))
        return 0;
    int r = note(&k, o);
    if (r == 0 && !k.handle && fstat(fd, &st) == 0)
        outlast(&k.born, st.st_ctim);
    return r;
}

int links_own(int fd, const struct owner *user, uint32_t uid, uint32_t gid)
{
    const struct owner how = {uid == SAME ? SAME : 0, gid == SAME ? SAME : 0};
    return give(fd, &how, user, uid, gid);
}

/* Not to change anything would be no reason for fuse-overlayfs to copy the file. */
void links_keep(int fd, const struct owner *user)
{
    const struct owner root = {0, 0};
    struct owners_key k;
    const struct owners_layer *l = find(fd, &k);
    if (!l || l == layers.v)
        return;
    const struct owner o = owner_of(l, &k, user);
    if (!same(&o, user)) /* as whose it would be taken then */
        (void)give(fd, &root, user, SAME, SAME);
}
