#include "things/pod.h"

#include "disk/at.h"
#include "disk/lock.h"
#include "disk/rmtree.h"
#include "plain/fdio.h"
#include "things/ctr.h"
#include "things/store_write.h"
#include "words/digest.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define MAX_RECORD (1 << 20)

/* Without the link it has no infra container, or is damaged: shown, so that it can go. */
bool pod_exists(const struct roots *r, const char *id)
{
    char path[128];
    struct stat st;
    snprintf(path, sizeof path, "pods/%.64s", id);
    if (!at_exists(r->own, path))
        return false;
    snprintf(path, sizeof path, "pods/%.64s/infra", id);
    return fstatat(r->own, path, &st, 0) == 0 || !at_exists(r->own, path);
}

bool pod_being_made(const struct roots *r, const char *id)
{
    char path[128];
    snprintf(path, sizeof path, "staging/pod-%.64s/lock", id);
    if (lock_is_held(r->own, path))
        return true;
    snprintf(path, sizeof path, "pods/%.64s/lock", id);
    return lock_is_held(r->own, path);
}

int pod_list(const struct roots *r, struct strv *ret, struct err *e)
{
    int fd = at_open_dir(r->own, "pods");
    DIR *d = fd < 0 ? NULL : fdopendir(fd);
    struct dirent *de;
    if (!d)
        return err_sys(e, "cannot list \"%s/pod/pods\"", r->graph_path);
    while ((de = readdir(d)))
        if (digest_is_hex(de->d_name) && pod_exists(r, de->d_name))
            strv_add(ret, de->d_name);
    closedir(d);
    return 0;
}

int pod_find_id(const struct roots *r, const char *name, char ret_id[65], struct err *e)
{
    cleanup(strv_free) struct strv ids = STRV_INIT;
    const char *found = NULL;
    char id[65];
    bool is_pod = false;
    if (name_lookup(r, name, id, &is_pod) == 0 && is_pod) {
        memcpy(ret_id, id, sizeof id);
        return 0;
    }
    if (pod_list(r, &ids, e) < 0)
        return -1;
    for (size_t i = 0; i < ids.n && *name; i++) {
        if (!str_starts(ids.v[i], name))
            continue;
        if (found)
            return err_set(e, 0, "more than one result for ID or name %s: pod already exists",
                           name);
        found = ids.v[i];
    }
    if (!found)
        return err_set(e, 0, "no pod with name or ID %s found: no such pod", name);
    memcpy(ret_id, found, 65);
    return 0;
}

int pod_open(const struct roots *r, const char *id, struct pod *ret, struct err *e)
{
    struct pod p = {.record = NULL};
    char path[128];
    snprintf(path, sizeof path, "pods/%s/pod.json", id);
    if (jx_load(r->own, path, MAX_RECORD, &p.record, e) < 0) {
        err_prefix(e, "pod %s: its record is damaged", id);
        return err_hint(e, "Type: pod pod rm -f %.12s", id);
    }
    memcpy(p.id, id, sizeof p.id);
    *ret = p;
    return 0;
}

int pod_find(const struct roots *r, const char *name, struct pod *ret, struct err *e)
{
    char id[65];
    return pod_find_id(r, name, id, e) < 0 ? -1 : pod_open(r, id, ret, e);
}

const char *pod_exit_policy(const struct pod *p)
{
    const char *policy = jx_str(p->record, "exitPolicy");
    return *policy ? policy : "continue";
}

bool pod_shares(const struct pod *p, const char *ns)
{
    cleanup(strv_free) struct strv shared = STRV_INIT;
    jx_strv(p->record, "shared", &shared);
    return *jx_str(p->record, "infra") && strv_has(&shared, ns);
}

void pod_close(struct pod *p)
{
    json_decref(p->record);
    p->record = NULL;
}

int pod_members(const struct roots *r, const char *pod_id, struct strv *ret, struct err *e)
{
    cleanup(strv_free) struct strv rest = STRV_INIT;
    cleanup_walk w = {.roots = r};
    if (ctr_list(r, &w.ids, e) < 0)
        return -1;
    while (ctr_walk(&w))
        if (strcmp(jx_str(w.c.record, "pod"), pod_id) == 0)
            strv_add(jx_bool(w.c.record, "infra") ? ret : &rest, w.c.id);
    strv_sort(&rest);
    for (size_t i = 0; i < rest.n; i++)
        strv_add(ret, rest.v[i]);
    return 0;
}

static int stage(const struct roots *r, const char *dir, const json_t *record, int *ret_lock)
{
    char file[192], infra[96];
    cleanup_free char *text = json_dumps(record, JSON_COMPACT);
    if (!text || mkdirat(r->own, dir, 0700) < 0)
        return -1;
    snprintf(file, sizeof file, "%s/lock", dir);
    cleanup_fd int lock = lock_try(r->own, file, LOCK_EXCLUSIVE);
    snprintf(file, sizeof file, "%s/pod.json", dir);
    if (lock < 0 || at_write(r->own, file, text, strlen(text), 0600, AT_PLAIN) < 0)
        return -1;
    *ret_lock = fd_take(&lock);
    if (!*jx_str(record, "infra"))
        return 0; /* a pod from now on: nothing else is to come */
    snprintf(infra, sizeof infra, "../../containers/%.64s", jx_str(record, "infra"));
    snprintf(file, sizeof file, "%s/infra", dir);
    return symlinkat(infra, r->own, file);
}

int pod_prepare(const struct roots *r, const char *id, const char *name, const json_t *record,
                int *ret_lock, struct err *e)
{
    char from[128], to[128];
    cleanup_fd int lock = -1;
    cleanup_fd int hold = store_hold(r, e);
    if (hold < 0)
        return -1;
    snprintf(from, sizeof from, "staging/pod-%s", id);
    snprintf(to, sizeof to, "pods/%s", id);
    if (stage(r, from, record, &lock) < 0)
        err_sys(e, "cannot write the record of pod %s", name);
    else if (name_claim(r, name, id, true, e) == 0) {
        if (renameat(r->own, from, r->own, to) == 0) {
            *ret_lock = fd_take(&lock);
            return 0;
        }
        err_sys(e, "cannot create pod %s", name);
        name_drop(r, name, id);
    }
    rmtree(r->own, from);
    return -1;
}

int pod_discard(const struct roots *r, const char *id, const char *name, struct err *e)
{
    char path[128], trash[64];
    snprintf(path, sizeof path, "pods/%s", id);
    at_temp_name(trash, sizeof trash, "trash/pod-");
    if (renameat(r->own, path, r->own, trash) < 0 && errno != ENOENT)
        return err_sys(e, "cannot remove pod %s", id);
    if (name)
        name_drop(r, name, id);
    else
        name_drop_all(r, id);
    rmtree(r->own, trash);
    return 0;
}

void pods_sweep(const struct roots *r)
{
    int fd = at_open_dir(r->own, "pods");
    DIR *d = fd < 0 ? NULL : fdopendir(fd);
    struct err ignored = ERR_INIT;
    for (struct dirent *de; d && (de = readdir(d));)
        if (digest_is_hex(de->d_name) && !pod_being_made(r, de->d_name) &&
            !pod_exists(r, de->d_name))
            pod_discard(r, de->d_name, NULL, &ignored);
    if (d)
        closedir(d);
}
