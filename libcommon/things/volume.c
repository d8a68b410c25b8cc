#include "things/volume.h"

#include "disk/at.h"
#include "disk/rmtree.h"
#include "plain/fdio.h"
#include "things/ctr.h"
#include "things/event.h"
#include "words/ident.h"
#include "words/timefmt.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define MAX_RECORD (1 << 20)

/* ---- making ---- */

static int write_parts(int dir, const struct volume_want *w)
{
    char now[40];
    timefmt_now(now, sizeof now);
    cleanup_json rec =
        json_pack("{s:s, s:s, s:s}", "name", w->name, "driver", "local", "created", now);
    jx_set(rec, "labels", json_deep_copy(w->labels));
    jx_set(rec, "options", json_deep_copy(w->options));
    if (w->anonymous)
        json_object_set_new(rec, "anonymous", json_true());
    cleanup_free char *text = json_dumps(rec, JSON_COMPACT);
    if (!text || mkdirat(dir, "_data", 0755) < 0 || fchmodat(dir, "_data", 0755, 0) < 0 ||
        at_write(dir, "fresh", "", 0, 0600, AT_PLAIN) < 0)
        return -1;
    return at_write(dir, "volume.json", text, strlen(text), 0600, AT_PLAIN);
}

int volume_create(const struct roots *r, const struct volume_want *w, struct err *e)
{
    char name[40], from[64];
    cleanup_free char *to = xasprintf("volumes/%s", w->name);
    if (!ident_name_ok(w->name))
        return err_set(e, 0,
                       "running volume create option: names must match "
                       "[a-zA-Z0-9][a-zA-Z0-9_.-]*: invalid argument");
    at_temp_name(name, sizeof name, "volume-");
    snprintf(from, sizeof from, "staging/%s", name);
    if (at_mkdirs(r->own, "volumes", 0700) < 0 || mkdirat(r->own, from, 0700) < 0)
        return err_sys(e, "cannot create volume \"%s\"", w->name);
    cleanup_fd int dir = at_open_dir(r->own, from);
    int res = dir < 0 || write_parts(dir, w) < 0 ? -1 : 0;
    if (res == 0)
        res = (int)syscall(SYS_renameat2, r->own, from, r->own, to, RENAME_NOREPLACE);
    if (res == 0) {
        event_volume(r, "create", w->name);
        return 0;
    }
    err_sys(e, "cannot create volume \"%s\"", w->name);
    rmtree(r->own, from);
    if (e->sys == EEXIST) {
        err_set(e, 0, "volume with name %s already exists: volume already exists", w->name);
        e->sys = EEXIST;
    }
    return -1;
}

/* ---- options of the local driver ---- */

/* KEY=VALUE among the words of o: the value, or NULL. */
static char *word_value(const json_t *options, const char *key)
{
    cleanup(strv_free) struct strv words = STRV_INIT;
    cleanup_free char *begin = xasprintf("%s=", key);
    strv_split(&words, jx_str(options, "o"), ',');
    for (size_t i = 0; i < words.n; i++)
        if (str_starts(words.v[i], begin))
            return xstrdup(words.v[i] + strlen(begin));
    return NULL;
}

static bool binds(const json_t *options)
{
    cleanup(strv_free) struct strv words = STRV_INIT;
    strv_split(&words, jx_str(options, "o"), ',');
    return *jx_str(options, "device") && (strcmp(jx_str(options, "type"), "bind") == 0 ||
                                          strv_has(&words, "bind") || strv_has(&words, "rbind"));
}

bool volume_is_tmpfs(const json_t *volume)
{
    return strcmp(jx_str(json_object_get(volume, "options"), "type"), "tmpfs") == 0;
}

int volume_check_options(const json_t *options, struct err *e)
{
    static const char *const keys[] = {"type", "device", "o", NULL};
    static const char *const ids[] = {"uid", "gid"};
    const char *key, *type = jx_str(options, "type"), *device = jx_str(options, "device");
    const json_t *value;
    json_object_foreach((json_t *)options, key, value)
    {
        if (!str_in(key, keys))
            return err_set(e, 0, "invalid mount option %s for driver 'local': invalid argument",
                           key);
    }
    for (size_t i = 0; i < 2; i++) {
        uint64_t id;
        cleanup_free char *text = word_value(options, ids[i]);
        if (text && str_u64(text, UINT32_MAX - 1, &id) < 0)
            return err_set(e, 0, "cannot convert %s %s to integer: invalid argument", ids[i], text);
    }
    if ((!*type && !*device) || strcmp(type, "tmpfs") == 0)
        return 0;
    if (!binds(options)) {
        err_set(e, 0, "a volume of type \"%s\" needs a mount that no user may make", type);
        return err_hint(e, "For a directory of the host, type: -o type=bind -o device=DIR");
    }
    struct stat st;
    if (device[0] != '/' || stat(device, &st) < 0)
        return err_set(e, 0,
                       "invalid volume option device for driver 'local': stat %s: no such file "
                       "or directory",
                       device);
    return S_ISDIR(st.st_mode) ? 0
                               : err_set(e, 0,
                                         "invalid volume option device for driver 'local': "
                                         "\"%s\" is no directory",
                                         device);
}

void volume_owner(const json_t *volume, int64_t *uid, int64_t *gid)
{
    const json_t *options = json_object_get(volume, "options");
    cleanup_free char *u = word_value(options, "uid");
    cleanup_free char *g = word_value(options, "gid");
    if (!u || str_i64(u, 0, UINT32_MAX - 1, uid) < 0)
        *uid = -1;
    if (!g || str_i64(g, 0, UINT32_MAX - 1, gid) < 0)
        *gid = -1;
}

/* ---- looking ---- */

bool volume_exists(const struct roots *r, const char *name)
{
    cleanup_free char *path = xasprintf("volumes/%s/_data", name);
    return ident_name_ok(name) && at_exists(r->own, path);
}

void volume_list(const struct roots *r, struct strv *ret)
{
    int fd = at_open_dir(r->own, "volumes");
    DIR *d = fd < 0 ? NULL : fdopendir(fd);
    if (!d && fd >= 0)
        close(fd);
    for (struct dirent *de; d && (de = readdir(d));)
        if (volume_exists(r, de->d_name))
            strv_add(ret, de->d_name);
    if (d)
        closedir(d);
    strv_sort(ret);
}

int volume_find(const struct roots *r, const char *name, char **ret, struct err *e)
{
    cleanup(strv_free) struct strv all = STRV_INIT;
    const char *found = NULL;
    if (volume_exists(r, name)) {
        *ret = xstrdup(name);
        return 0;
    }
    volume_list(r, &all);
    for (size_t i = 0; i < all.n; i++) {
        if (!*name || !str_starts(all.v[i], name))
            continue;
        if (found)
            return err_set(
                e, 0, "more than one result for volume name \"%s\": volume already exists", name);
        found = all.v[i];
    }
    if (found) {
        *ret = xstrdup(found);
        return 0;
    }
    err_set(e, 0, "no volume with name \"%s\" found: no such volume", name);
    e->sys = ENOENT;
    return err_hint(e, "See: pod volume ls");
}

int volume_load(const struct roots *r, const char *name, json_t **ret, struct err *e)
{
    cleanup_free char *path = xasprintf("volumes/%s/volume.json", name);
    cleanup_free char *data = xasprintf("volumes/%s/_data", name);
    struct stat st;
    if (at_exists(r->own, path))
        return jx_load(r->own, path, MAX_RECORD, ret, e);
    if (fstatat(r->own, data, &st, 0) < 0)
        return err_set(e, 0, "no volume with name \"%s\" found: no such volume", name);
    cleanup(buf_free) struct buf made = BUF_INIT;
    timefmt_rfc3339(&made, st.st_ctim);
    *ret = json_pack("{s:s, s:s, s:s}", "name", name, "driver", "local", "created", buf_str(&made));
    return 0;
}

char *volume_path(const struct roots *r, const char *name, const json_t *volume)
{
    const json_t *options = json_object_get(volume, "options");
    if (binds(options))
        return xstrdup(jx_str(options, "device"));
    return xasprintf("%s/pod/volumes/%s/_data", r->graph_path, name);
}

struct volume_needs volume_needs(const struct roots *r, const char *name)
{
    cleanup_free char *path = xasprintf("volumes/%s/fresh", name);
    cleanup(buf_free) struct buf state = BUF_INIT;
    bool fresh = at_read(r->own, path, 16, &state) == 0;
    return (struct volume_needs){.copy = fresh, .owner = fresh && !state.len};
}

int volume_remove(const struct roots *r, const char *name, struct err *e)
{
    char trash[40], to[64];
    cleanup_free char *from = xasprintf("volumes/%s", name);
    at_temp_name(trash, sizeof trash, "volume-");
    snprintf(to, sizeof to, "trash/%s", trash);
    if (renameat(r->own, from, r->own, to) < 0)
        return err_sys(e, "cannot remove volume %s", name);
    event_volume(r, "remove", name);
    return trash_delete(r, trash, false, e);
}

/* ---- who mounts what ---- */

void volumes_of(const json_t *record, bool only_anonymous, struct strv *ret)
{
    const json_t *m;
    size_t i;
    json_array_foreach(json_object_get(record, "mounts"), i, m)
    {
        const char *name = jx_str(m, "volume");
        if (ident_name_ok(name) && (!only_anonymous || jx_bool(m, "anonymous")))
            strv_add(ret, name);
    }
}

void volumes_used(const struct roots *r, struct strv *ret)
{
    cleanup_walk w = {.roots = r};
    struct err ignored = ERR_INIT;
    (void)ctr_list(r, &w.ids, &ignored);
    while (ctr_walk(&w))
        volumes_of(w.c.record, false, ret);
}

int volumes_make(const struct roots *r, const json_t *record, struct err *e)
{
    const json_t *m;
    size_t i;
    json_array_foreach(json_object_get(record, "mounts"), i, m)
    {
        const struct volume_want w = {.name = jx_str(m, "volume"),
                                      .anonymous = jx_bool(m, "anonymous")};
        struct err failed = ERR_INIT;
        if (!*w.name || volume_exists(r, w.name) || volume_create(r, &w, &failed) == 0 ||
            failed.sys == EEXIST)
            continue;
        *e = failed;
        return -1;
    }
    return 0;
}

int volumes_reclaim(const struct roots *r, const struct strv *names, const char *into,
                    struct err *e)
{
    cleanup(strv_free) struct strv used = STRV_INIT;
    if (names->n)
        volumes_used(r, &used);
    for (size_t i = 0; i < names->n; i++) {
        char from[300], to[400];
        if (strv_has(&used, names->v[i]))
            continue;
        snprintf(from, sizeof from, "volumes/%s", names->v[i]);
        snprintf(to, sizeof to, "trash/%s/volume-%zu", into, i);
        if (renameat(r->own, from, r->own, to) < 0 && errno != ENOENT)
            return err_sys(e, "cannot remove volume %s", names->v[i]);
        event_volume(r, "remove", names->v[i]);
    }
    return 0;
}
