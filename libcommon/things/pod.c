#include "things/pod.h"

#include "disk/at.h"
#include "disk/rmtree.h"
#include "things/ctr.h"
#include "words/digest.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define MAX_RECORD (1 << 20)

int pod_list(const struct roots *r, struct strv *ret, struct err *e)
{
    int fd = at_open_dir(r->own, "pods");
    DIR *d = fd < 0 ? NULL : fdopendir(fd);
    struct dirent *de;
    if (!d)
        return err_sys(e, "cannot list \"%s/pod/pods\"", r->graph_path);
    while ((de = readdir(d)))
        if (digest_is_hex(de->d_name))
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
    cleanup(strv_free) struct strv ids = STRV_INIT, rest = STRV_INIT;
    if (ctr_list(r, &ids, e) < 0)
        return -1;
    for (size_t i = 0; i < ids.n; i++) {
        struct ctr c;
        struct err damaged = ERR_INIT;
        if (ctr_open(r, ids.v[i], &c, &damaged) < 0)
            continue;
        if (strcmp(jx_str(c.record, "pod"), pod_id) == 0)
            strv_add(jx_bool(c.record, "infra") ? ret : &rest, c.id);
        ctr_close(&c);
    }
    strv_sort(&rest);
    for (size_t i = 0; i < rest.n; i++)
        strv_add(ret, rest.v[i]);
    return 0;
}

int pod_publish(const struct roots *r, const char *id, const char *name, const json_t *record,
                struct err *e)
{
    char from[128], to[128], file[160];
    snprintf(from, sizeof from, "staging/pod-%s", id);
    snprintf(to, sizeof to, "pods/%s", id);
    snprintf(file, sizeof file, "%s/pod.json", from);
    cleanup_free char *text = json_dumps(record, JSON_COMPACT);
    if (!text || mkdirat(r->own, from, 0700) < 0 ||
        at_write(r->own, file, text, strlen(text), 0600, AT_PLAIN) < 0)
        return err_sys(e, "cannot write the record of pod %s", name);
    if (name_claim(r, name, id, true, e) < 0) {
        rmtree(r->own, from);
        return -1;
    }
    if (renameat(r->own, from, r->own, to) < 0) {
        err_sys(e, "cannot create pod %s", name);
        name_drop(r, name, id);
        return -1;
    }
    return 0;
}

int pod_discard(const struct roots *r, const struct pod *p, struct err *e)
{
    char path[128];
    name_drop(r, jx_str(p->record, "name"), p->id);
    snprintf(path, sizeof path, "pods/%s", p->id);
    if (rmtree(r->own, path) < 0 && errno != ENOENT)
        return err_sys(e, "cannot remove pod %s", p->id);
    return 0;
}
