#include "shm.h"

#include "plain/fdio.h"
#include "plain/mountcalls.h"
#include "plain/str.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <unistd.h>

/* A mount can be copied only where it is: we go there, take the copy, and come back with it. */
int shm_join(const char *pid, const char *dir, struct err *e)
{
    cleanup_free char *path = xasprintf("/proc/%s/ns/mnt", pid);
    cleanup_fd int there = open(path, O_RDONLY | O_CLOEXEC);
    cleanup_fd int here = open("/proc/self/ns/mnt", O_RDONLY | O_CLOEXEC);
    cleanup_fd int cwd = open(".", O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (there < 0 || here < 0 || cwd < 0 || setns(there, CLONE_NEWNS) < 0)
        return err_sys(e, "cannot join the /dev/shm of process %s", pid);
    cleanup_fd int shm = tree_clone(AT_FDCWD, "/dev/shm", 0);
    int failed = shm < 0 ? errno : 0;
    if (setns(here, CLONE_NEWNS) < 0 || fchdir(cwd) < 0)
        return err_sys(e, "cannot come back from the namespace of process %s", pid);
    errno = failed;
    if (shm < 0 || tree_attach_at(shm, dir) < 0)
        return err_sys(e, "cannot share the /dev/shm of process %s", pid);
    return 0;
}
