/*
 * A container that gets hold of /proc/self/exe of its runtime must not be able to write to it
 * (CVE-2019-5736). `pod run` seals the program's directory (pod-rootfs --seal); called by others
 * we go on in a copy in memory that the kernel keeps from changing.
 */
#include "rt.h"

#include "plain/fdio.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

#define SEALS (F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE)

static int copy_of_self(struct err *e)
{
    struct stat st;
    cleanup_fd int from = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
    cleanup_fd int to = memfd_create("pod-runtime", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (from < 0 || to < 0 || fstat(from, &st) < 0)
        return err_sys(e, "cannot copy the runtime into memory");
    for (off_t at = 0; at < st.st_size;)
        if (sendfile(to, from, &at, (size_t)(st.st_size - at)) <= 0)
            return err_sys(e, "cannot copy the runtime into memory");
    if (fcntl(to, F_ADD_SEALS, SEALS) < 0)
        return err_sys(e, "cannot seal the runtime's copy");
    return fd_take(&to);
}

int self_protect(char **argv, struct err *e)
{
    cleanup_fd int self = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
    int seals = fcntl(self, F_GET_SEALS);
    if (seals >= 0 && (seals & SEALS) == SEALS)
        return 0;
    /* not ours to write, or on a read-only mount: neither is it the container's */
    if (access("/proc/self/exe", W_OK) < 0)
        return 0;
    cleanup_fd int fd = copy_of_self(e);
    if (fd < 0)
        return -1;
    fexecve(fd, argv, environ);
    return err_sys(e, "cannot go on in the runtime's copy");
}
