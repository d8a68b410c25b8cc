/* Network, limits, directories, packages. */
#include "things/needs.h"

#include "disk/at.h"
#include "plain/buf.h"
#include "plain/fdio.h"
#include "plain/str.h"
#include "things/cgroup.h"

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

/* ---- packages ---- */

static const struct {
    const char *id; /* os-release's ID or a word of ID_LIKE */
    const char *command;
    const char *uidmap; /* the package of newuidmap; the others are called alike everywhere */
} distributions[] = {
    {"debian", "sudo apt install", "uidmap"},       {"ubuntu", "sudo apt install", "uidmap"},
    {"fedora", "sudo dnf install", "shadow-utils"}, {"rhel", "sudo dnf install", "shadow-utils"},
    {"arch", "sudo pacman -S", "shadow"},           {"alpine", "sudo apk add", "shadow-uidmap"},
    {"suse", "sudo zypper install", "shadow"},
};

static bool is_distribution(const char *os_release, const char *id)
{
    cleanup_free char *copy = xstrdup(os_release);
    char *save = NULL;
    for (char *l = strtok_r(copy, "\n", &save); l; l = strtok_r(NULL, "\n", &save)) {
        if (!str_starts(l, "ID=") && !str_starts(l, "ID_LIKE="))
            continue;
        char *word = NULL;
        for (char *w = strtok_r(strchr(l, '=') + 1, "\"' ", &word); w;
             w = strtok_r(NULL, "\"' ", &word))
            if (strcmp(w, id) == 0)
                return true;
    }
    return false;
}

void needs_install_line(const char *tool, char *out, unsigned long size)
{
    cleanup(buf_free) struct buf b = BUF_INIT;
    size_t i = 0, n = sizeof distributions / sizeof *distributions;
    if (at_read(AT_FDCWD, "/etc/os-release", 65536, &b) == 0)
        while (i < n && !is_distribution(buf_str(&b), distributions[i].id))
            i++;
    if (i == n)
        i = 0;
    bool mapper = str_eq(tool, "newuidmap") || str_eq(tool, "newgidmap");
    snprintf(out, size, "%s %s", distributions[i].command,
             mapper                  ? distributions[i].uidmap
             : str_eq(tool, "pasta") ? "passt"
                                     : tool);
}

char *needs_find(const char *tool)
{
    const char *path = getenv("PATH");
    cleanup(strv_free) struct strv dirs = STRV_INIT;
    strv_split(&dirs, path && *path ? path : "/usr/local/bin:/usr/bin:/bin", ':');
    for (size_t i = 0; i < dirs.n; i++) {
        char *full = xasprintf("%s/%s", *dirs.v[i] ? dirs.v[i] : ".", tool);
        struct stat st;
        if (access(full, X_OK) == 0 && stat(full, &st) == 0 && S_ISREG(st.st_mode))
            return full;
        free(full);
    }
    return NULL;
}

/* ---- network ---- */

int needs_tun(struct err *e)
{
    cleanup_fd int fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC);
    if (fd >= 0)
        return 0;
    int sys = errno;
    err_sys(e, "cannot open /dev/net/tun, which a container's network needs");
    if (sys == EACCES || sys == EPERM)
        return err_hint(e, "Ask the administrator to type: sudo chmod 0666 /dev/net/tun");
    return err_hint(e, "Ask the administrator to type: sudo modprobe tun");
}

int needs_netprogram(const char *name, char **ret_path, struct err *e)
{
    char line[200];
    char *path = needs_find(name);
    if (!path) {
        err_set(e, 0,
                "could not find %s, the network namespace can't be configured: "
                "exec: \"%s\": executable file not found in $PATH",
                name, name);
        needs_install_line(name, line, sizeof line);
        return err_hint(e, "Ask the administrator to type: %s", line);
    }
    if (ret_path)
        *ret_path = path;
    else
        free(path);
    return 0;
}

/* ---- control groups ---- */

int needs_cgroup(const char *option, const char *controller, struct err *e)
{
    const char *const only[] = {controller, NULL};
    cleanup_free char *own = cgroup_divisible(only), *manager = cgroup_manager();
    if (own || (manager && cgroup_lists(manager, "cgroup.controllers", controller)))
        return 0;
    bool v2 = cgroup_is_v2();
    err_set(e, 0, "%s: the %s controller is not delegated to user %s (%s)", option, controller,
            needs_user(),
            !v2       ? "this machine runs cgroup v1"
            : manager ? "cgroup v2 without it"
                      : "no systemd user manager answers");
    if (!v2)
        return err_hint(e, "Ask the administrator to boot with the kernel parameter "
                           "systemd.unified_cgroup_hierarchy=1");
    if (!manager)
        return err_hint(e,
                        "Log in through the system's login, or ask the administrator to type: "
                        "sudo loginctl enable-linger %s",
                        needs_user());
    return err_hint(e, "Ask the administrator to type the following, then log in again:\n"
                       "sudo mkdir -p /etc/systemd/system/user@.service.d\n"
                       "printf '[Service]\\nDelegate=cpu cpuset io memory pids\\n' | "
                       "sudo tee /etc/systemd/system/user@.service.d/delegate.conf\n"
                       "sudo systemctl daemon-reload");
}

/* ---- directories ---- */

int needs_runtime_dir(struct err *e)
{
    const char *dir = getenv("XDG_RUNTIME_DIR");
    struct stat st;
    if (!dir || !*dir)
        err_set(e, 0, "XDG_RUNTIME_DIR is not set");
    else if (lstat(dir, &st) < 0)
        err_sys(e, "XDG_RUNTIME_DIR: \"%s\"", dir);
    else if (!S_ISDIR(st.st_mode) || st.st_uid != geteuid())
        err_set(e, 0, "XDG_RUNTIME_DIR: \"%s\" is not a directory of user %s", dir, needs_user());
    else if (st.st_mode & 077)
        err_set(e, 0, "XDG_RUNTIME_DIR: \"%s\" is open to other users (mode %04o)", dir,
                st.st_mode & 07777);
    else
        return 0;
    return err_hint(e,
                    "Log in through the system's login rather than su or sudo -u; for services: "
                    "sudo loginctl enable-linger %s",
                    needs_user());
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
                        needs_user());
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
                    needs_user(), MANY_FILES);
}
