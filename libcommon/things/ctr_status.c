/* What state a container is in: derived from its records, its lock and the process itself. */
#include "things/ctr.h"

#include "disk/at.h"
#include "disk/lock.h"
#include "plain/fdio.h"
#include "words/attach.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define UNKNOWN_EXIT 255

const char *ctr_state_name(enum ctr_state s)
{
    static const char *const names[] = {"created", "initialized", "running",
                                        "paused",  "stopping",    "exited"};
    return names[s];
}

const char *ctr_state_shown(const struct ctr_status *s)
{
    return ctr_state_name(s->stopping && s->state == CTR_RUNNING ? CTR_STOPPING : s->state);
}

bool ctr_is_up(const struct ctr_status *s)
{
    return s->state == CTR_RUNNING || s->state == CTR_PAUSED;
}

static bool read_small(int dir, const char *name, struct buf *b)
{
    return at_read(dir, name, 65536, b) == 0 && b->len > 0;
}

static void take_exit(const char *text, struct ctr_status *s)
{
    s->exit_code = (int)kv_int(text, "code", UNKNOWN_EXIT);
    s->finished_ns = kv_int(text, "finished", 0);
    s->oom = kv_int(text, "oom", 0) != 0;
}

/* Of this start, or nobody saw the end: a power cut, or the monitor was killed first. */
static void read_exit(const struct ctr *c, const char *live, struct ctr_status *s)
{
    cleanup(buf_free) struct buf b = BUF_INIT;
    s->exit_code = UNKNOWN_EXIT;
    s->state = CTR_EXITED;
    if (read_small(c->dir, "exit", &b) && kv_int(b.s, "started", -1) == s->started_ns)
        take_exit(b.s, s);
    else
        take_exit(live, s); /* where there was no room for another file */
}

/* `live` names a process of this boot that is still there. */
static bool is_alive(const char *live, struct ctr_status *s)
{
    char boot[48];
    if (!kv_str(live, "boot", boot, sizeof boot) || strcmp(boot, roots_boot_id()) != 0)
        return false;
    s->pid = (pid_t)kv_int(live, "pid", 0);
    s->birth = (uint64_t)kv_int(live, "birth", 0);
    s->monitor = (pid_t)kv_int(live, "monitor", 0);
    s->restarts = (int)kv_int(live, "restarts", 0);
    s->stopping = kv_int(live, "stopping", 0) != 0;
    if (s->pid > 0 && s->birth && proc_birth(s->pid) == s->birth)
        return true;
    s->pid = s->monitor = 0;
    s->birth = 0;
    s->stopping = false;
    return false;
}

/*
 * A start leaves `live` in the runtime directory, and only then, when nobody waits for it any more,
 * on disk: while the process lives either will do, of two that have ended the later start counts.
 */
static bool read_live(const struct roots *r, const struct ctr *c, struct buf *ret,
                      struct ctr_status *s)
{
    cleanup(buf_free) struct buf disk = BUF_INIT;
    char file[80];
    snprintf(file, sizeof file, "%.64s/live", c->id);
    if (read_small(r->run, file, ret) && is_alive(ret->s, s))
        return true;
    if (!read_small(c->dir, "live", &disk))
        return false;
    if (ret->len && kv_int(ret->s, "started", 0) > kv_int(disk.s, "started", 0))
        return false;
    struct buf older = *ret;
    *ret = disk;
    disk = older;
    return is_alive(ret->s, s);
}

/* A monitor that was killed in the middle of a start has left something running. */
static bool runs_unrecorded(const struct roots *r, const struct ctr *c, struct ctr_status *s)
{
    cleanup_fd int run = openat(r->run, c->id, O_PATH | O_DIRECTORY | O_CLOEXEC);
    return run >= 0 && ctr_half_started(run, &s->pid, &s->birth);
}

/* The note alone is no proof: whoever wrote it may have been killed before or after the deed. */
static bool is_paused(const struct roots *r, const struct ctr *c, pid_t pid)
{
    cleanup(buf_free) struct buf how = BUF_INIT, dir = BUF_INIT, now = BUF_INIT;
    char file[96];
    snprintf(file, sizeof file, "%.64s/paused", c->id);
    if (at_read(r->run, file, 64, &how) < 0)
        return false;
    if (strcmp(buf_str(&how), "freezer") != 0)
        return proc_is_stopped(pid);
    snprintf(file, sizeof file, "%.64s/cgroup", c->id);
    if (!read_small(r->run, file, &dir))
        return false;
    dir.s[strcspn(dir.s, "\n")] = '\0';
    buf_adds(&dir, "/cgroup.freeze");
    return at_read(AT_FDCWD, dir.s, 16, &now) == 0 && buf_str(&now)[0] == '1';
}

bool ctr_is_held(const struct roots *r, const struct ctr *c)
{
    char path[80];
    snprintf(path, sizeof path, "%.64s/" ATTACH_HELD, c->id);
    return at_exists(r->run, path);
}

void ctr_status(const struct roots *r, const struct ctr *c, struct ctr_status *ret)
{
    struct ctr_status s = {.state = CTR_CREATED};
    cleanup(buf_free) struct buf live = BUF_INIT;
    bool held = lock_is_held(c->dir, "lock");
    bool alive = read_live(r, c, &live, &s), started = live.len > 0;
    if (started) {
        s.started_ns = kv_int(live.s, "started", 0);
        s.was_stopped = kv_int(live.s, "stopping", 0) != 0;
    }
    if (alive) {
        s.state = is_paused(r, c, s.pid) ? CTR_PAUSED : CTR_RUNNING;
        if (!held)
            s.monitor = 0;
    } else if (!held && runs_unrecorded(r, c, &s)) {
        bool waits = ctr_is_held(r, c);
        s.state = waits ? CTR_INITIALIZED : CTR_RUNNING;
        s.started_ns = waits ? 0 : proc_began(s.birth);
        s.half_started = true;
    } else if (started) {
        read_exit(c, live.s, &s);
    }
    /* the lock without a live process: on its way up, or between exit and record */
    bool created_only =
        held && s.state != CTR_RUNNING && s.state != CTR_PAUSED && ctr_is_held(r, c);
    if (created_only)
        (void)runs_unrecorded(r, c, &s); /* its first process waits */
    if (created_only || (held && s.state == CTR_CREATED))
        s.state = CTR_INITIALIZED;
    else if (held && s.state == CTR_EXITED && !s.finished_ns)
        s.state = CTR_STOPPING;
    *ret = s;
}
