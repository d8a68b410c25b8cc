/*
 * pod-userns: makes, holds and enters the user's namespace (words/userns.h).
 *
 *   pod-userns enter [--] COMMAND [ARG...]   become uid 0 of it, then exec COMMAND
 *   pod-userns lend                          make namespaces below it for a container to come
 *   pod-userns info                          the holder's pid, 0 when there is none
 *   pod-userns stop                          end the holder; what runs inside goes on
 *
 * One ability: the user namespace. It reads nothing but the hint file and /etc/sub*id.
 *
 * lend: to make a user and a network namespace takes the kernel as long as all the container's
 * mounts; here it does so beside the programs that start the container. The answer is a message on
 * descriptor 3, a socket: our pid, whose id maps are to be written still, both namespaces, and a
 * pidfd. We stay, so that they can be, until we are killed or the other end is closed.
 */
#include "fail.h"

#include "disk/report.h"
#include "disk/roots.h"
#include "plain/fdio.h"
#include "plain/loopback.h"
#include "words/userns.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

static int enter(const char *run, char **argv)
{
    struct err e = ERR_INIT;
    if (argv[0] && strcmp(argv[0], "--") == 0)
        argv++;
    if (!argv[0]) {
        err_set(&e, 0, "pod-userns enter: no command given");
        return helper_fail(&e);
    }
    if (userns_enter(run, &e) < 0)
        return helper_fail(&e);
    execvp(argv[0], argv);
    err_sys(&e, "cannot run \"%s\"", argv[0]);
    e.code = errno == ENOENT ? 127 : 126;
    return helper_fail(&e);
}

static int lend(const char *run)
{
    struct err e = ERR_INIT;
    char pid[16], more;
    int n = snprintf(pid, sizeof pid, "%d", (int)getpid());
    if (userns_enter(run, &e) < 0)
        return helper_fail(&e);
    if (unshare(CLONE_NEWUSER | CLONE_NEWNET) < 0) {
        err_sys(&e, "cannot make namespaces");
        return helper_fail(&e);
    }
    loopback_up();
    int fds[] = {open("/proc/self/ns/user", O_RDONLY | O_CLOEXEC),
                 open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC),
                 (int)syscall(SYS_pidfd_open, getpid(), 0)};
    if (fd_send(REPORT_FD, pid, (size_t)n, fds, 3) < 0)
        return 1; /* nobody waits for them any more */
    while (read(REPORT_FD, &more, 1) < 0 && errno == EINTR)
        ;
    return 0;
}

int main(int argc, char **argv)
{
    struct err e = ERR_INIT;
    char *run;
    if (roots_run_path(&run, &e) < 0)
        return helper_fail(&e);
    if (argc > 2 && strcmp(argv[1], "enter") == 0)
        return enter(run, argv + 2);
    if (argc == 2 && strcmp(argv[1], "lend") == 0)
        return lend(run);
    if (argc == 2 && strcmp(argv[1], "info") == 0) {
        printf("%d\n", (int)userns_holder(run));
        return 0;
    }
    if (argc == 2 && strcmp(argv[1], "stop") == 0) {
        pid_t pid = userns_holder(run);
        return pid && kill(pid, SIGTERM) < 0 ? 1 : 0;
    }
    err_set(&e, 0, "usage: pod-userns enter [--] COMMAND [ARG...] | lend | info | stop");
    return helper_fail(&e);
}
