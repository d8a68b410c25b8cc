#include "words/userns.h"

#include "disk/at.h"
#include "disk/kv.h"
#include "disk/lock.h"
#include "disk/proc.h"
#include "plain/buf.h"
#include "plain/fdio.h"
#include "plain/str.h"
#include "words/reasons.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define TOLD           "userns.told" /* of single-id mode, as long as the holder lives */
#define ID_LENGTH      64
#define MAX_MAP        8192
#define MAX_RANGES     32
#define MAX_SUBID_FILE (4 << 20)

/* ---- subordinate ids ---- */

/* Adds «inside outside count» triples to argv for each line of text that is the user's. */
static void ranges_from(const char *text, struct strv *argv, unsigned long *inside)
{
    char uid[16];
    snprintf(uid, sizeof uid, "%u", getuid());
    cleanup_free char *copy = xstrdup(text);
    char *save = NULL;
    for (char *l = strtok_r(copy, "\n", &save); l; l = strtok_r(NULL, "\n", &save)) {
        char *start = strchr(l, ':'), *count = start ? strchr(start + 1, ':') : NULL;
        uint64_t s, n;
        if (!count)
            continue;
        *start++ = *count++ = '\0';
        count[strcspn(count, " \t\r:")] = '\0';
        if (strcmp(l, reason_user()) != 0 && strcmp(l, uid) != 0)
            continue;
        if (str_u64(start, 0xffffffffu, &s) < 0 || str_u64(count, 0xffffffffu, &n) < 0 || n == 0 ||
            argv->n > 3 * MAX_RANGES)
            continue;
        strv_addf(argv, "%lu", *inside);
        strv_addf(argv, "%llu", (unsigned long long)s);
        strv_addf(argv, "%llu", (unsigned long long)n);
        *inside += n;
    }
}

static int add_ranges(const char *kind, const char *file, struct strv *argv, struct err *e)
{
    cleanup(buf_free) struct buf b = BUF_INIT;
    unsigned long inside = 1;
    size_t before = argv->n;
    if (at_read(AT_FDCWD, file, MAX_SUBID_FILE, &b) == 0)
        ranges_from(buf_str(&b), argv, &inside);
    if (argv->n > before)
        return 0;
    return reason_subids(kind, e);
}

static int run_mapper(const char *tool, pid_t pid, unsigned id, const char *kind, const char *file,
                      pid_t *ret, struct err *e)
{
    cleanup(strv_free) struct strv argv = STRV_INIT;
    strv_add(&argv, tool);
    strv_addf(&argv, "%d", pid);
    strv_add(&argv, "0");
    strv_addf(&argv, "%u", id);
    strv_add(&argv, "1");
    if (add_ranges(kind, file, &argv, e) < 0)
        return -1;
    pid_t child = fork();
    if (child < 0)
        return err_sys(e, "cannot fork");
    if (child == 0) {
        int null = open("/dev/null", O_RDWR);
        dup2(null, 2);
        execvp(tool, argv.v);
        _exit(127);
    }
    *ret = child;
    return 0;
}

static int mapper_done(const char *tool, pid_t child, struct err *e)
{
    int st;
    while (waitpid(child, &st, 0) < 0)
        if (errno != EINTR)
            return err_sys(e, "cannot wait for %s", tool);
    if (WIFEXITED(st) && WEXITSTATUS(st) == 0)
        return 0;
    return reason_mapper_refused(tool, e);
}

/* A tool that is there and cannot do its work is an error: it can be mended. */
int userns_can_map(struct err *e)
{
    static const char *const kinds[] = {"uid", "gid"}, *const tools[] = {"newuidmap", "newgidmap"};
    for (int i = 0; i < 2; i++)
        if (reason_count_subids(kinds[i]) == 0)
            return reason_subids(kinds[i], e);
    for (int i = 0; i < 2; i++) {
        cleanup_free char *path = reason_find_tool(tools[i]);
        if (!path)
            return reason_mapper(tools[i], e);
    }
    return 0;
}

int userns_map(pid_t pid, struct err *e)
{
    pid_t u, g;
    if (run_mapper("newuidmap", pid, getuid(), "uid", "/etc/subuid", &u, e) < 0)
        return -1;
    int r = run_mapper("newgidmap", pid, getgid(), "gid", "/etc/subgid", &g, e);
    if (mapper_done("newuidmap", u, e) < 0)
        r = -1;
    if (r == 0)
        r = mapper_done("newgidmap", g, e);
    return r;
}

/* ---- single-id mode ---- */

static int write_proc(pid_t pid, const char *file, const char *text, struct err *e)
{
    cleanup_free char *path = xasprintf("/proc/%d/%s", pid, file);
    cleanup_fd int fd = open(path, O_WRONLY | O_CLOEXEC);
    return fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text)
               ? 0
               : err_sys(e, "cannot write %s", path);
}

int userns_map_single(pid_t pid, struct err *e)
{
    char uids[32], gids[32];
    snprintf(uids, sizeof uids, "0 %u 1", geteuid());
    snprintf(gids, sizeof gids, "0 %u 1", getegid());
    return write_proc(pid, "setgroups", "deny", e) < 0 || write_proc(pid, "gid_map", gids, e) < 0 ||
                   write_proc(pid, "uid_map", uids, e) < 0
               ? -1
               : 0;
}

int64_t userns_only_id(const char *id_map)
{
    unsigned long in, out, count, more;
    int used;
    return sscanf(id_map, "%lu %lu %lu%n", &in, &out, &count, &used) == 3 && count == 1 &&
                   sscanf(id_map + used, "%lu", &more) != 1
               ? (int64_t)in
               : -1;
}

int64_t userns_only_id_of(pid_t pid, const char *which)
{
    cleanup(buf_free) struct buf map = BUF_INIT;
    cleanup_free char *path = xasprintf("/proc/%d/%s", pid, which);
    return at_read(AT_FDCWD, path, MAX_MAP, &map) == 0 ? userns_only_id(buf_str(&map)) : -1;
}

bool userns_is_single(const char *id_map)
{
    return userns_only_id(id_map) >= 0;
}

/* ---- the holder ---- */

struct holder {
    pid_t pid;
    int ns; /* its user namespace, open; -1 */
    bool single;
};

/* The process named by run/userns, if it is still the one that was written there. */
static struct holder find_holder(const char *run_path)
{
    struct holder h = {.pid = 0, .ns = -1};
    cleanup_free char *path = xasprintf("%s/userns", run_path);
    cleanup(buf_free) struct buf b = BUF_INIT;
    if (at_read(AT_FDCWD, path, 4096, &b) < 0)
        return h;
    pid_t pid = (pid_t)kv_int(buf_str(&b), "pid", 0);
    uint64_t birth = (uint64_t)kv_int(buf_str(&b), "birth", 0);
    if (pid <= 0 || !birth)
        return h;
    char ns[64];
    snprintf(ns, sizeof ns, "/proc/%d/ns/user", pid);
    int fd = open(ns, O_RDONLY | O_CLOEXEC);
    struct stat st;
    /* the namespace's inode, then the birth: a pid reused in between shows in one of them */
    if (fd < 0 || fstat(fd, &st) < 0 || (int64_t)st.st_ino != kv_int(buf_str(&b), "ns", -1) ||
        proc_birth(pid) != birth) {
        if (fd >= 0)
            close(fd);
        return h;
    }
    h.pid = pid;
    h.ns = fd;
    h.single = strstr(buf_str(&b), "\nsingle=");
    return h;
}

/* Returns when the record is gone: it names another holder, or nothing any more. */
static void sleep_while_recorded(const char *record)
{
    char event[512];
    int fd = inotify_init1(IN_CLOEXEC);
    if (fd >= 0 && inotify_add_watch(fd, record, IN_DELETE_SELF | IN_MOVE_SELF | IN_ATTRIB) >= 0)
        (void)!read(fd, event, sizeof event);
    else
        pause();
}

/* The child's whole life: make the namespace, wait for the maps, sleep until nobody can find us. */
static void hold(int ready, int go, const char *record)
{
    unsigned char c = 0;
    prctl(PR_SET_NAME, "pod-userns");
    if (unshare(CLONE_NEWUSER) < 0)
        c = (unsigned char)errno;
    else if (unshare(CLONE_NEWUTS) < 0) /* AppArmor gives the namespace, and no rights in it */
        c = REASON_NO_RIGHTS;
    if (write(ready, &c, 1) != 1 || c || read(go, &c, 1) != 1)
        _exit(1);
    setsid();
    if (chdir("/") < 0)
        _exit(1);
    int null = open("/dev/null", O_RDWR);
    for (int fd = 0; fd < 3; fd++)
        dup2(null, fd);
    for (int fd = 3; fd < 256; fd++)
        close(fd);
    signal(SIGHUP, SIG_IGN);
    sleep_while_recorded(record);
    _exit(0);
}

/* why: of single-id mode; "" otherwise. */
static int record_holder(const char *run_path, pid_t pid, const char *why, struct holder *ret,
                         struct err *e)
{
    char ns[64];
    struct stat st;
    snprintf(ns, sizeof ns, "/proc/%d/ns/user", pid);
    cleanup_fd int fd = open(ns, O_RDONLY | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &st) < 0)
        return err_sys(e, "cannot open the user namespace of process %d", pid);
    cleanup_free char *text =
        xasprintf("pid=%d\nbirth=%llu\nns=%llu\n%s%s%s", pid, (unsigned long long)proc_birth(pid),
                  (unsigned long long)st.st_ino, *why ? "single=" : "", why, *why ? "\n" : "");
    cleanup_free char *told = xasprintf("%s/" TOLD, run_path);
    cleanup_free char *path = xasprintf("%s/userns", run_path);
    if (at_write(AT_FDCWD, path, text, strlen(text), 0600, AT_PLAIN) < 0)
        return err_sys(e, "cannot write \"%s\"", path);
    unlink(told);
    *ret = (struct holder){.pid = pid, .ns = fd_take(&fd)};
    return 0;
}

static int make_holder(const char *run_path, struct holder *ret, struct err *e)
{
    struct err single = ERR_INIT; /* why it is to be that; "" */
    int ready[2], go[2];
    (void)userns_can_map(&single);
    cleanup_free char *record = xasprintf("%s/userns", run_path);
    if (pipe2(ready, O_CLOEXEC) < 0 || pipe2(go, O_CLOEXEC) < 0)
        return err_sys(e, "cannot make a pipe");
    pid_t pid = fork();
    if (pid < 0)
        return err_sys(e, "cannot fork");
    if (pid == 0) {
        close(ready[0]);
        close(go[1]);
        hold(ready[1], go[0], record);
    }
    close(ready[1]);
    close(go[0]);
    unsigned char c = EIO;
    ssize_t n = read(ready[0], &c, 1);
    int r = n != 1 || c ? reason_userns(n == 1 ? c : EIO, e) : 0;
    if (r == 0)
        r = single.msg[0] ? userns_map_single(pid, e) : userns_map(pid, e);
    if (r == 0)
        r = record_holder(run_path, pid, single.msg, ret, e);
    if (r == 0 && write(go[1], "g", 1) != 1)
        r = err_sys(e, "cannot start the namespace holder");
    if (r < 0) {
        kill(pid, SIGKILL);
        waitpid(pid, NULL, 0);
    }
    close(ready[0]);
    close(go[1]);
    return r;
}

bool userns_untold(const char *run_path, char *ret_why, size_t size)
{
    cleanup_free char *path = xasprintf("%s/userns", run_path);
    cleanup_free char *told = xasprintf("%s/" TOLD, run_path);
    cleanup(buf_free) struct buf b = BUF_INIT;
    if (at_read(AT_FDCWD, path, 4096, &b) < 0 || !kv_str(buf_str(&b), "single", ret_why, size))
        return false;
    cleanup_fd int fd = open(told, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    return fd >= 0;
}

/* Containers have their directories beside the record, called by their ids. */
static bool used(const char *run_path)
{
    DIR *d = opendir(run_path);
    struct dirent *de = NULL;
    while (d && (de = readdir(d)) && strlen(de->d_name) != ID_LENGTH)
        ;
    if (d)
        closedir(d);
    return de;
}

/*
 * A holder that others can use. One in single-id mode goes when ids can be mapped after all, once
 * nothing runs in it.
 */
static struct holder fit_holder(const char *run_path)
{
    struct err ignored = ERR_INIT;
    struct holder h = find_holder(run_path);
    if (h.ns < 0 || !h.single || userns_can_map(&ignored) < 0 || used(run_path))
        return h;
    close(h.ns);
    return (struct holder){.ns = -1};
}

pid_t userns_holder(const char *run_path)
{
    struct holder h = fit_holder(run_path);
    if (h.ns >= 0)
        close(h.ns);
    return h.pid;
}

int userns_enter(const char *run_path, struct err *e)
{
    if (geteuid() == 0)
        return 0;
    struct holder h = fit_holder(run_path);
    if (h.ns < 0) {
        cleanup_free char *lock = xasprintf("%s/userns.lock", run_path);
        cleanup_fd int held = lock_wait(AT_FDCWD, lock, LOCK_EXCLUSIVE);
        if (held < 0)
            return err_sys(e, "cannot lock \"%s\"", lock);
        h = fit_holder(run_path); /* somebody else may just have made it */
        if (h.ns < 0 && make_holder(run_path, &h, e) < 0)
            return -1;
    }
    int r = setns(h.ns, CLONE_NEWUSER);
    if (r < 0)
        err_sys(e, "cannot enter the user namespace of process %d", h.pid);
    close(h.ns);
    return r;
}
