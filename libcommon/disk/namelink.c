#include "disk/namelink.h"

#include "disk/at.h"
#include "disk/lock.h"
#include "plain/fdio.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define ID_LEN 64

int namelink_read(int own, const char *name, char ret_id[65], bool *is_pod)
{
    char path[300], target[128];
    snprintf(path, sizeof path, "names/%s", name);
    ssize_t n = readlinkat(own, path, target, sizeof target - 1);
    if (n < 0)
        return -1;
    target[n] = '\0';
    const char *id = strrchr(target, '/');
    if (!id || strspn(id + 1, "0123456789abcdef") != ID_LEN || strlen(id + 1) != ID_LEN) {
        errno = EINVAL;
        return -1;
    }
    memcpy(ret_id, id + 1, ID_LEN + 1);
    if (is_pod)
        *is_pod = strstr(target, "/pods/") != NULL;
    return 0;
}

static bool points_to(int own, const char *name, const char *id)
{
    char holder[65];
    return namelink_read(own, name, holder, NULL) == 0 && strcmp(holder, id) == 0;
}

void namelink_drop(int own, const char *name, const char *id)
{
    char path[300];
    if (!points_to(own, name, id))
        return;
    cleanup_fd int lock = lock_wait(own, "names.lock", LOCK_EXCLUSIVE);
    snprintf(path, sizeof path, "names/%s", name);
    /* no lock, on a full disk: a link to nothing counts as free */
    if (lock >= 0 && points_to(own, name, id))
        unlinkat(own, path, 0);
}

int namelink_replace(int own, const char *name, const char *old_id, const char *target)
{
    char path[300], tmp[320];
    cleanup_fd int lock = lock_wait(own, "names.lock", LOCK_EXCLUSIVE);
    if (lock < 0)
        return -1;
    if (!points_to(own, name, old_id)) {
        errno = EEXIST;
        return -1;
    }
    snprintf(path, sizeof path, "names/%s", name);
    at_temp_name(tmp, sizeof tmp, "names/.tmp-");
    if (symlinkat(target, own, tmp) < 0)
        return -1;
    return renameat(own, tmp, own, path);
}
