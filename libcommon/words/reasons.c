#include "words/reasons.h"
#include "disk/account.h"

#include "disk/at.h"
#include "plain/buf.h"
#include "plain/str.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/xattr.h>
#include <unistd.h>

#define MAX_SUBID_FILE (4 << 20)
#define FIRST_SUBID    100000
#define SUBIDS         65536

const char *reason_user(void)
{
    static struct account own;
    if (!*own.name && account_by_id(getuid(), &own) < 0)
        snprintf(own.name, sizeof own.name, "%u", getuid());
    return own.name;
}

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

void reason_install_line(const char *tool, char *out, size_t size)
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

char *reason_find_tool(const char *tool)
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

/* ---- user namespace ---- */

static bool sysctl_is(const char *path, const char *value)
{
    cleanup(buf_free) struct buf b = BUF_INIT;
    if (at_read(AT_FDCWD, path, 64, &b) < 0 || !b.len)
        return false;
    b.s[strcspn(b.s, "\n")] = '\0';
    return strcmp(b.s, value) == 0;
}

/* Doors that are shut by a setting, and the setting that opens each. */
static const struct {
    const char *file, *shut, *why, *remedy;
} doors[] = {
    {"/proc/sys/user/max_user_namespaces", "0", "user.max_user_namespaces is 0",
     "user.max_user_namespaces=28633"},
    {"/proc/sys/kernel/unprivileged_userns_clone", "0",
     "the kernel forbids them (kernel.unprivileged_userns_clone is 0)",
     "kernel.unprivileged_userns_clone=1"},
    {"/proc/sys/kernel/apparmor_restrict_unprivileged_userns", "1",
     "AppArmor forbids them (kernel.apparmor_restrict_unprivileged_userns is 1)",
     "kernel.apparmor_restrict_unprivileged_userns=0"},
};

static int no_userns(const char *why, struct err *e)
{
    return err_set(e, 0, "user namespaces are not available to user \"%s\": %s", reason_user(),
                   why);
}

int reason_userns(int sys, struct err *e)
{
    for (size_t i = 0; i < sizeof doors / sizeof *doors; i++) {
        if (!sysctl_is(doors[i].file, doors[i].shut))
            continue;
        no_userns(doors[i].why, e);
        return err_hint(e, "Ask the administrator to type: sudo sysctl -w %s", doors[i].remedy);
    }
    if (sys == ENOSPC) {
        no_userns("the limit user.max_user_namespaces is reached", e);
        return err_hint(e, "Ask the administrator to type: sudo sysctl -w %s", doors[0].remedy);
    }
    if (sys == EINVAL || sys == ENOSYS) {
        no_userns("the kernel was built without them (CONFIG_USER_NS)", e);
        return err_hint(e, "Ask the administrator for a kernel of the distribution");
    }
    no_userns(sys == EPERM || sys == EACCES || sys == REASON_NO_RIGHTS
                  ? "a security policy or a chroot forbids them"
                  : strerror(sys),
              e);
    return err_hint(e, "If this is a container or a chroot itself, what runs it must allow user "
                       "namespaces: seccomp profile, AppArmor or SELinux policy");
}

/* ---- subordinate ids ---- */

/* Numbers given to the user in file; *top is put above all ranges of all users. */
static unsigned long long count_ids(const char *file, uint64_t *top)
{
    char uid[16], *save = NULL;
    uint64_t start, n, total = 0;
    cleanup(buf_free) struct buf b = BUF_INIT;
    snprintf(uid, sizeof uid, "%u", getuid());
    if (at_read(AT_FDCWD, file, MAX_SUBID_FILE, &b) < 0 || !b.s)
        return 0;
    for (char *l = strtok_r(b.s, "\n", &save); l; l = strtok_r(NULL, "\n", &save)) {
        char *first = strchr(l, ':'), *count = first ? strchr(first + 1, ':') : NULL;
        if (!count)
            continue;
        *first++ = *count++ = '\0';
        count[strcspn(count, " \t\r:")] = '\0';
        if (str_u64(first, UINT32_MAX, &start) < 0 || str_u64(count, UINT32_MAX, &n) < 0)
            continue;
        if (start + n > *top)
            *top = start + n;
        if (strcmp(l, reason_user()) == 0 || strcmp(l, uid) == 0)
            total += n;
    }
    return total;
}

unsigned long long reason_count_subids(const char *kind)
{
    uint64_t top = 0;
    return count_ids(strcmp(kind, "uid") == 0 ? "/etc/subuid" : "/etc/subgid", &top);
}

int reason_subids(const char *kind, struct err *e)
{
    uint64_t top = FIRST_SUBID;
    bool uids = count_ids("/etc/subuid", &top) == 0, gids = count_ids("/etc/subgid", &top) == 0;
    char range[64], add_uids[96] = "", add_gids[96] = "";
    snprintf(range, sizeof range, "%llu-%llu", (unsigned long long)top,
             (unsigned long long)top + SUBIDS - 1);
    if (uids)
        snprintf(add_uids, sizeof add_uids, " --add-subuids %s", range);
    if (gids)
        snprintf(add_gids, sizeof add_gids, " --add-subgids %s", range);
    err_set(e, 0, "no subordinate %s range for user \"%s\" in /etc/sub%s", kind, reason_user(),
            kind);
    return err_hint(e, "Ask the administrator to type: sudo usermod%s%s %s", add_uids, add_gids,
                    reason_user());
}

/* ---- newuidmap, newgidmap ---- */

static int bad_mapper(const char *tool, const char *why, struct err *e)
{
    return err_set(e, 0, "cannot map user ids: \"%s\" %s", tool, why);
}

int reason_mapper(const char *tool, struct err *e)
{
    char line[200];
    struct stat st;
    struct statvfs fs;
    cleanup_free char *path = reason_find_tool(tool);
    if (!path || stat(path, &st) < 0) {
        reason_install_line(tool, line, sizeof line);
        bad_mapper(tool, "is not installed", e);
        return err_hint(e, "Ask the administrator to type: %s", line);
    }
    bool setuid_root = (st.st_mode & S_ISUID) && st.st_uid == 0;
    if (!setuid_root && getxattr(path, "security.capability", NULL, 0) <= 0) {
        bad_mapper(tool, "is not setuid root", e);
        return err_hint(e, "Ask the administrator to type: sudo chmod u+s %s", path);
    }
    if (statvfs(path, &fs) == 0 && (fs.f_flag & ST_NOSUID)) {
        bad_mapper(tool, "is on a file system mounted nosuid", e);
        return err_hint(e,
                        "Ask the administrator to type: sudo mount -o remount,suid "
                        "$(findmnt -n -o TARGET -T %s)",
                        path);
    }
    if (prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1) {
        bad_mapper(tool, "cannot become root: no_new_privs is set for this process", e);
        return err_hint(e, "Start pod from a shell or service without NoNewPrivileges");
    }
    return 0;
}

int reason_mapper_refused(const char *tool, struct err *e)
{
    if (reason_mapper(tool, e) < 0)
        return -1;
    bad_mapper(tool, "was refused: the range is not the user's", e);
    return err_hint(e, "See what is written in /etc/subuid and /etc/subgid for user %s",
                    reason_user());
}

/* ---- overlay ---- */

const char *reason_no_fuse(void)
{
    cleanup_free char *tool = reason_find_tool("fuse-overlayfs");
    if (!tool)
        return "is not installed";
    if (access("/dev/fuse", F_OK) < 0)
        return "finds no /dev/fuse";
    return access("/dev/fuse", R_OK | W_OK) < 0 ? "may not open /dev/fuse" : NULL;
}

int reason_overlay(int sys, const char *fuse, struct err *e)
{
    char line[200];
    err_set(e, 0,
            "cannot mount an overlay filesystem: the kernel refuses it (%s) and fuse-overlayfs %s",
            sys ? strerror(sys) : "it was not asked", fuse);
    if (str_ends(fuse, "no /dev/fuse"))
        return err_hint(e, "Ask the administrator to type: sudo modprobe fuse");
    if (str_ends(fuse, "open /dev/fuse"))
        return err_hint(e, "Ask the administrator to type: sudo chmod 0666 /dev/fuse");
    if (!str_ends(fuse, "installed"))
        return err_hint(e, "Type: pod doctor");
    reason_install_line("fuse-overlayfs", line, sizeof line);
    return err_hint(e, "Ask the administrator to type: %s", line);
}
