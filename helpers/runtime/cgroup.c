/*
 * The container's control group (v2): linux.cgroupsPath, or one of the container's name below our
 * own, removed by delete. A caller who may not make one gets an error only when limits would be
 * lost; else the container stays in its caller's.
 */
#include "rt.h"

#include "disk/at.h"
#include "plain/fdio.h"
#include "things/cgroup.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define MAX_PROCS (1 << 20)

static int write_file(const char *dir, const char *file, const char *text)
{
    cleanup_free char *path = xasprintf("%s/%s", dir, file);
    cleanup_fd int fd = open(path, O_WRONLY | O_CLOEXEC);
    return fd < 0 ? -1 : fd_write_all(fd, text, strlen(text));
}

static int read_file(const char *dir, const char *file, struct buf *ret)
{
    cleanup_free char *path = xasprintf("%s/%s", dir, file);
    return at_read(AT_FDCWD, path, MAX_PROCS, ret);
}

/* ---- making ---- */

/* The root, which alone has no type, may. */
static bool may_hand_on(const char *dir)
{
    cleanup(buf_free) struct buf procs = BUF_INIT;
    cleanup_free char *type = xasprintf("%s/cgroup.type", dir);
    return access(type, F_OK) < 0 || (read_file(dir, "cgroup.procs", &procs) == 0 && !procs.len);
}

/*
 * Hands on every controller that dir has; one by one, since one that is refused spoils all. Not
 * from a cgroup with processes: cpu and pids would be granted, and make it one of threads, below
 * which there are no others.
 */
static void hand_on(const char *dir)
{
    cleanup(buf_free) struct buf b = BUF_INIT;
    cleanup(strv_free) struct strv names = STRV_INIT;
    if (!may_hand_on(dir) || read_file(dir, "cgroup.controllers", &b) < 0)
        return;
    cleanup_free char *line = xstrndup(buf_str(&b), strcspn(buf_str(&b), "\n"));
    strv_split(&names, line, ' ');
    for (size_t i = 0; i < names.n; i++) {
        cleanup_free char *word = xasprintf("+%s", names.v[i]);
        if (*names.v[i] && !cgroup_lists(dir, "cgroup.subtree_control", names.v[i]))
            (void)write_file(dir, "cgroup.subtree_control", word);
    }
}

static int make_path(const char *base, const char *below, bool controllers)
{
    cleanup_free char *path = xasprintf("%s/%s", base, below + strspn(below, "/"));
    for (char *p = path + strlen(base); *p; p++) {
        if (*p != '/' || p[1] == '\0')
            continue;
        *p = '\0';
        if (mkdir(path, 0755) < 0 && errno != EEXIST && errno != EROFS)
            return -1;
        if (controllers)
            hand_on(path);
        *p = '/';
    }
    return mkdir(path, 0755) < 0 && errno != EEXIST ? -1 : 0;
}

/* An absolute path counts from the mount point, a relative one from where we are. */
static char *place_of(const struct rt *rt, const char *path)
{
    if (path[0] == '/')
        return xasprintf("%s%s", CGROUP_ROOT, path);
    cleanup_free char *own = cgroup_own();
    return own ? xasprintf("%s/%s", own, *path ? path : rt->id) : NULL;
}

static bool is_empty(const char *dir)
{
    cleanup(buf_free) struct buf b = BUF_INIT;
    return read_file(dir, "cgroup.procs", &b) < 0 || b.len == 0;
}

static bool wanted(const struct rt *rt, const char *path, const struct resources *l)
{
    bool off = rt->o->systemd_cgroup || str_eq(rt->o->cgroup_manager, "systemd") ||
               str_eq(rt->o->cgroup_manager, "disabled");
    /* started by our own chain, pod-cgroup has done it where it was wanted */
    return l->n > 0 || (!off && (*path || rt->report_fd < 0));
}

int cgroup_make(struct rt *rt, struct err *e)
{
    const json_t *l = json_object_get(rt->spec, "linux"), *r = json_object_get(l, "resources");
    const char *path = jx_str(l, "cgroupsPath");
    struct resources limits;
    if (strstr(path, ".."))
        return err_set(e, 0, "cgroupsPath \"%s\" must not contain \"..\"", path);
    if (resources_read(r, &limits, e) < 0)
        return -1;
    if (!wanted(rt, path, &limits))
        return 0;
    bool must = false;
    for (size_t i = 0; i < limits.n; i++)
        must = must || !limits.v[i].optional;
    if (rt->o->systemd_cgroup || !cgroup_is_v2())
        return must ? err_set(e, 0, "limits need cgroup v2 and the cgroupfs manager") : 0;
    cleanup_free char *dir = place_of(rt, path);
    if (!dir)
        return must ? err_set(e, 0, "limits need a cgroup, and ours is out of sight") : 0;
    if (make_path(CGROUP_ROOT, dir + strlen(CGROUP_ROOT), must) < 0)
        return must ? err_sys(e, "cannot make cgroup \"%s\"", dir) : 0;
    cleanup_free char *procs = xasprintf("%s/cgroup.procs", dir);
    if (access(procs, W_OK) < 0) {
        rmdir(dir);
        return must ? err_sys(e, "cannot use cgroup \"%s\"", dir) : 0;
    }
    if (!is_empty(dir))
        return err_set(e, 0, "cgroup \"%s\" is not empty", dir);
    if (resources_apply(&limits, dir, e) < 0) {
        rmdir(dir);
        return -1;
    }
    rt->cgroup = xstrdup(dir);
    return 0;
}

int cgroup_add(const char *dir, pid_t pid, struct err *e)
{
    char text[16];
    snprintf(text, sizeof text, "%d", pid);
    return write_file(dir, "cgroup.procs", text) < 0
               ? err_sys(e, "cannot put the container into cgroup \"%s\"", dir)
               : 0;
}

/* ---- living ---- */

bool cgroup_frozen(const char *dir)
{
    cleanup(buf_free) struct buf b = BUF_INIT;
    return read_file(dir, "cgroup.events", &b) == 0 && strstr(buf_str(&b), "frozen 1");
}

int cgroup_freeze(const char *dir, bool on, struct err *e)
{
    if (write_file(dir, "cgroup.freeze", on ? "1" : "0") < 0)
        return err_sys(e, "cannot %s cgroup \"%s\"", on ? "freeze" : "thaw", dir);
    for (int i = 0; i < 1000 && cgroup_frozen(dir) != on; i++)
        nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
    return 0;
}

int cgroup_pids(const char *dir, struct buf *ret)
{
    if (read_file(dir, "cgroup.procs", ret) < 0)
        return -1;
    DIR *d = opendir(dir);
    for (struct dirent *x; d && (x = readdir(d));) {
        cleanup_free char *sub = xasprintf("%s/%s", dir, x->d_name);
        if (x->d_type == DT_DIR && x->d_name[0] != '.')
            cgroup_pids(sub, ret);
    }
    if (d)
        closedir(d);
    return 0;
}

void cgroup_kill(const char *dir, int sig)
{
    cleanup(buf_free) struct buf b = BUF_INIT;
    if (sig == SIGKILL && write_file(dir, "cgroup.kill", "1") == 0)
        return;
    if (cgroup_pids(dir, &b) < 0)
        return;
    for (char *p = b.s; p && *p; p += strspn(p, "\n")) {
        kill((pid_t)strtol(p, &p, 10), sig);
        p += strcspn(p, "\n");
    }
}

static void remove_tree(const char *dir)
{
    DIR *d = opendir(dir);
    for (struct dirent *x; d && (x = readdir(d));) {
        cleanup_free char *sub = xasprintf("%s/%s", dir, x->d_name);
        if (x->d_type == DT_DIR && x->d_name[0] != '.')
            remove_tree(sub);
    }
    if (d)
        closedir(d);
    for (int i = 0; i < 500 && rmdir(dir) < 0 && errno == EBUSY; i++)
        nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
}

void cgroup_remove(const char *dir)
{
    (void)write_file(dir, "cgroup.freeze", "0");
    cgroup_kill(dir, SIGKILL);
    remove_tree(dir);
}

/* ---- exec ---- */

/* The directory init lives in, when that is not our own already. */
static char *dir_of(pid_t pid)
{
    cleanup_free char *file = xasprintf("/proc/%d/cgroup", pid);
    cleanup(buf_free) struct buf theirs = BUF_INIT, ours = BUF_INIT;
    if (!cgroup_is_v2() || at_read(AT_FDCWD, file, MAX_PROCS, &theirs) < 0 ||
        at_read(AT_FDCWD, "/proc/self/cgroup", MAX_PROCS, &ours) < 0 ||
        strcmp(buf_str(&theirs), buf_str(&ours)) == 0)
        return NULL;
    const char *line = strstr(buf_str(&theirs), "0::/");
    if (!line || str_starts(line, "0::/.."))
        return NULL;
    return xasprintf("%s%.*s", CGROUP_ROOT, (int)strcspn(line + 3, "\n"), line + 3);
}

int cgroup_follow(const struct state *s, const char *below, struct err *e)
{
    cleanup_free char *init = dir_of(s->pid);
    if (below && strstr(below, ".."))
        return err_set(e, 0, "%s is not a sub cgroup path", below);
    const char *base = s->cgroup ? s->cgroup : init;
    if (!base)
        return 0;
    cleanup_free char *dir = below ? xasprintf("%s/%s", base, below + strspn(below, "/")) : NULL;
    if (dir)
        return cgroup_add(dir, getpid(), e);
    /* a payload that made cgroups of its own below ours has moved where processes may be */
    if ((s->cgroup && cgroup_add(s->cgroup, getpid(), e) == 0) ||
        (init && cgroup_add(init, getpid(), e) == 0))
        return 0;
    return s->cgroup ? -1 : 0;
}
