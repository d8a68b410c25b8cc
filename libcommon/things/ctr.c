#include "things/ctr.h"

#include "disk/at.h"
#include "disk/lock.h"
#include "plain/fdio.h"
#include "things/event.h"
#include "things/spawn.h"
#include "words/attach.h"
#include "words/digest.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define ALL_MARKED   ".all"
#define MAX_RECORD   (4 << 20)
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

char *ctr_path(const struct roots *r, const char *id)
{
    return xasprintf("%s/pod/containers/%s", r->graph_path, id);
}

bool ctr_logs_to_file(const struct ctr *c)
{
    const char *driver = jx_str(json_object_get(c->record, "log"), "driver");
    return strcmp(driver, "k8s-file") == 0 || strcmp(driver, "json-file") == 0;
}

const char *ctr_name(const struct ctr *c)
{
    return jx_str(c->record, "name");
}

/* ---- finding ---- */

int ctr_enter(const struct roots *r, const char *id, struct ctr *ret, struct err *e)
{
    struct ctr c = CTR_INIT;
    char path[128];
    snprintf(path, sizeof path, "containers/%s", id);
    c.dir = at_open_dir(r->own, path);
    if (c.dir < 0)
        return err_sys(e, "cannot open container %s", id);
    memcpy(c.id, id, sizeof c.id);
    *ret = c;
    return 0;
}

int ctr_read(struct ctr *c, struct err *e)
{
    if (jx_load(c->dir, "container.json", MAX_RECORD, &c->record, e) == 0)
        return 0;
    err_prefix(e, "container %s: its record is damaged", c->id);
    return err_hint(e, "Type: pod rm -f %.12s", c->id);
}

int ctr_open(const struct roots *r, const char *id, struct ctr *ret, struct err *e)
{
    struct ctr c;
    if (ctr_enter(r, id, &c, e) < 0)
        return -1;
    if (ctr_read(&c, e) < 0) {
        ctr_close(&c);
        return -1;
    }
    *ret = c;
    return 0;
}

int ctr_write_record(int dir, const json_t *record, struct err *e)
{
    cleanup_free char *text = json_dumps(record, JSON_COMPACT);
    cleanup_free char *event = event_members(record);
    if (!text || !event ||
        at_write(dir, JOURNAL_MEMBERS, event, strlen(event), 0600, AT_PLAIN) < 0 ||
        at_write(dir, "container.json", text, strlen(text), 0600, AT_PLAIN) < 0)
        return err_sys(e, "cannot write the record of container %s", jx_str(record, "id"));
    return 0;
}

void ctr_close(struct ctr *c)
{
    if (c->dir >= 0)
        close(c->dir);
    json_decref(c->record);
    *c = (struct ctr)CTR_INIT;
}

static int list(const struct roots *r, const char *dir, struct strv *ret, struct err *e)
{
    int fd = at_open_dir(r->own, dir);
    DIR *d = fd < 0 ? NULL : fdopendir(fd);
    struct dirent *de;
    if (!d)
        return err_sys(e, "cannot list \"%s/pod/%s\"", r->graph_path, dir);
    while ((de = readdir(d)))
        if (digest_is_hex(de->d_name))
            strv_add(ret, de->d_name);
    closedir(d);
    return 0;
}

int ctr_list(const struct roots *r, struct strv *ret, struct err *e)
{
    return list(r, "containers", ret, e);
}

int ctr_mark_started(const struct roots *r, const char *id, struct err *e)
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
        if (ctr_mark_started(r, ids.v[i], e) < 0)
            return -1;
    return ctr_mark_started(r, ALL_MARKED, e);
}

int ctr_list_started(const struct roots *r, struct strv *ret, struct err *e)
{
    if (!at_exists(r->own, "running/" ALL_MARKED) && mark_all(r, e) < 0)
        return -1;
    return list(r, "running", ret, e);
}

static int not_found(const char *name, struct err *e)
{
    return err_set(e, 0, "no container with name or ID \"%s\" found: no such container", name);
}

/* The one id that begins so. Directory entries only: no record is read. */
static int by_prefix(const struct roots *r, const char *prefix, char ret_id[65], struct err *e)
{
    cleanup(strv_free) struct strv ids = STRV_INIT;
    const char *found = NULL;
    if (!*prefix || strspn(prefix, "0123456789abcdef") != strlen(prefix))
        return not_found(prefix, e);
    if (ctr_list(r, &ids, e) < 0)
        return -1;
    for (size_t i = 0; i < ids.n; i++) {
        if (!str_starts(ids.v[i], prefix))
            continue;
        if (found)
            return err_set(e, 0,
                           "more than one result for container name or ID \"%s\": container "
                           "already exists",
                           prefix);
        found = ids.v[i];
    }
    if (!found)
        return not_found(prefix, e);
    memcpy(ret_id, found, 65);
    return 0;
}

int ctr_find(const struct roots *r, const char *name_or_id, struct ctr *ret, struct err *e)
{
    char id[65];
    bool is_pod = false;
    name_or_id += name_or_id[0] == '/'; /* as Docker prints names */
    if (digest_is_hex(name_or_id)) {
        memcpy(id, name_or_id, sizeof id);
        char path[128];
        snprintf(path, sizeof path, "containers/%s", id);
        if (!at_exists(r->own, path))
            return not_found(name_or_id, e);
    } else if (name_lookup(r, name_or_id, id, &is_pod) < 0 || is_pod) {
        if (by_prefix(r, name_or_id, id, e) < 0)
            return -1;
    }
    int res = ctr_open(r, id, ret, e);
    return res < 0 && e->sys == ENOENT ? not_found(name_or_id, e) : res;
}

int ctr_latest(const struct roots *r, struct ctr *ret, struct err *e)
{
    cleanup(strv_free) struct strv ids = STRV_INIT;
    struct ctr best = CTR_INIT;
    if (ctr_list(r, &ids, e) < 0)
        return -1;
    for (size_t i = 0; i < ids.n; i++) {
        struct ctr c;
        if (ctr_open(r, ids.v[i], &c, e) < 0)
            continue;
        if (!best.record ||
            strcmp(jx_str(c.record, "created"), jx_str(best.record, "created")) > 0) {
            ctr_close(&best);
            best = c;
        } else {
            ctr_close(&c);
        }
    }
    if (!best.record)
        return err_set(e, 0, "no containers exist: no such container");
    *ret = best;
    return 0;
}

/* ---- state ---- */

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
    bool started = read_small(c->dir, "live", &live);
    if (started) {
        s.started_ns = kv_int(live.s, "started", 0);
        s.was_stopped = kv_int(live.s, "stopping", 0) != 0;
    }
    if (started && is_alive(live.s, &s)) {
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

/* ---- appearing and disappearing ---- */

int ctr_publish(const struct roots *r, const char *id, struct err *e)
{
    char from[128], to[128];
    snprintf(from, sizeof from, "staging/%s", id);
    snprintf(to, sizeof to, "containers/%s", id);
    return renameat(r->own, from, r->own, to) < 0 ? err_sys(e, "cannot create container %s", id)
                                                  : 0;
}

int ctr_discard(const struct roots *r, const struct ctr *c, char ret_trash[TRASH_NAME_SIZE],
                struct err *e)
{
    char from[128], to[64], name[TRASH_NAME_SIZE];
    snprintf(from, sizeof from, "containers/%s", c->id);
    at_temp_name(name, sizeof name, "ctr-");
    snprintf(to, sizeof to, "trash/%s", name);
    if (renameat(r->own, from, r->own, to) < 0 && errno != ENOENT)
        return err_sys(e, "cannot remove container %s", c->id);
    if (c->record)
        name_drop(r, ctr_name(c), c->id);
    else
        name_drop_all(r, c->id);
    if (ret_trash)
        memcpy(ret_trash, name, sizeof name);
    return 0;
}

int trash_delete(const struct roots *r, const char *name, bool wait, struct err *e)
{
    cleanup(strv_free) struct strv argv = STRV_INIT;
    pid_t pid;
    strv_take(&argv, tool_path("pod-userns"));
    strv_add(&argv, "enter");
    strv_add(&argv, "--");
    strv_take(&argv, tool_path("pod-trash"));
    strv_addf(&argv, "%s/pod/trash/%s", r->graph_path, name);
    struct spawn s = {
        .argv = argv.v, .in = -1, .out = -1, .err = -1, .report = -1, .new_session = 1};
    if (wait)
        return spawn_and_report(&s, "pod-trash", NULL, 0, e);
    return spawn(&s, &pid, e);
}
