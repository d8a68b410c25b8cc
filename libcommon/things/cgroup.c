#include "things/cgroup.h"

#include "disk/at.h"
#include "plain/buf.h"
#include "plain/fdio.h"
#include "plain/str.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/vfs.h>
#include <unistd.h>

#define MAX_FILE 65536

bool cgroup_is_v2(void)
{
    struct statfs fs;
    return statfs(CGROUP_ROOT, &fs) == 0 && fs.f_type == CGROUP2_SUPER_MAGIC;
}

char *cgroup_own(void)
{
    return cgroup_of(getpid());
}

char *cgroup_of(pid_t pid)
{
    cleanup(buf_free) struct buf b = BUF_INIT;
    cleanup_free char *file = xasprintf("/proc/%d/cgroup", pid);
    if (!cgroup_is_v2() || at_read(AT_FDCWD, file, MAX_FILE, &b) < 0)
        return NULL;
    char *line = buf_str(&b)[0] ? strstr(b.s, "0::/") : NULL;
    if (!line || (line != b.s && line[-1] != '\n'))
        return NULL;
    line += strlen("0::");
    line[strcspn(line, "\n")] = '\0';
    if (strstr(line, "/..")) /* outside of our cgroup namespace: no path leads there */
        return NULL;
    return xasprintf("%s%s", CGROUP_ROOT, strcmp(line, "/") == 0 ? "" : line);
}

bool cgroup_lists(const char *dir, const char *file, const char *word)
{
    cleanup(buf_free) struct buf b = BUF_INIT;
    cleanup_free char *path = xasprintf("%s/%s", dir, file);
    if (at_read(AT_FDCWD, path, MAX_FILE, &b) < 0)
        return false;
    size_t n = strlen(word);
    for (const char *p = buf_str(&b); *p; p += strspn(p, " \n")) {
        size_t len = strcspn(p, " \n");
        if (len == n && memcmp(p, word, n) == 0)
            return true;
        p += len;
    }
    return false;
}

bool cgroup_is_ours(const char *dir)
{
    cleanup_free char *procs = xasprintf("%s/cgroup.procs", dir);
    return access(dir, W_OK) == 0 && access(procs, W_OK) == 0;
}

/*
 * systemd's own branches: it hands controllers on there by itself. Of scopes and services it
 * does so only where somebody to whom they were delegated has asked for it.
 */
static bool is_systemds(const char *dir)
{
    const char *name = strrchr(dir, '/') + 1;
    struct stat st;
    return stat("/run/systemd/system", &st) == 0 &&
           (strcmp(dir, CGROUP_ROOT) == 0 || str_ends(name, ".slice") || str_starts(name, "user@"));
}

static bool hands_all(const char *dir, const char *const *controllers)
{
    for (; *controllers; controllers++)
        if (!cgroup_lists(dir, "cgroup.subtree_control", *controllers))
            return false;
    return true;
}

char *cgroup_divisible(const char *const *controllers)
{
    return cgroup_divisible_at(getpid(), controllers);
}

char *cgroup_divisible_at(pid_t pid, const char *const *controllers)
{
    char *dir = cgroup_of(pid);
    while (dir && strlen(dir) >= strlen(CGROUP_ROOT) && cgroup_is_ours(dir) && !is_systemds(dir)) {
        if (hands_all(dir, controllers))
            return dir;
        *strrchr(dir, '/') = '\0';
    }
    free(dir);
    return NULL;
}

static bool answers(const char *path)
{
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    if (str_copy(a.sun_path, sizeof a.sun_path, path) < 0)
        return false;
    cleanup_fd int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    return fd >= 0 && connect(fd, (struct sockaddr *)&a, sizeof a) == 0;
}

/* Where the session says, then where a login puts it: XDG_RUNTIME_DIR may be set to elsewhere. */
char *cgroup_manager_socket(void)
{
    const char *run = getenv("XDG_RUNTIME_DIR");
    char *places[2] = {
        geteuid() == 0 ? xstrdup("/run/systemd/private")
                       : xasprintf("%s/systemd/private", run ? run : ""),
        xasprintf("/run/user/%u/systemd/private", geteuid()),
    };
    int found = !answers(places[0]);
    if (found == 1 && (geteuid() == 0 || !answers(places[1])))
        found = 2;
    for (int i = 0; i < 2; i++)
        if (i != found)
            free(places[i]);
    return found < 2 ? places[found] : NULL;
}

char *cgroup_manager(void)
{
    unsigned uid = geteuid();
    cleanup_free char *socket = cgroup_is_v2() ? cgroup_manager_socket() : NULL;
    if (!socket)
        return NULL;
    char *dir =
        uid == 0 ? xstrdup(CGROUP_ROOT)
                 : xasprintf("%s/user.slice/user-%u.slice/user@%u.service", CGROUP_ROOT, uid, uid);
    if (access(dir, F_OK) == 0)
        return dir;
    free(dir);
    return NULL;
}
