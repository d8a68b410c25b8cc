#include "disk/rmtree.h"

#include "plain/fdio.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Deeper than this a tree was made to hurt; the descriptors of the way down are the limit. */
#define MAX_DEPTH 900

static int remove_at(int dir, const char *name, int depth, int *first_errno);

static void note(int *first_errno)
{
    if (!*first_errno)
        *first_errno = errno;
}

/* Itself, whatever takes its place meanwhile. */
static int unlock(int dir, const char *name)
{
    char self[64];
    cleanup_fd int fd = openat(dir, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    snprintf(self, sizeof self, "/proc/self/fd/%d", fd);
    return fd < 0 ? -1 : chmod(self, 0700);
}

static int open_locked_out(int dir, const char *name)
{
    int fd = openat(dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0 && errno == EACCES && unlock(dir, name) == 0)
        fd = openat(dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    return fd;
}

static void empty_dir(int dir, const char *name, int depth, int *first_errno)
{
    if (depth > MAX_DEPTH) {
        errno = ELOOP;
        note(first_errno);
        return;
    }
    int fd = open_locked_out(dir, name);
    DIR *d = fd < 0 ? NULL : fdopendir(fd);
    if (!d) {
        note(first_errno);
        if (fd >= 0)
            close(fd);
        return;
    }
    struct dirent *de;
    while ((de = readdir(d))) {
        if (strcmp(de->d_name, ".") == 0 || strcmp(de->d_name, "..") == 0)
            continue;
        if (de->d_type != DT_DIR && de->d_type != DT_UNKNOWN &&
            unlinkat(dirfd(d), de->d_name, 0) == 0)
            continue;
        if (errno == EACCES && de->d_type != DT_DIR)
            (void)fchmod(dirfd(d), 0700);
        remove_at(dirfd(d), de->d_name, depth + 1, first_errno);
    }
    closedir(d);
}

static int remove_at(int dir, const char *name, int depth, int *first_errno)
{
    if (unlinkat(dir, name, 0) == 0 || errno == ENOENT)
        return 0;
    if (errno != EISDIR && errno != EPERM) {
        note(first_errno);
        return -1;
    }
    if (unlinkat(dir, name, AT_REMOVEDIR) == 0)
        return 0;
    if (errno != ENOTEMPTY && errno != EEXIST && errno != EACCES) {
        note(first_errno);
        return -1;
    }
    empty_dir(dir, name, depth, first_errno);
    if (unlinkat(dir, name, AT_REMOVEDIR) == 0 || errno == ENOENT)
        return 0;
    if (errno == EACCES && unlock(dir, name) == 0) {
        empty_dir(dir, name, depth, first_errno);
        if (unlinkat(dir, name, AT_REMOVEDIR) == 0)
            return 0;
    }
    note(first_errno);
    return -1;
}

int rmtree(int dir, const char *name)
{
    int first = 0;
    int r = remove_at(dir, name, 0, &first);
    errno = first;
    return r;
}

int rmtree_contents(int dir, const char *name)
{
    int first = 0;
    empty_dir(dir, name, 0, &first);
    errno = first;
    return first ? -1 : 0;
}
