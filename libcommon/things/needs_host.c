/* Network, limits, directories, packages. */
#include "things/needs.h"

#include "disk/at.h"
#include "plain/buf.h"
#include "plain/fdio.h"
#include "plain/str.h"
#include "things/cgroup.h"
#include "words/reasons.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#define ENOUGH_FILES 1024
#define MANY_FILES   65536

/* ---- network ---- */

int needs_tun(struct err *e)
{
    cleanup_fd int fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC);
    if (fd >= 0)
        return 0;
    err_sys(e, "cannot open /dev/net/tun, which a container's network needs");
    if (e->sys == EACCES || e->sys == EPERM)
        return err_hint(e, "Ask the administrator to type: sudo chmod 0666 /dev/net/tun");
    return err_hint(e, "Ask the administrator to type: sudo modprobe tun");
}

int needs_netprogram(const char *name, char **ret_path, struct err *e)
{
    char line[200];
    char *path = reason_find_tool(name);
    if (!path) {
        err_set(e, 0,
                "could not find %s, the network namespace can't be configured: "
                "exec: \"%s\": executable file not found in $PATH",
                name, name);
        reason_install_line(name, line, sizeof line);
        return err_hint(e, "Ask the administrator to type: %s", line);
    }
    if (ret_path)
        *ret_path = path;
    else
        free(path);
    return 0;
}

/* ---- control groups ---- */

#define DELEGATE "/etc/systemd/system/user@.service.d"

/* Why the controller cannot be had, and what would give it. */
static int not_delegated(const char *option, const char *controller, const char *why, struct err *e)
{
    return err_set(e, 0, "%s: the %s controller is not delegated to user %s (%s)", option,
                   controller, reason_user(), why);
}

/* The tree's root lacks it. /proc/cgroups: name, v1 hierarchy (0: v2's), cgroups, enabled. */
static int not_offered(const char *option, const char *controller, struct err *e)
{
    cleanup(buf_free) struct buf b = BUF_INIT;
    cleanup_free char *start = xasprintf("\n%s\t", controller);
    int hierarchy = 0, enabled = 1;
    bool v2 = cgroup_is_v2();
    const char *line =
        at_read(AT_FDCWD, "/proc/cgroups", 65536, &b) == 0 ? strstr(buf_str(&b), start) : NULL;
    if (line)
        (void)sscanf(line + strlen(start), "%d %*d %d", &hierarchy, &enabled);
    if (!enabled) {
        not_delegated(option, controller, "the kernel has it switched off", e);
        return err_hint(e,
                        "Ask the administrator to boot with the kernel parameter "
                        "cgroup_enable=%s",
                        controller);
    }
    if (v2 && !hierarchy) {
        not_delegated(option, controller, "this machine's cgroup v2 tree is without it", e);
        return err_hint(e,
                        "If this is a container itself, what runs it must hand on the cgroup "
                        "controller %s",
                        controller);
    }
    not_delegated(option, controller, v2 ? "cgroup v1 keeps it" : "this machine runs cgroup v1", e);
    return err_hint(e, "Ask the administrator to boot with the kernel parameter "
                       "systemd.unified_cgroup_hierarchy=1");
}

static int no_manager(const char *option, const char *controller, struct err *e)
{
    if (access("/run/systemd/system", F_OK) < 0) {
        not_delegated(option, controller, "this machine does not run systemd", e);
        return err_hint(e,
                        "Ask the administrator for a directory below " CGROUP_ROOT " that belongs "
                        "to user %s and has the controller in its cgroup.subtree_control",
                        reason_user());
    }
    not_delegated(option, controller, "no systemd user manager answers", e);
    return err_hint(e,
                    "Log in through the system's login, or ask the administrator to type: "
                    "sudo loginctl enable-linger %s",
                    reason_user());
}

int needs_cgroup(const char *option, const char *controller, struct err *e)
{
    const char *const only[] = {controller, NULL};
    cleanup_free char *own = cgroup_divisible(only), *manager = cgroup_manager();
    if (own || (manager && cgroup_lists(manager, "cgroup.controllers", controller)))
        return 0;
    if (!cgroup_is_v2() || !cgroup_lists(CGROUP_ROOT, "cgroup.controllers", controller))
        return not_offered(option, controller, e);
    if (!manager)
        return no_manager(option, controller, e);
    not_delegated(option, controller, "systemd keeps it from users", e);
    return err_hint(e, "Ask the administrator to type the following, then log in again:\n"
                       "sudo mkdir -p " DELEGATE "\n"
                       "printf '[Service]\\nDelegate=cpu cpuset io memory pids\\n' | "
                       "sudo tee " DELEGATE "/delegate.conf\n"
                       "sudo systemctl daemon-reload");
}

/* ---- directories ---- */

int needs_runtime_dir(struct err *e)
{
    const char *dir = getenv("XDG_RUNTIME_DIR");
    char usual[40];
    struct stat st;
    if (geteuid() == 0 && !dir)
        return 0; /* usual for root, who always has a place */
    if (!dir || !*dir)
        err_set(e, 0, "XDG_RUNTIME_DIR is not set");
    else if (lstat(dir, &st) < 0)
        err_sys(e, "XDG_RUNTIME_DIR: \"%s\"", dir);
    else if (!S_ISDIR(st.st_mode) || st.st_uid != geteuid())
        err_set(e, 0, "XDG_RUNTIME_DIR: \"%s\" is not a directory of user %s", dir, reason_user());
    else if (st.st_mode & 077)
        err_set(e, 0, "XDG_RUNTIME_DIR: \"%s\" is open to other users (mode %04o)", dir,
                st.st_mode & 07777);
    else
        return 0;
    snprintf(usual, sizeof usual, "/run/user/%u", geteuid());
    if (lstat(usual, &st) == 0 && S_ISDIR(st.st_mode) && st.st_uid == geteuid())
        return err_hint(e, "Type: export XDG_RUNTIME_DIR=%s", usual);
    return err_hint(e,
                    "Log in through the system's login rather than su or sudo -u, or ask the "
                    "administrator to type: sudo loginctl enable-linger %s",
                    reason_user());
}

/* Remote and stacked file systems on which an overlay's upper side or a foreign id cannot live. */
static const struct {
    unsigned long magic;
    const char *name;
} unfit[] = {
    {0x6969, "NFS"},      {0x517b, "SMB"},     {0xfe534d42, "SMB"},  {0xff534d42, "CIFS"},
    {0x5346414f, "AFS"},  {0x6b414653, "AFS"}, {0x00c36400, "Ceph"}, {0x0bd00bd0, "Lustre"},
    {0x47504653, "GPFS"}, {0x01021997, "9p"},  {0xf15f, "eCryptfs"}, {0x65735546, "FUSE"},
};

int needs_local_disk(const char *path, struct err *e)
{
    struct statfs fs;
    if (statfs(path, &fs) < 0)
        return err_sys(e, "cannot look at the file system of \"%s\"", path);
    for (size_t i = 0; i < sizeof unfit / sizeof *unfit; i++) {
        if ((unsigned long)fs.f_type != unfit[i].magic)
            continue;
        err_set(e, 0, "storage at \"%s\" is on %s, which cannot hold container layers", path,
                unfit[i].name);
        return err_hint(e,
                        "Put it on a local disk: in ~/.config/containers/storage.conf write\n"
                        "[storage]\ndriver = \"overlay\"\n"
                        "graphroot = \"/var/tmp/%s/containers/storage\"",
                        reason_user());
    }
    return 0;
}

int needs_overlay_store(const char *graphroot, struct err *e)
{
    static const char *const others[] = {"vfs", "btrfs", "zfs", "devicemapper", "aufs"};
    cleanup_fd int dir = at_open_dir(AT_FDCWD, graphroot);
    if (dir < 0 || at_exists(dir, "overlay-images"))
        return 0;
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        char name[40];
        snprintf(name, sizeof name, "%s-images", others[i]);
        if (!at_exists(dir, name))
            continue;
        err_set(e, 0,
                "User-selected graph driver \"overlay\" is not that of the storage at \"%s\": its "
                "images are of driver \"%s\" and are not seen",
                graphroot, others[i]);
        return err_hint(e,
                        "Carry an image over with: podman --storage-driver %s push IMAGE oci:DIR "
                        "&& pod pull oci:DIR",
                        others[i]);
    }
    return 0;
}

int needs_open_files(struct err *e)
{
    struct rlimit r;
    if (getrlimit(RLIMIT_NOFILE, &r) < 0 || r.rlim_cur >= ENOUGH_FILES)
        return 0;
    err_set(e, 0, "a process may open only %llu files (RLIMIT_NOFILE)",
            (unsigned long long)r.rlim_cur);
    if (r.rlim_max >= ENOUGH_FILES)
        return err_hint(e, "Type: ulimit -n %llu", (unsigned long long)r.rlim_max);
    return err_hint(e,
                    "Ask the administrator to type: echo '%s hard nofile %d' | sudo tee -a "
                    "/etc/security/limits.conf",
                    reason_user(), MANY_FILES);
}
