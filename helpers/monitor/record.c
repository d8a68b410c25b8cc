#include "mon.h"

#include "disk/at.h"
#include "disk/journal.h"
#include "disk/namelink.h"
#include "disk/proc.h"
#include "disk/rmtree.h"
#include "disk/roots.h"
#include "plain/fdio.h"
#include "words/attach.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define CGROUP_TRIES 200
#define KEEP_MS      2 /* those who wait for the start have gone by then */

int64_t now_ns(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_REALTIME, &ts);
    return ts.tv_sec * 1000000000LL + ts.tv_nsec;
}

int64_t now_ms(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    return ts.tv_sec * 1000LL + ts.tv_nsec / 1000000;
}

static int put(const char *dir, const char *name, const char *text)
{
    cleanup_free char *path = xasprintf("%s/%s", dir, name);
    return at_write(AT_FDCWD, path, text, strlen(text), 0600, AT_PLAIN);
}

static int put_live(const struct mon *m, const char *dir)
{
    cleanup_free char *live = xasprintf(
        "started=%lld\nboot=%s\npid=%d\nbirth=%llu\nmonitor=%d\nrestarts=%d\nstopping=%d\n",
        (long long)m->started_ns, roots_boot_id(), m->pid, (unsigned long long)m->birth, getpid(),
        m->restarts, m->stop_wanted);
    return put(dir, "live", live);
}

static void keep_live(struct mon *m)
{
    if (put_live(m, m->o->ctr_dir) == 0)
        m->unkept = false;
}

void record_stopping(struct mon *m)
{
    m->stop_wanted = true;
    if (!m->birth)
        return;
    (void)put_live(m, m->o->run_dir); /* what others are shown */
    keep_live(m);                     /* what counts after a reboot */
}

void record_event(const struct mon *m, const char *status)
{
    cleanup_fd int dir = open(m->o->ctr_dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
    journal_container(dir, status, NULL);
}

/* In things/health.h's form. */
void record_health(const struct mon *m)
{
    (void)put(m->o->ctr_dir, "health.json",
              "{\"Status\":\"starting\",\"FailingStreak\":0,\"Log\":null}");
}

/* things/ctr.c: between `pod init` and `pod start`. */
int record_held(const struct mon *m, bool held, struct err *e)
{
    cleanup_free char *path = xasprintf("%s/" ATTACH_HELD, m->o->run_dir);
    if (!held)
        return unlink(path);
    return put(m->o->run_dir, ATTACH_HELD, "") < 0 ? err_sys(e, "cannot write \"%s\"", path) : 0;
}

/* In memory: somebody waits for this, and a file system takes its time to make and rename. */
int record_started(struct mon *m, struct err *e)
{
    m->started_ns = now_ns();
    m->birth = proc_birth(m->pid);
    if (put_live(m, m->o->run_dir) < 0)
        return err_sys(e, "cannot record the start of container %s", m->o->id);
    m->unkept = true;
    m->keep_at = now_ms() + KEEP_MS;
    record_event(m, "init");
    record_event(m, "start");
    return 0;
}

static char *running_mark(const struct mon *m)
{
    return xasprintf("%s/../../running/%s", m->o->ctr_dir, m->o->id); /* things/ctr.h */
}

void record_kept(struct mon *m)
{
    cleanup_free char *lock = xasprintf("%s/lock", m->o->ctr_dir), *mark = running_mark(m);
    cleanup_free char *work = xasprintf("%s/work/old", m->o->ctr_dir);
    m->keep_at = 0;
    keep_live(m);
    (void)link(lock, mark); /* a second name of a file that is there: no new one for each start */
    (void)rmdir(work);      /* pod-rootfs has put it aside */
}

static bool saw_oom(const char *cgroup)
{
    cleanup(buf_free) struct buf events = BUF_INIT;
    cleanup_free char *file = xasprintf("%s/memory.events", cgroup);
    if (at_read(AT_FDCWD, file, 4096, &events) < 0)
        return false;
    const char *kills = strstr(buf_str(&events), "oom_kill ");
    return kills && kills[9] != '0';
}

/* With the host's PID namespace the first process's end is not that of the others. */
static void remove_cgroup(const char *cgroup)
{
    cleanup_free char *file = xasprintf("%s/cgroup.kill", cgroup);
    for (int tries = 0; rmdir(cgroup) < 0 && errno == EBUSY && tries < CGROUP_TRIES; tries++) {
        cleanup_fd int fd = tries ? -1 : open(file, O_WRONLY | O_CLOEXEC);
        if (fd >= 0)
            (void)fd_write_all(fd, "1", 1);
        nanosleep(&(struct timespec){.tv_nsec = 5000000}, NULL);
    }
}

/* What the kernel counted in the container's cgroup, if it has one of its own; then it goes. */
static bool end_cgroup(const char *path_file)
{
    cleanup(buf_free) struct buf path = BUF_INIT;
    if (!path_file || at_read(AT_FDCWD, path_file, 4096, &path) < 0 || !path.len)
        return false;
    bool oom = saw_oom(path.s);
    remove_cgroup(path.s);
    return oom;
}

/* A full disk has no room for a file, but still for some bytes at the end of one. */
static void add_to_live(struct mon *m, const char *text)
{
    cleanup_free char *path = xasprintf("%s/live", m->unkept ? m->o->run_dir : m->o->ctr_dir);
    cleanup_fd int fd = open(path, O_WRONLY | O_APPEND | O_CLOEXEC);
    if (fd >= 0)
        (void)fd_write_all(fd, text, strlen(text));
}

void record_exit(struct mon *m, const char *error)
{
    m->finished_ns = now_ns();
    m->keep_at = 0;
    if (m->unkept)
        keep_live(m);
    m->oom = end_cgroup(m->o->cgroup_file);
    cleanup_free char *text =
        xasprintf("code=%d\nstarted=%lld\nfinished=%lld\noom=%d\nrestarts=%d\n%s%s%s", m->exit_code,
                  (long long)m->started_ns, (long long)m->finished_ns, m->oom, m->restarts,
                  error ? "error=" : "", error ? error : "", error ? "\n" : "");
    if (put(m->o->ctr_dir, "exit", text) < 0)
        add_to_live(m, text);
    cleanup_fd int dir = open(m->o->ctr_dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
    journal_exit(dir, "died", m->exit_code);
}

/* Where the disk had no room for its start, that and how it ended stay here. */
void record_erase_runtime(struct mon *m)
{
    cleanup(buf_free) struct buf live = BUF_INIT;
    cleanup_free char *mark = running_mark(m), *path = xasprintf("%s/live", m->o->run_dir);
    bool stays = m->unkept && !m->o->remove && at_read(AT_FDCWD, path, 65536, &live) == 0;
    rmtree(AT_FDCWD, m->o->run_dir);
    if (stays && mkdir(m->o->run_dir, 0700) == 0)
        (void)put(m->o->run_dir, "live", live.s);
    unlink(mark);
}

/*
 * The directory goes in one rename, then the name, if it still is ours. Deleting what the
 * container wrote takes its user namespace and time: a process that nobody waits for does it.
 */
void record_discard(struct mon *m)
{
    cleanup_free char *path = xasprintf("%s/../..", m->o->ctr_dir);
    cleanup_fd int own = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
    cleanup_fd int dir = open(m->o->ctr_dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
    rename(m->o->ctr_dir, m->o->trash);
    if (own >= 0)
        namelink_drop(own, m->o->name, m->o->id);
    journal_container(dir, "remove", NULL);
}
