/*
 * confined DIR WISH [ARGUMENT]: gives up what pod-unpack gives up, with DIR as the layer's
 * directory, then does what somebody would who has taken it over. Ends with 0 when that worked,
 * with the errno when it did not; a forbidden call ends it by SIGSYS.
 */
#include "../../../helpers/unpack/confine.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <unistd.h>

static int result(long r)
{
    return r >= 0 ? 0 : errno;
}

static int wish(const char *what, const char *arg)
{
    char *const argv[] = {(char[]){"sh"}, NULL};
    if (strcmp(what, "nothing") == 0)
        return 0;
    if (strcmp(what, "read") == 0)
        return result(open(arg, O_RDONLY));
    if (strcmp(what, "make") == 0)
        return result(open(arg, O_CREAT | O_WRONLY, 0600));
    if (strcmp(what, "socket") == 0)
        return result(socket(AF_INET, SOCK_STREAM, 0));
    if (strcmp(what, "exec") == 0)
        return result(execv("/bin/sh", argv));
    if (strcmp(what, "fork") == 0)
        return result(fork());
    if (strcmp(what, "chroot") == 0)
        return result(chroot("."));
    if (strcmp(what, "mount") == 0)
        return result(mount("none", "/", "tmpfs", 0, NULL));
    if (strcmp(what, "unshare") == 0)
        return result(unshare(CLONE_NEWUSER));
    if (strcmp(what, "ptrace") == 0)
        return result(ptrace(PTRACE_ATTACH, getppid(), NULL, NULL));
    if (strcmp(what, "code") == 0)
        return mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) !=
                       MAP_FAILED
                   ? 0
                   : errno;
    return 200;
}

int main(int argc, char **argv)
{
    struct err e = ERR_INIT;
    if (argc < 3)
        return 201;
    /* left open by somebody: must be closed, or it would be a way out */
    int out = open("/", O_RDONLY | O_DIRECTORY);
    if (out >= 0)
        out = fcntl(out, F_DUPFD, 100);
    int dir = open(argv[1], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (dir >= 0 && dir <= 3)
        dir = fcntl(dir, F_DUPFD_CLOEXEC, 10);
    if (dir < 0 || confine_process(&dir, 1, &e) < 0 || confine_calls(&e) < 0) {
        fprintf(stderr, "%s\n", e.msg);
        return 202;
    }
    if (strcmp(argv[2], "left") == 0)
        return result(openat(out, "etc/passwd", O_RDONLY));
    return wish(argv[2], argc > 3 ? argv[3] : "");
}
