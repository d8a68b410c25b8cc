/*
 * What a runtime mounts on in every container, as one directory below the image's layers: images
 * seldom have all of it, and whatever is missing would be made in each container's own layer, a
 * dozen new files for every start.
 */
#include "things/create.h"

#include "disk/at.h"
#include "disk/rmtree.h"
#include "plain/fdio.h"
#include "things/spec.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* A number of its own for each change: containers stand on the one that they were made with. */
#define SKELETON "skeleton.2"
/* from graph/overlay, where layers are named from */
#define AS_LAYER "../pod/" SKELETON

static int fill(int dir)
{
    static const char *const dirs[] = {"dev", "etc", "proc", "run", "sys"};
    static const char *const files[] = {"etc/hostname", "etc/hosts", "etc/resolv.conf",
                                        "run/.containerenv"};
    for (size_t i = 0; i < sizeof dirs / sizeof *dirs; i++)
        if (mkdirat(dir, dirs[i], 0755) < 0 || fchmodat(dir, dirs[i], 0755, 0) < 0)
            return -1;
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        cleanup_fd int fd = openat(dir, files[i], O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
        if (fd < 0 || fchmod(fd, 0644) < 0)
            return -1;
    }
    if (symlinkat("/proc/mounts", dir, "etc/mtab") < 0)
        return -1;
    return fchmod(dir, 0755);
}

/* Built aside and renamed: it is there whole or not at all. */
static int make(const struct roots *r)
{
    char aside[64];
    if (at_exists(r->own, SKELETON))
        return 0;
    at_temp_name(aside, sizeof aside, "staging/" SKELETON "-");
    int res = mkdirat(r->own, aside, 0755);
    cleanup_fd int dir = res < 0 ? -1 : at_open_dir(r->own, aside);
    if (dir < 0 || fill(dir) < 0 || renameat(r->own, aside, r->own, SKELETON) < 0)
        res = errno == ENOTEMPTY || errno == EEXIST ? 0 : -1; /* somebody else was first */
    if (dir >= 0 && at_exists(r->own, aside))
        rmtree(r->own, aside);
    return res;
}

/* Is something mounted on each of them, and nothing above them that takes the image's files? */
static bool fits(const json_t *rec)
{
    const json_t *m;
    size_t i;
    if (jx_bool(rec, "infra") || jx_bool(rec, "noHostname") || spec_keeps_resolv(rec) ||
        jx_bool(json_object_get(rec, "network"), "noHosts"))
        return false;
    json_array_foreach(json_object_get(rec, "mounts"), i, m)
    {
        const char *to = jx_str(m, "destination");
        bool fresh = strcmp(jx_str(m, "type"), "tmpfs") == 0; /* and something is mounted in it */
        if (strcmp(to, "/etc") == 0 || (strcmp(to, "/run") == 0 && !fresh) || strcmp(to, "/") == 0)
            return false;
    }
    return true;
}

void create_skeleton(const struct roots *r, json_t *rec)
{
    json_t *lowers = json_object_get(rec, "lowers");
    if (lowers && fits(rec) && make(r) == 0)
        json_array_append_new(lowers, json_string(AS_LAYER));
}
