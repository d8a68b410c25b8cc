#include "fill.h"

#include "plain/fdio.h"
#include "plain/str.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/*
 * The marker "fresh" beside _data says how far it is: empty, nothing was done; 'c', copying has
 * begun, so that files there are ours; 'o', it has its owner and waits for a mount that copies.
 */
#define COPYING 'c'
#define OWNED   'o'

/* The image's directory: links in it lead nowhere but into it. */
static int open_dest(const char *target, const char *dest)
{
    cleanup_fd int root = open(target, O_PATH | O_DIRECTORY | O_CLOEXEC);
    struct open_how how = {.flags = O_RDONLY | O_DIRECTORY | O_CLOEXEC,
                           .resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS};
    return root < 0 ? -1 : (int)syscall(SYS_openat2, root, dest, &how, sizeof how);
}

static bool is_empty(int dir)
{
    int fd = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *d = fd < 0 ? NULL : fdopendir(fd);
    struct dirent *de;
    size_t n = 0;
    while (d && (de = readdir(d)))
        n += strcmp(de->d_name, ".") != 0 && strcmp(de->d_name, "..") != 0;
    if (d)
        closedir(d);
    else if (fd >= 0)
        close(fd);
    return n == 0;
}

/* Descriptors are all that the command names; what is there already stays. */
static int copy(int from, int to)
{
    char source[48], dest[48];
    snprintf(source, sizeof source, "/proc/self/fd/%d/.", from);
    snprintf(dest, sizeof dest, "/proc/self/fd/%d/", to);
    pid_t pid = fork();
    if (pid == 0) {
        fd_cloexec(from, false);
        fd_cloexec(to, false);
        execlp("cp", "cp", "-a", "-n", "--reflink=auto", source, dest, (char *)NULL);
        _exit(127);
    }
    int status = -1;
    while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    return pid > 0 && WIFEXITED(status) && WEXITSTATUS(status) == 0 ? 0 : -1;
}

static int mark(int marker, char state)
{
    return pwrite(marker, &state, 1, 0) == 1 ? 0 : -1;
}

/* The owner last: cp gives the top directory the source's too. */
static int own(int data, int from, char *const value[FILL_VALUES])
{
    struct stat st;
    if (!strchr(value[4], 'o') || from < 0)
        return fchown(data, (uid_t)atoll(value[2]), (gid_t)atoll(value[3]));
    if (fstat(from, &st) < 0 || fchown(data, st.st_uid, st.st_gid) < 0)
        return -1;
    return fchmod(data, st.st_mode & 07777);
}

static int fill(int volume, int marker, const char *target, char *const value[FILL_VALUES],
                struct err *e)
{
    char state = 0;
    bool copies = strchr(value[4], 'c');
    cleanup_fd int data = openat(volume, "_data", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    cleanup_fd int from = open_dest(target, value[1]);
    if (data < 0 || pread(marker, &state, 1, 0) < 0)
        return err_sys(e, "cannot open volume \"%s\"", value[0]);
    if (copies && from >= 0 && !is_empty(from) && (state == COPYING || is_empty(data))) {
        if (mark(marker, COPYING) < 0 || copy(from, data) < 0)
            return err_set(e, 0, "cannot copy the image's \"%s\" into the volume on it", value[1]);
        state = COPYING;
    }
    if (state != OWNED && own(data, from, value) < 0)
        return err_sys(e, "cannot give volume \"%s\" its owner", value[0]);
    if (!copies)
        return mark(marker, OWNED) < 0 ? err_sys(e, "cannot use volume \"%s\"", value[0]) : 0;
    unlinkat(volume, "fresh", 0);
    return 0;
}

int fill_volume(const char *target, char *const value[FILL_VALUES], struct err *e)
{
    struct stat st;
    cleanup_fd int volume = open(value[0], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    cleanup_fd int marker =
        volume < 0 ? -1 : openat(volume, "fresh", O_RDWR | O_NOFOLLOW | O_CLOEXEC);
    if (marker < 0)
        return volume < 0 ? err_sys(e, "cannot open volume \"%s\"", value[0]) : 0;
    if (flock(marker, LOCK_EX) < 0 || fstat(marker, &st) < 0)
        return err_sys(e, "cannot lock volume \"%s\"", value[0]);
    return st.st_nlink ? fill(volume, marker, target, value, e) : 0; /* another was faster */
}
