#include "netns.h"

#include "disk/at.h"
#include "plain/fdio.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

static int enter(const char *dir, const char *ns, int type)
{
    char path[80];
    snprintf(path, sizeof path, "%s/ns/%s", dir, ns);
    cleanup_fd int fd = open(path, O_RDONLY | O_CLOEXEC);
    return fd < 0 ? -1 : setns(fd, type);
}

/* The kernel takes only gids that exist in the namespace: 0 up to the first that does not. */
static uint32_t highest_gid(const char *gid_map)
{
    uint64_t end = 0;
    for (bool moved = true; moved;) {
        moved = false;
        for (const char *l = gid_map; l && *l; l = strchr(l, '\n') ? strchr(l, '\n') + 1 : NULL) {
            uint64_t inside, outside, count;
            if (sscanf(l, "%" SCNu64 "%" SCNu64 "%" SCNu64, &inside, &outside, &count) == 3 &&
                inside <= end && inside + count > end) {
                end = inside + count;
                moved = true;
            }
        }
    }
    if (end > INT32_MAX)
        end = INT32_MAX;
    return end ? (uint32_t)end - 1 : 0;
}

static void put(const char *path, const char *text)
{
    cleanup_fd int fd = open(path, O_WRONLY | O_CLOEXEC);
    if (fd >= 0)
        (void)!write(fd, text, strlen(text));
}

/*
 * /proc/sys/net shows the opener's network namespace, whichever proc is mounted: so this needs
 * the container's user and network namespaces and none of its files.
 */
static void in_namespaces(pid_t pid, const struct strv *keep)
{
    char dir[32], path[48], range[32];
    cleanup(buf_free) struct buf map = BUF_INIT;
    snprintf(dir, sizeof dir, "/proc/%d", pid);
    snprintf(path, sizeof path, "%s/gid_map", dir);
    (void)at_read(AT_FDCWD, path, 65536, &map);
    cleanup_fd int net = -1;
    snprintf(path, sizeof path, "%s/ns/net", dir);
    net = open(path, O_RDONLY | O_CLOEXEC);
    prctl(PR_SET_DUMPABLE, 0); /* root of that namespace may see us */
    /* fails with EINVAL when we are in that user namespace already */
    if (enter(dir, "user", CLONE_NEWUSER) < 0 && errno != EINVAL)
        return;
    if (net < 0 || setns(net, CLONE_NEWNET) < 0)
        return;
    snprintf(range, sizeof range, "0 %u", highest_gid(buf_str(&map)));
    if (!strv_has(keep, "net.ipv4.ping_group_range"))
        put("/proc/sys/net/ipv4/ping_group_range", range);
    if (!strv_has(keep, "net.ipv4.ip_unprivileged_port_start"))
        put("/proc/sys/net/ipv4/ip_unprivileged_port_start", "0");
}

void sysctls_open(pid_t pid, const struct strv *keep)
{
    pid_t child = fork();
    if (child == 0) {
        in_namespaces(pid, keep);
        _exit(0);
    }
    while (child > 0 && waitpid(child, NULL, 0) < 0 && errno == EINTR)
        ;
}
