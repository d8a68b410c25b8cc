/* Names (disk/namelink.h): who has one, and who may have it. */
#include "things/ctr.h"

#include "disk/at.h"
#include "disk/lock.h"
#include "disk/namelink.h"
#include "plain/fdio.h"
#include "plain/str.h"
#include "things/pod.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static bool points_somewhere(const struct roots *r, const char *id, bool is_pod)
{
    char path[128];
    if (is_pod)
        return pod_exists(r, id);
    snprintf(path, sizeof path, "containers/%s", id);
    return at_exists(r->own, path);
}

int name_lookup(const struct roots *r, const char *name, char ret_id[65], bool *is_pod)
{
    if (strlen(name) > 200 || strchr(name, '/') || namelink_read(r->own, name, ret_id, is_pod) < 0)
        return -1;
    return points_somewhere(r, ret_id, *is_pod) ? 0 : -1;
}

/* A link whose target has not appeared yet: alive while its maker holds the lock. */
static bool being_made(const struct roots *r, const char *id, bool is_pod)
{
    char path[128];
    if (is_pod)
        return pod_being_made(r, id);
    snprintf(path, sizeof path, "staging/%s/lock", id);
    return lock_is_held(r->own, path);
}

static int in_use(const char *name, const char *holder, bool is_pod, struct err *e)
{
    err_set(e, 0,
            is_pod ? "the name \"%s\" is already in use by pod %s. You have to remove that pod "
                     "to be able to reuse that name: that name is already in use"
                   : "creating container storage: the container name \"%s\" is already in use "
                     "by %s. You have to remove that container to be able to reuse that name: "
                     "that name is already in use",
            name, holder);
    e->sys = EEXIST;
    return err_hint(e, "Type: pod %srm %s", is_pod ? "pod " : "", name);
}

int name_claim(const struct roots *r, const char *name, const char *id, bool is_pod, struct err *e)
{
    char path[300], target[128], holder[65];
    bool holder_is_pod;
    snprintf(path, sizeof path, "names/%s", name);
    snprintf(target, sizeof target, "../%s/%s", is_pod ? "pods" : "containers", id);
    for (int attempt = 0; attempt < 10; attempt++) {
        if (symlinkat(target, r->own, path) == 0)
            return 0;
        if (errno != EEXIST)
            return err_sys(e, "cannot take the name \"%s\"", name);
        if (namelink_read(r->own, name, holder, &holder_is_pod) < 0) {
            if (errno == ENOENT)
                continue; /* just dropped */
            return err_sys(e, "cannot take the name \"%s\"", name);
        }
        /* asked in this order: what is made moves from here to there */
        if (being_made(r, holder, holder_is_pod) || points_somewhere(r, holder, holder_is_pod))
            return in_use(name, holder, holder_is_pod, e);
        /* left by one who was killed between the link and the directory */
        if (namelink_replace(r->own, name, holder, target) == 0)
            return 0;
        if (errno != EEXIST)
            return err_sys(e, "cannot take the name \"%s\"", name);
    }
    return err_set(e, 0, "cannot take the name \"%s\": others are changing it", name);
}

void name_drop(const struct roots *r, const char *name, const char *id)
{
    namelink_drop(r->own, name, id);
}

void name_drop_all(const struct roots *r, const char *id)
{
    int fd = at_open_dir(r->own, "names");
    DIR *d = fd < 0 ? NULL : fdopendir(fd);
    struct dirent *de;
    while (d && (de = readdir(d)))
        if (de->d_name[0] != '.')
            name_drop(r, de->d_name, id);
    if (d)
        closedir(d);
}

/* Links on their way (.tmp-…) are there only under the lock: with it, they are left over. */
static void sweep_temporary(const struct roots *r, DIR *d)
{
    cleanup_fd int lock = lock_wait(r->own, "names.lock", LOCK_EXCLUSIVE);
    for (struct dirent *de; lock >= 0 && (de = readdir(d));)
        if (str_starts(de->d_name, ".tmp-"))
            unlinkat(dirfd(d), de->d_name, 0);
}

void names_sweep(const struct roots *r)
{
    char id[65];
    bool is_pod;
    int fd = at_open_dir(r->own, "names");
    DIR *d = fd < 0 ? NULL : fdopendir(fd);
    if (!d)
        return;
    sweep_temporary(r, d);
    rewinddir(d);
    for (struct dirent *de; (de = readdir(d));)
        if (de->d_name[0] != '.' && namelink_read(r->own, de->d_name, id, &is_pod) == 0 &&
            !being_made(r, id, is_pod) && !points_somewhere(r, id, is_pod))
            namelink_drop(r->own, de->d_name, id);
    closedir(d);
}
