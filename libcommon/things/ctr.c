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

#define MAX_RECORD (4 << 20)

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

int ctr_list_below(int dir, const char *name, struct strv *ret)
{
    int fd = at_open_dir(dir, name);
    DIR *d = fd < 0 ? NULL : fdopendir(fd);
    struct dirent *de;
    if (!d)
        return -1;
    while ((de = readdir(d)))
        if (digest_is_hex(de->d_name))
            strv_add(ret, de->d_name);
    closedir(d);
    return 0;
}

int ctr_list(const struct roots *r, struct strv *ret, struct err *e)
{
    return ctr_list_below(r->own, "containers", ret) < 0
               ? err_sys(e, "cannot list \"%s/pod/containers\"", r->graph_path)
               : 0;
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

bool ctr_walk(struct ctr_walk *w)
{
    if (w->gone_by)
        ctr_close(&w->c);
    while (w->gone_by < w->ids.n) {
        struct err damaged = ERR_INIT;
        size_t i = w->gone_by++;
        if (ctr_open(w->roots, w->ids.v[w->backwards ? w->ids.n - 1 - i : i], &w->c, &damaged) == 0)
            return true;
        w->c = (struct ctr)CTR_INIT;
    }
    return false;
}

void ctr_walk_end(struct ctr_walk *w)
{
    if (w->gone_by)
        ctr_close(&w->c);
    strv_free(&w->ids);
}

int ctr_latest(const struct roots *r, struct ctr *ret, struct err *e)
{
    cleanup_walk w = {.roots = r};
    struct ctr best = CTR_INIT;
    if (ctr_list(r, &w.ids, e) < 0)
        return -1;
    while (ctr_walk(&w))
        if (!best.record ||
            strcmp(jx_str(w.c.record, "created"), jx_str(best.record, "created")) > 0) {
            ctr_close(&best);
            best = w.c;
            w.c = (struct ctr)CTR_INIT;
        }
    if (!best.record)
        return err_set(e, 0, "no containers exist: no such container");
    *ret = best;
    return 0;
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
