/* own/names: one symbolic link a name, so that the filesystem decides who has it. */
#include "things/ctr.h"

#include "disk/at.h"
#include "disk/lock.h"
#include "words/digest.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static int read_link(const struct roots *r, const char *name, char ret_id[65], bool *is_pod)
{
    char path[300], target[128];
    snprintf(path, sizeof path, "names/%s", name);
    ssize_t n = readlinkat(r->own, path, target, sizeof target - 1);
    if (n < 0)
        return -1;
    target[n] = '\0';
    const char *id = strrchr(target, '/');
    if (!id || !digest_is_hex(id + 1)) {
        errno = EINVAL;
        return -1;
    }
    memcpy(ret_id, id + 1, 65);
    *is_pod = strstr(target, "/pods/") != NULL;
    return 0;
}

static bool points_somewhere(const struct roots *r, const char *id, bool is_pod)
{
    char path[128];
    snprintf(path, sizeof path, "%s/%s", is_pod ? "pods" : "containers", id);
    return at_exists(r->own, path);
}

int name_lookup(const struct roots *r, const char *name, char ret_id[65], bool *is_pod)
{
    if (strlen(name) > 200 || strchr(name, '/') || read_link(r, name, ret_id, is_pod) < 0)
        return -1;
    return points_somewhere(r, ret_id, *is_pod) ? 0 : -1;
}

/* A link whose target has not appeared yet: alive while its maker holds the staging lock. */
static bool being_made(const struct roots *r, const char *id)
{
    char path[128];
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
    char path[300], target[128], tmp[320], holder[65];
    bool holder_is_pod;
    snprintf(path, sizeof path, "names/%s", name);
    snprintf(target, sizeof target, "../%s/%s", is_pod ? "pods" : "containers", id);
    for (int attempt = 0; attempt < 3; attempt++) {
        if (symlinkat(target, r->own, path) == 0)
            return 0;
        if (errno != EEXIST)
            return err_sys(e, "cannot take the name \"%s\"", name);
        bool valid = read_link(r, name, holder, &holder_is_pod) == 0;
        if (valid && (points_somewhere(r, holder, holder_is_pod) || being_made(r, holder)))
            return in_use(name, holder, holder_is_pod, e);
        /* left by one who was killed between the link and the directory: replaced in one step */
        at_temp_name(tmp, sizeof tmp, "names/.tmp-");
        if (symlinkat(target, r->own, tmp) < 0 || renameat(r->own, tmp, r->own, path) < 0)
            return err_sys(e, "cannot take the name \"%s\"", name);
        if (read_link(r, name, holder, &holder_is_pod) == 0 && strcmp(holder, id) == 0)
            return 0;
    }
    return err_set(e, 0, "cannot take the name \"%s\": others are changing it", name);
}

void name_drop(const struct roots *r, const char *name, const char *id)
{
    char path[300], holder[65];
    bool is_pod;
    snprintf(path, sizeof path, "names/%s", name);
    if (read_link(r, name, holder, &is_pod) == 0 && strcmp(holder, id) == 0)
        unlinkat(r->own, path, 0);
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
