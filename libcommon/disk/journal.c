#include "disk/journal.h"

#include "disk/at.h"
#include "plain/buf.h"
#include "plain/fdio.h"
#include "plain/str.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define MAX_MEMBERS (1 << 20)

/* RFC 3339 in UTC, all nine digits: lines sort as text. */
static void add_now(struct buf *line)
{
    struct timespec now;
    struct tm t;
    char text[32];
    clock_gettime(CLOCK_REALTIME, &now);
    gmtime_r(&now.tv_sec, &t);
    strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &t);
    buf_addf(line, "%s.%09ldZ", text, now.tv_nsec);
}

static int open_log(int own)
{
    const int flags = O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW;
    int fd = openat(own, JOURNAL_LOG, flags, 0600);
    if (fd < 0 && errno == ENOENT && mkdirat(own, JOURNAL_DIR, 0700) == 0)
        fd = openat(own, JOURNAL_LOG, flags, 0600);
    return fd;
}

/*
 * Two that see it full at once: the second finds a log that is not the one it wrote to, and leaves
 * it. Between its look and its rename a third would have to write four megabytes.
 */
static void turn_over(int own, int fd)
{
    struct stat full, there;
    if (fstat(fd, &full) == 0 && full.st_size >= JOURNAL_MAX &&
        fstatat(own, JOURNAL_LOG, &there, AT_SYMLINK_NOFOLLOW) == 0 && there.st_ino == full.st_ino)
        (void)renameat(own, JOURNAL_LOG, own, JOURNAL_OLD);
}

bool journal_off(void)
{
    const char *how = getenv("POD_EVENTS");
    return how && strcmp(how, "none") == 0;
}

void journal_add(int own, const char *type, const char *status, const char *members)
{
    cleanup(buf_free) struct buf line = BUF_INIT;
    if (journal_off())
        return;
    buf_adds(&line, "{\"Time\":\"");
    add_now(&line);
    buf_addf(&line, "\",\"Type\":\"%s\",\"Status\":\"%s\"%s%s}\n", type, status,
             members && *members ? "," : "", members ? members : "");
    cleanup_fd int fd = open_log(own);
    if (fd < 0)
        return;
    ssize_t n = write(fd, line.s, line.len);
    if (n > 0 && (size_t)n < line.len)
        n = write(fd, "\n", 1); /* a full disk: whole lines may come after it */
    turn_over(own, fd);
}

void journal_container(int dir, const char *status, const char *more)
{
    cleanup(buf_free) struct buf members = BUF_INIT;
    if (dir < 0 || at_read(dir, JOURNAL_MEMBERS, MAX_MEMBERS, &members) < 0)
        return;
    if (more)
        buf_addf(&members, "%s%s", members.len ? "," : "", more);
    cleanup_fd int own = openat(dir, "../..", O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (own >= 0)
        journal_add(own, "container", status, buf_str(&members));
}

void journal_exit(int dir, const char *status, int code)
{
    char more[48];
    snprintf(more, sizeof more, "\"ContainerExitCode\":%d", code);
    journal_container(dir, status, more);
}
