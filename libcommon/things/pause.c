#include "things/pause.h"

#include "disk/at.h"
#include "disk/journal.h"
#include "plain/fdio.h"
#include "things/cgroup.h"
#include "things/spawn.h"
#include "things/start.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/nsfs.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define FREEZE_MS    10000
#define ADOPT_ROUNDS 50
#define MAX_PROCS    (1 << 20)
#define MAX_DEPTH    33 /* of PID namespaces, the kernel says 32 */

/* ---- the cgroup ---- */

static char *noted_cgroup(const struct roots *r, const struct ctr *c)
{
    cleanup(buf_free) struct buf b = BUF_INIT;
    cleanup_free char *file = xasprintf("%s/cgroup", c->id);
    if (at_read(r->run, file, 4096, &b) < 0 || !b.len)
        return NULL;
    b.s[strcspn(b.s, "\n")] = '\0';
    return access(b.s, F_OK) == 0 ? buf_take(&b) : NULL;
}

/* Is the process in that PID namespace, or in one below it? */
static bool in_pidns(pid_t pid, ino_t ns)
{
    char path[40];
    struct stat st;
    snprintf(path, sizeof path, "/proc/%d/ns/pid", pid);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    bool found = false;
    for (int depth = 0; fd >= 0 && depth < MAX_DEPTH && !found; depth++) {
        found = fstat(fd, &st) == 0 && st.st_ino == ns;
        int parent = found ? -1 : ioctl(fd, NS_GET_PARENT);
        close(fd);
        fd = parent;
    }
    return found;
}

/*
 * Those of the cgroup's processes that are the container's go over. While they fork there are
 * more of them each time; where only they lived, none is left in the end.
 */
static int move_all(const char *from, const char *to, pid_t first, bool *moved)
{
    char path[40], line[16];
    struct stat ns;
    cleanup(buf_free) struct buf b = BUF_INIT;
    cleanup_free char *in = xasprintf("%s/cgroup.procs", from);
    cleanup_free char *out = xasprintf("%s/cgroup.procs", to);
    cleanup_fd int fd = open(out, O_WRONLY | O_CLOEXEC);
    *moved = false;
    snprintf(path, sizeof path, "/proc/%d/ns/pid", first);
    if (fd < 0 || stat(path, &ns) < 0 || at_read(AT_FDCWD, in, MAX_PROCS, &b) < 0)
        return -1;
    for (char *p = b.s, *end; p && *p; p = end + strspn(end, "\n")) {
        pid_t pid = (pid_t)strtol(p, &end, 10);
        if (end == p)
            break;
        if (pid <= 1 || !in_pidns(pid, ns.st_ino))
            continue;
        int n = snprintf(line, sizeof line, "%d", pid);
        if (fd_write_all(fd, line, (size_t)n) == 0)
            *moved = true;
        else if (errno != ESRCH)
            return -1;
    }
    return 0;
}

static int note(const struct roots *r, const struct ctr *c, const char *name, const char *text,
                struct err *e)
{
    cleanup_free char *file = xasprintf("%s/%s", c->id, name);
    return at_write(r->run, file, text, strlen(text), 0600, AT_PLAIN) < 0
               ? err_sys(e, "cannot write \"%s/%s\"", r->run_path, file)
               : 0;
}

/* run/<id>/adopted has the cgroup they come from, and is empty when all of them are over. */
static int adopt(const struct roots *r, const struct ctr *c, const char *from, const char *dir,
                 pid_t pid, struct err *e)
{
    bool more = true;
    for (int i = 0; i < ADOPT_ROUNDS && more; i++)
        if (move_all(from, dir, pid, &more) < 0)
            return err_sys(e, "cannot move the container's processes to \"%s\"", dir);
    return note(r, c, "adopted", "", e);
}

/* Somebody was killed while he moved them: the rest go over, too. */
static int finish_adoption(const struct roots *r, const struct ctr *c, const char *dir, pid_t pid,
                           struct err *e)
{
    cleanup(buf_free) struct buf from = BUF_INIT;
    cleanup_free char *file = xasprintf("%s/adopted", c->id);
    if (at_read(r->run, file, 4096, &from) < 0 || !from.len)
        return 0;
    return adopt(r, c, from.s, dir, pid, e);
}

char *ctr_cgroup(const struct roots *r, const struct ctr *c, const struct ctr_status *s,
                 const char *const *controllers, struct err *e)
{
    static const char *const usual[] = {"cpu", "memory", "pids", NULL};
    char *dir = noted_cgroup(r, c);
    if (dir && finish_adoption(r, c, dir, s->pid, e) == 0)
        return dir;
    if (dir) {
        free(dir);
        return NULL;
    }
    if (strcmp(jx_str(json_object_get(c->record, "namespaces"), "pid"), "") != 0 &&
        strcmp(jx_str(json_object_get(c->record, "namespaces"), "pid"), "private") != 0) {
        err_set(e, 0, "container %s shares its PID namespace and has no cgroup of its own", c->id);
        return NULL;
    }
    /* where any will do, rather one that pod update can use later */
    cleanup_free char *parent = cgroup_divisible_at(s->pid, *controllers ? controllers : usual);
    if (!parent && !*controllers)
        parent = cgroup_divisible_at(s->pid, controllers);
    if (!parent) {
        err_set(e, 0, "there is no cgroup for container %s, and none can be made", c->id);
        return NULL;
    }
    dir = xasprintf("%s/pod-%s", parent, c->id);
    cleanup_free char *from = cgroup_of(s->pid);
    if (!from)
        err_set(e, 0, "container %s has just ended", c->id);
    else if (mkdir(dir, 0755) < 0 && errno != EEXIST)
        err_sys(e, "cannot make the cgroup \"%s\"", dir);
    else if (note(r, c, "adopted", from, e) == 0 && note(r, c, "cgroup", dir, e) == 0 &&
             adopt(r, c, from, dir, s->pid, e) == 0)
        return dir;
    rmdir(dir);
    free(dir);
    return NULL;
}

static int write_word(const char *dir, const char *file, const char *word)
{
    cleanup_free char *path = xasprintf("%s/%s", dir, file);
    cleanup_fd int fd = open(path, O_WRONLY | O_CLOEXEC);
    return fd < 0 ? -1 : fd_write_all(fd, word, strlen(word));
}

static int freeze(const char *dir, bool on, struct err *e)
{
    cleanup_free char *events = xasprintf("%s/cgroup.events", dir);
    if (write_word(dir, "cgroup.freeze", on ? "1" : "0") < 0)
        return err_sys(e, "cannot write \"%s/cgroup.freeze\"", dir);
    for (int ms = 0; ms < FREEZE_MS; ms++) {
        cleanup(buf_free) struct buf b = BUF_INIT;
        if (at_read(AT_FDCWD, events, 4096, &b) < 0)
            return 0; /* it has gone, with the container */
        if (strstr(buf_str(&b), on ? "frozen 1" : "frozen 0"))
            return 0;
        nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
    }
    return err_set(e, 0, "the kernel did not %s \"%s\" in time", on ? "freeze" : "thaw", dir);
}

/* ---- signals ---- */

/* pod-userns enter -- pod-stopall PID STOP|CONT */
static int signal_all(const struct ctr_status *s, bool on, struct err *e)
{
    cleanup(strv_free) struct strv argv = STRV_INIT;
    start_add_userns(&argv);
    strv_take(&argv, tool_path("pod-stopall"));
    strv_addf(&argv, "%d", s->pid);
    strv_add(&argv, on ? "STOP" : "CONT");
    struct spawn sp = {.argv = argv.v, .in = -1, .out = -1, .err = -1};
    return spawn_and_report(&sp, "pod-stopall", NULL, 0, e);
}

/* ---- both ---- */

int ctr_pause(const struct roots *r, const struct ctr *c, struct err *e)
{
    static const char *const none[] = {NULL};
    struct ctr_status s;
    struct err why = ERR_INIT;
    ctr_status(r, c, &s);
    if (s.state == CTR_PAUSED)
        return err_set(e, 0, "\"%s\" is already paused: container state improper", c->id);
    if (s.state != CTR_RUNNING)
        return err_set(e, 0, "\"%s\" is not running, can't pause: container state improper",
                       ctr_state_name(s.state));
    cleanup_free char *dir = ctr_cgroup(r, c, &s, none, &why);
    if (note(r, c, "paused", dir ? "freezer" : "signal", e) < 0)
        return -1;
    if ((dir ? freeze(dir, true, e) : signal_all(&s, true, e)) < 0) {
        struct err ignored = ERR_INIT;
        (void)ctr_unpause(r, c, &ignored);
        return -1;
    }
    journal_container(c->dir, "pause", NULL);
    return 0;
}

int ctr_unpause(const struct roots *r, const struct ctr *c, struct err *e)
{
    struct ctr_status s;
    cleanup(buf_free) struct buf how = BUF_INIT;
    cleanup_free char *file = xasprintf("%s/paused", c->id);
    ctr_status(r, c, &s);
    /* one that was left half-way is helped on, too */
    if (at_read(r->run, file, 64, &how) < 0 || !ctr_is_up(&s))
        return err_set(e, 0, "\"%s\" is not paused, can't unpause: container state improper",
                       c->id);
    cleanup_free char *dir = strcmp(buf_str(&how), "freezer") == 0 ? noted_cgroup(r, c) : NULL;
    if ((dir ? freeze(dir, false, e) : signal_all(&s, false, e)) < 0)
        return -1;
    unlinkat(r->run, file, 0);
    journal_container(c->dir, "unpause", NULL);
    return 0;
}
