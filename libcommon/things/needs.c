/* The user's namespace and what is mounted in it. */
#include "things/needs.h"

#include "disk/at.h"
#include "disk/rmtree.h"
#include "plain/buf.h"
#include "plain/fdio.h"
#include "plain/str.h"
#include "words/reasons.h"

#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

#define MAX_SUBID_FILE (4 << 20)
#define NO_RIGHTS      200 /* exit code: the namespace came, its capabilities did not */

const char *needs_user(void)
{
    static char name[64];
    struct passwd *pw = getpwuid(getuid());
    if (!pw || str_copy(name, sizeof name, pw->pw_name) < 0)
        snprintf(name, sizeof name, "%u", getuid());
    return name;
}

/* ---- user namespace ---- */

static bool write_file(const char *path, const char *text)
{
    cleanup_fd int fd = open(path, O_WRONLY | O_CLOEXEC);
    return fd >= 0 && fd_write_all(fd, text, strlen(text)) == 0;
}

/* uid 0 of a namespace with this one id, and a mount namespace; in a child. 0 or its exit code. */
static int become_root_alone(void)
{
    char map[32];
    unsigned uid = geteuid(), gid = getegid();
    if (unshare(CLONE_NEWUSER) < 0)
        return errno;
    snprintf(map, sizeof map, "0 %u 1", uid);
    if (!write_file("/proc/self/uid_map", map))
        return NO_RIGHTS;
    snprintf(map, sizeof map, "0 %u 1", gid);
    if (!write_file("/proc/self/setgroups", "deny") || !write_file("/proc/self/gid_map", map) ||
        unshare(CLONE_NEWNS) < 0)
        return NO_RIGHTS;
    return 0;
}

static int in_child(int (*fn)(const char *), const char *arg)
{
    int status;
    pid_t pid = fork();
    if (pid < 0)
        return errno;
    if (pid == 0)
        _exit(fn(arg));
    while (waitpid(pid, &status, 0) < 0)
        if (errno != EINTR)
            return errno;
    return WIFEXITED(status) ? WEXITSTATUS(status) : EIO;
}

static int try_userns(const char *unused)
{
    (void)unused;
    return become_root_alone();
}

static bool sysctl_is(const char *path, const char *value)
{
    cleanup(buf_free) struct buf b = BUF_INIT;
    if (at_read(AT_FDCWD, path, 64, &b) < 0)
        return false;
    b.s[strcspn(b.s, "\n")] = '\0';
    return strcmp(b.s, value) == 0;
}

/* The command that opens the door which is shut; NULL when it is none of the known ones. */
static const char *userns_remedy(int code)
{
    if (code == ENOSPC || sysctl_is("/proc/sys/user/max_user_namespaces", "0"))
        return "sudo sysctl user.max_user_namespaces=28633";
    if (sysctl_is("/proc/sys/kernel/unprivileged_userns_clone", "0"))
        return "sudo sysctl kernel.unprivileged_userns_clone=1";
    if (sysctl_is("/proc/sys/kernel/apparmor_restrict_unprivileged_userns", "1"))
        return "sudo sysctl kernel.apparmor_restrict_unprivileged_userns=0";
    return NULL;
}

int needs_userns(struct err *e)
{
    int code = geteuid() == 0 ? 0 : in_child(try_userns, NULL);
    if (code == 0)
        return 0;
    const char *why = strerror(code), *remedy = userns_remedy(code);
    if (code == ENOSPC)
        why = "the limit user.max_user_namespaces is reached";
    else if (code == EPERM || code == NO_RIGHTS)
        why = "the kernel forbids them (kernel.unprivileged_userns_clone, or AppArmor)";
    else if (code == EINVAL || code == ENOSYS)
        why = "the kernel was built without them (CONFIG_USER_NS)";
    err_set(e, 0, REASON_USERNS, needs_user(), why);
    if (remedy)
        return err_hint(e, REASON_USERNS_HINT, remedy);
    return err_hint(e, "If this is a container or a chroot itself, what runs it must allow user "
                       "namespaces: seccomp profile, AppArmor or SELinux policy");
}

/* ---- subordinate ids ---- */

static uint64_t ids_of(const char *file, const char *name)
{
    char uid[16], *save = NULL;
    uint64_t total = 0, n;
    cleanup(buf_free) struct buf b = BUF_INIT;
    snprintf(uid, sizeof uid, "%u", getuid());
    if (at_read(AT_FDCWD, file, MAX_SUBID_FILE, &b) < 0 || !b.s)
        return 0;
    for (char *l = strtok_r(b.s, "\n", &save); l; l = strtok_r(NULL, "\n", &save)) {
        char *start = strchr(l, ':'), *count = start ? strchr(start + 1, ':') : NULL;
        if (!count)
            continue;
        *start = *count++ = '\0';
        count[strcspn(count, " \t\r:")] = '\0';
        if ((strcmp(l, name) == 0 || strcmp(l, uid) == 0) && str_u64(count, UINT32_MAX, &n) == 0)
            total += n;
    }
    return total;
}

int needs_subids(struct err *e)
{
    static const char *const kinds[][2] = {{"uid", "/etc/subuid"}, {"gid", "/etc/subgid"}};
    const char *name = needs_user();
    for (int i = 0; i < 2 && geteuid() != 0; i++)
        if (ids_of(kinds[i][1], name) == 0) {
            err_set(e, 0, REASON_SUBIDS, kinds[i][0], name, kinds[i][1]);
            return err_hint(e, REASON_SUBIDS_HINT, name);
        }
    return 0;
}

/* ---- newuidmap, newgidmap ---- */

/* NULL when it will work; the reason otherwise. */
static const char *mapper_wrong(const char *tool)
{
    cleanup_free char *path = needs_find(tool);
    struct stat st;
    struct statvfs fs;
    if (!path || stat(path, &st) < 0)
        return "is not installed";
    bool setuid_root = (st.st_mode & S_ISUID) && st.st_uid == 0;
    if (!setuid_root && getxattr(path, "security.capability", NULL, 0) <= 0)
        return "was refused (it is not setuid, or the range is not ours)";
    if (statvfs(path, &fs) == 0 && (fs.f_flag & ST_NOSUID))
        return "was refused (it is on a file system mounted nosuid)";
    if (prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1)
        return "was refused (no_new_privs is set for this process, so setuid has no effect)";
    return NULL;
}

int needs_newuidmap(struct err *e)
{
    static const char *const tools[] = {"newuidmap", "newgidmap"};
    char line[200];
    for (int i = 0; i < 2 && geteuid() != 0; i++) {
        const char *why = mapper_wrong(tools[i]);
        if (!why)
            continue;
        err_set(e, 0, REASON_NEWUIDMAP, tools[i], why);
        if (strstr(why, "no_new_privs"))
            return err_hint(e, "Start pod from a shell or service without NoNewPrivileges");
        if (strstr(why, "nosuid"))
            return err_hint(e, "Ask the administrator to type: sudo mount -o remount,suid "
                               "MOUNTPOINT");
        needs_install_line(tools[i], line, sizeof line);
        if (str_starts(line, "sudo apt "))
            return err_hint(e, REASON_NEWUIDMAP_HINT);
        return err_hint(e, "Ask the administrator to type: %s", line);
    }
    return 0;
}

/* ---- overlay ---- */

/* In the child: an overlay over four fresh directories of the current one. */
static int mount_here(void)
{
    static const char *const dirs[] = {"l", "u", "w", "m"};
    for (int i = 0; i < 4; i++)
        if (mkdir(dirs[i], 0700) < 0)
            return errno;
    if (mount("overlay", "m", "overlay", 0, "lowerdir=l,upperdir=u,workdir=w,userxattr") < 0)
        return errno;
    /* the work directory's modes and whiteouts show here whether the upper side is able */
    return mkdir("m/d", 0700) < 0 || rmdir("m/d") < 0 ? errno : 0;
}

static int try_overlay(const char *dir)
{
    int code = geteuid() == 0 ? (unshare(CLONE_NEWNS) < 0 ? errno : 0) : become_root_alone();
    if (code != 0)
        return code == NO_RIGHTS ? EPERM : code;
    if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
        return errno;
    if (!dir && mount("tmpfs", "/tmp", "tmpfs", 0, NULL) < 0)
        return errno;
    return chdir(dir ? dir : "/tmp") < 0 ? errno : mount_here();
}

static int native_overlay(const char *dir)
{
    if (!dir)
        return in_child(try_overlay, NULL);
    cleanup_free char *path = xasprintf("%s/.pod-doctor-XXXXXX", dir);
    if (!mkdtemp(path))
        return errno;
    int code = in_child(try_overlay, path);
    rmtree(AT_FDCWD, path);
    return code;
}

int needs_overlay(const char *dir, bool *ret_native, struct err *e)
{
    int code = native_overlay(dir);
    cleanup_free char *fuse = needs_find("fuse-overlayfs");
    bool dev = access("/dev/fuse", R_OK | W_OK) == 0;
    if (code != 0 && !(fuse && dev)) {
        err_set(e, 0, REASON_OVERLAY, strerror(code),
                fuse ? "cannot open /dev/fuse" : "is not installed");
        return err_hint(e, REASON_OVERLAY_HINT);
    }
    if (ret_native)
        *ret_native = code == 0;
    return 0;
}
