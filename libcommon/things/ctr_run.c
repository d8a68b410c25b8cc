/* What a start has in the runtime directory, and what is left of one whose monitor was killed. */
#include "things/ctr.h"

#include "disk/at.h"
#include "disk/lock.h"
#include "disk/rmtree.h"
#include "plain/fdio.h"
#include "plain/str.h"
#include "words/digest.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define NANO INT64_C(1000000000)
/* nanoseconds; a tick of the clock that births are counted in, and some */
#define PID_FILE_SLACK (NANO / 10)
#define END_MS         5000
#define ALL_MARKED     ".all"

/* Without a birth in the file the ages tell: who got the number later is younger than the file. */
bool ctr_half_started(int run, pid_t *ret_pid, uint64_t *ret_birth)
{
    cleanup(buf_free) struct buf b = BUF_INIT;
    struct stat st;
    if (at_read(run, "pid", 32, &b) < 0 || fstatat(run, "pid", &st, 0) < 0)
        return false;
    pid_t pid = (pid_t)atoi(buf_str(&b));
    uint64_t birth = proc_birth(pid);
    int64_t written = (int64_t)st.st_mtim.tv_sec * NANO + st.st_mtim.tv_nsec;
    if (!birth || proc_began(birth) > written + PID_FILE_SLACK)
        return false;
    *ret_pid = pid;
    *ret_birth = birth;
    return true;
}

static void end_process(pid_t pid, uint64_t birth)
{
    cleanup_fd int fd = (int)syscall(SYS_pidfd_open, pid, 0);
    if (fd < 0 || proc_birth(pid) != birth)
        return;
    syscall(SYS_pidfd_send_signal, fd, SIGKILL, NULL, 0);
    for (int ms = 0; ms < END_MS && proc_birth(pid) == birth; ms++)
        nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
}

static void remove_cgroup(int run)
{
    cleanup(buf_free) struct buf path = BUF_INIT;
    if (at_read(run, "cgroup", 4096, &path) < 0 || !path.len)
        return;
    path.s[strcspn(path.s, "\n")] = '\0';
    rmdir(path.s);
}

/* Its monitor was killed before it had put this on disk, or found no room there. */
static void keep_live(const struct roots *r, int run, const char *id)
{
    cleanup(buf_free) struct buf live = BUF_INIT, older = BUF_INIT;
    char path[96];
    snprintf(path, sizeof path, "containers/%.64s/live", id);
    if (at_read(run, "live", 65536, &live) < 0)
        return;
    (void)at_read(r->own, path, 65536, &older);
    if (kv_int(buf_str(&live), "started", 0) > kv_int(buf_str(&older), "started", 0))
        (void)at_write(r->own, path, live.s, live.len, 0600, AT_PLAIN);
}

/* A directory that was put aside, and the runtime's state with it. */
static void finish_clearing(const struct roots *r, const char *aside, const char *id)
{
    char state[80];
    pid_t pid;
    uint64_t birth;
    cleanup_fd int run = at_open_dir(r->run, aside);
    if (run >= 0 && ctr_half_started(run, &pid, &birth))
        end_process(pid, birth);
    if (run >= 0) {
        remove_cgroup(run);
        keep_live(r, run, id);
    }
    snprintf(state, sizeof state, "runtime/%.64s", id);
    rmtree(r->run, state);
    rmtree(r->run, aside);
}

/*
 * The directory goes from its place first: a runtime that is still at it can then leave no pid
 * file any more, and gives up by itself; one that has left it is found by it.
 */
void ctr_clear_run(const struct roots *r, const char *id)
{
    char aside[80];
    snprintf(aside, sizeof aside, ".gone-%.64s", id);
    if (renameat(r->run, id, r->run, aside) < 0 && (errno == ENOTEMPTY || errno == EEXIST)) {
        finish_clearing(r, aside, id); /* somebody was killed in here */
        renameat(r->run, id, r->run, aside);
    }
    finish_clearing(r, aside, id);
    snprintf(aside, sizeof aside, "running/%.64s", id);
    unlinkat(r->own, aside, 0);
}

void ctr_sweep_run(const struct roots *r)
{
    int fd = at_open_dir(r->run, ".");
    DIR *d = fd < 0 ? NULL : fdopendir(fd);
    for (struct dirent *de; d && (de = readdir(d));) {
        char path[128];
        const char *id = de->d_name + strlen(".gone-");
        if (!str_starts(de->d_name, ".gone-") || !digest_is_hex(id))
            continue;
        snprintf(path, sizeof path, "containers/%.64s", id);
        bool there = at_exists(r->own, path);
        snprintf(path, sizeof path, "containers/%.64s/lock", id);
        cleanup_fd int lock = there ? lock_try(r->own, path, LOCK_EXCLUSIVE) : -1;
        if (lock >= 0 || !there)
            finish_clearing(r, de->d_name, id);
    }
    if (d)
        closedir(d);
}

/* ---- who may run ---- */

static int mark_started(const struct roots *r, const char *id, struct err *e)
{
    char path[80];
    char lock[96];
    snprintf(path, sizeof path, "running/%.64s", id);
    snprintf(lock, sizeof lock, "containers/%.64s/lock", id);
    /* a second name of a file that is there: no new one for each start */
    if (linkat(r->own, lock, r->own, path, 0) == 0 || errno == EEXIST)
        return 0;
    cleanup_fd int fd = openat(r->own, path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    return fd < 0 ? err_sys(e, "cannot write \"%s/pod/%s\"", r->graph_path, path) : 0;
}

/* A store from before there were such entries: each container has one, once. */
static int mark_all(const struct roots *r, struct err *e)
{
    cleanup(strv_free) struct strv ids = STRV_INIT;
    if (ctr_list(r, &ids, e) < 0)
        return -1;
    for (size_t i = 0; i < ids.n; i++)
        if (mark_started(r, ids.v[i], e) < 0)
            return -1;
    return mark_started(r, ALL_MARKED, e);
}

int ctr_list_started(const struct roots *r, struct strv *ret, struct err *e)
{
    if (!at_exists(r->own, "running/" ALL_MARKED) && mark_all(r, e) < 0)
        return -1;
    if (ctr_list_below(r->own, "running", ret) < 0)
        return err_sys(e, "cannot list \"%s/pod/running\"", r->graph_path);
    if (ctr_list_below(r->run, ".", ret) < 0)
        return err_sys(e, "cannot list \"%s\"", r->run_path);
    strv_sort_unique(ret);
    return 0;
}
