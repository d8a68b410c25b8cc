#include "rt.h"

#include "plain/buf.h"
#include "plain/fdio.h"
#include "plain/mountcalls.h"
#include "plain/str.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/un.h>
#include <termios.h>
#include <unistd.h>

static const char *const defaults[] = {"null", "zero", "full", "random", "urandom", "tty"};

static const struct {
    const char *target, *name;
} links[] = {
    {"/proc/self/fd", "fd"},       {"/proc/self/fd/0", "stdin"}, {"/proc/self/fd/1", "stdout"},
    {"/proc/self/fd/2", "stderr"}, {"pts/ptmx", "ptmx"},         {"/proc/kcore", "core"},
};

int bind_node(const char *source, int over, uint64_t attr)
{
    struct mount_attr a = {.attr_set = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC | attr};
    cleanup_fd int tree = tree_clone(AT_FDCWD, source, 0);
    if (tree < 0 || tree_setattr(tree, &a, 0) < 0)
        return -1;
    return tree_attach(tree, over);
}

/* mknod is not for user namespaces: the host's node is bound over an empty file. */
static int share_node(const char *source, int dev, const char *name, struct err *e)
{
    cleanup_fd int fd = openat(dev, name, O_CREAT | O_WRONLY | O_NOFOLLOW | O_CLOEXEC, 0666);
    if (fd < 0)
        return err_sys(e, "cannot make /dev/%s in the container", name);
    if (bind_node(source, fd, 0) < 0)
        return err_sys(e, "cannot put device \"%s\" into the container", source);
    return 0;
}

/* A device of linux.devices: made where that is allowed, else the host's node of that number. */
static int add_device(const json_t *d, int rootfd, struct err *e)
{
    const char *path = jx_str(d, "path"), *type = jx_str(d, "type");
    dev_t want = makedev((unsigned)jx_int(d, "major", 0), (unsigned)jx_int(d, "minor", 0));
    struct stat st;
    cleanup_free char *parent = xstrdup(path);
    for (size_t n = strlen(parent); n > 1 && parent[n - 1] == '/'; n--)
        parent[n - 1] = '\0';
    char *slash = strrchr(parent, '/');
    if (!slash || !slash[1])
        return err_set(e, 0, "device path \"%s\" is not absolute", path);
    *slash = '\0';
    cleanup_fd int dir = open_in_root(rootfd, parent, true, e);
    if (dir < 0)
        return -1;
    mode_t kind = *type == 'b' ? S_IFBLK : *type == 'p' ? S_IFIFO : S_IFCHR;
    mode_t mode = (mode_t)jx_int(d, "fileMode", 0666) & 07777;
    if (mknodat(dir, slash + 1, kind | mode, want) == 0) {
        if (fchmodat(dir, slash + 1, mode, 0) < 0)
            return err_sys(e, "cannot set the mode of device \"%s\"", path);
        return fchownat(dir, slash + 1, (uid_t)jx_int(d, "uid", 0), (gid_t)jx_int(d, "gid", 0),
                        AT_SYMLINK_NOFOLLOW) < 0
                   ? err_sys(e, "cannot own device \"%s\"", path)
                   : 0;
    }
    if (errno == EEXIST) {
        if (fstatat(dir, slash + 1, &st, 0) == 0 && (st.st_mode & S_IFMT) == kind &&
            (kind == S_IFIFO || st.st_rdev == want))
            return 0;
        return err_set(e, 0, "device \"%s\": there is another file of that name", path);
    }
    if (stat(path, &st) < 0 || !(S_ISCHR(st.st_mode) || S_ISBLK(st.st_mode)) || st.st_rdev != want)
        return err_set(e, 0, "cannot make device \"%s\": the host has no such node to share", path);
    return share_node(path, dir, slash + 1, e);
}

int dev_populate(const struct rt *rt, int rootfd, struct err *e)
{
    struct stat st;
    cleanup_fd int dev = open_in_root(rootfd, "dev", true, e);
    if (dev < 0)
        return -1;
    for (size_t i = 0; i < sizeof defaults / sizeof *defaults; i++) {
        char source[32];
        if (fstatat(dev, defaults[i], &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISCHR(st.st_mode))
            continue;
        snprintf(source, sizeof source, "/dev/%s", defaults[i]);
        if (share_node(source, dev, defaults[i], e) < 0)
            return -1;
    }
    for (size_t i = 0; i < sizeof links / sizeof *links; i++)
        if (symlinkat(links[i].target, dev, links[i].name) < 0 && errno != EEXIST && errno != EROFS)
            return err_sys(e, "cannot make /dev/%s in the container", links[i].name);
    const json_t *list = json_object_get(json_object_get(rt->spec, "linux"), "devices"), *d;
    size_t i;
    json_array_foreach(list, i, d)
    {
        if (add_device(d, rootfd, e) < 0)
            return -1;
    }
    return 0;
}

/* As long as 0 and 1 are still the caller's: his size, and plain newlines for a file or pipe. */
static void like_callers(int master)
{
    struct termios t;
    struct winsize ws;
    if (!isatty(1) && tcgetattr(master, &t) == 0) {
        t.c_oflag &= ~(tcflag_t)ONLCR;
        tcsetattr(master, TCSANOW, &t);
    }
    if (ioctl(0, TIOCGWINSZ, &ws) == 0)
        ioctl(master, TIOCSWINSZ, &ws);
}

int dev_open_pty(const struct rt *rt, int master, const json_t *process, char *slave, size_t size,
                 struct err *e)
{
    unsigned n;
    int unlocked = 0;
    if (ioctl(master, TIOCSPTLCK, &unlocked) < 0 || ioctl(master, TIOCGPTN, &n) < 0)
        return err_sys(e, "cannot open a terminal in the container");
    if (rt->terminal_fd >= 0)
        like_callers(master);
    const json_t *cs = json_object_get(process, "consoleSize");
    if (cs) {
        struct winsize ws = {.ws_row = (unsigned short)jx_int(cs, "height", 0),
                             .ws_col = (unsigned short)jx_int(cs, "width", 0)};
        ioctl(master, TIOCSWINSZ, &ws);
    }
    snprintf(slave, size, "/dev/pts/%u", n);
    return 0;
}

int dev_console(const struct rt *rt, int rootfd, const json_t *process, int *ret_master,
                char *slave, size_t size, struct err *e)
{
    cleanup_fd int pts = open_in_root(rootfd, "dev/pts/ptmx", false, e);
    if (pts < 0)
        return -1;
    cleanup_fd int master = open(fd_path(pts).s, O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (master < 0)
        return err_sys(e, "cannot open a terminal in the container");
    if (dev_open_pty(rt, master, process, slave, size, e) < 0)
        return -1;
    cleanup_fd int dev = open_in_root(rootfd, "dev", true, e);
    cleanup_fd int node = dev < 0 ? -1 : open_in_root(rootfd, slave, false, e);
    if (node < 0)
        return -1;
    const json_t *user = json_object_get(process, "user");
    if (fchownat(node, "", (uid_t)jx_int(user, "uid", 0), (gid_t)-1, AT_EMPTY_PATH) < 0)
        return err_sys(e, "cannot own the container's terminal");
    if (share_node(fd_path(node).s, dev, "console", e) < 0)
        return -1;
    *ret_master = fd_take(&master);
    return 0;
}

int dev_console_connect(const char *socket_path, struct err *e)
{
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    cleanup_fd int s = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (str_copy(a.sun_path, sizeof a.sun_path, socket_path) < 0)
        return err_sys(e, "console socket \"%s\"", socket_path);
    if (s < 0 || connect(s, (struct sockaddr *)&a, sizeof a) < 0)
        return err_sys(e, "cannot connect to console socket \"%s\"", socket_path);
    return fd_take(&s);
}

int dev_use_terminal(const char *slave, struct err *e)
{
    cleanup_fd int fd = open(slave, O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (fd < 0)
        return err_sys(e, "cannot open the container's terminal");
    setsid();
    if (ioctl(fd, TIOCSCTTY, 0) < 0)
        return err_sys(e, "cannot make the terminal the controlling one");
    for (int i = 0; i < 3; i++)
        if (dup2(fd, i) < 0)
            return err_sys(e, "cannot use the container's terminal");
    return 0;
}
