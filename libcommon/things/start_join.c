#include "things/start_join.h"

#include "things/pod.h"
#include "things/start.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void joins_free(struct joins *j)
{
    json_decref(j->spaces);
}

static void join_one(struct joins *j, const char *type, const char *file, pid_t pid)
{
    cleanup_free char *path = xasprintf("/proc/%d/ns/%s", pid, file);
    json_object_set_new(j->spaces, type, json_string(path));
    if (strcmp(type, "ipc") == 0)
        j->shm = pid;
}

/* User namespaces go along: the other container's network and IPC belong to its user namespace. */
static int join_container(const struct roots *r, const char *id, const char *type, const char *file,
                          struct joins *joined, struct err *e)
{
    struct ctr other;
    struct ctr_status s;
    if (ctr_find(r, id, &other, e) < 0)
        return -1;
    ctr_status(r, &other, &s);
    int res = 0;
    if (!ctr_is_up(&s))
        res = err_set(e, 0, "container %s is not running: cannot join its %s namespace", other.id,
                      type);
    else {
        if (strcmp(type, "network") == 0)
            memcpy(joined->owner, other.id, sizeof joined->owner);
        join_one(joined, type, file, s.pid);
        if (strcmp(jx_str(other.record, "userns"), "host") != 0 && geteuid() != 0)
            join_one(joined, "user", "user", s.pid);
    }
    ctr_close(&other);
    return res;
}

/* As OCI, the kernel's files and podman's --share call them. */
static const struct {
    const char *type, *file, *share;
} kinds[] = {{"pid", "pid", "pid"},
             {"network", "net", "net"},
             {"ipc", "ipc", "ipc"},
             {"uts", "uts", "uts"},
             {"cgroup", "cgroup", "cgroup"}};

int join_named(const struct roots *r, const struct ctr *c, struct joins *joined, struct err *e)
{
    const json_t *modes = json_object_get(c->record, "namespaces");
    const char *userns = jx_str(c->record, "userns");
    if (str_starts(userns, "ns:"))
        json_object_set_new(joined->spaces, "user", json_string(userns + 3));
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        const char *mode = jx_str(modes, kinds[i].type);
        if (str_starts(mode, "ns:"))
            json_object_set_new(joined->spaces, kinds[i].type, json_string(mode + 3));
        else if (str_starts(mode, "container:") &&
                 join_container(r, mode + 10, kinds[i].type, kinds[i].file, joined, e) < 0)
            return -1;
    }
    return 0;
}

int join_pod(const struct roots *r, const struct ctr *c, struct joins *joined, struct err *e)
{
    const char *pod_id = jx_str0(c->record, "pod");
    const json_t *modes = json_object_get(c->record, "namespaces");
    const json_t *net = json_object_get(c->record, "network");
    struct pod p;
    struct ctr infra;
    if (!pod_id || jx_bool(c->record, "infra"))
        return 0;
    if (pod_open(r, pod_id, &p, e) < 0)
        return -1;
    bool shares[sizeof kinds / sizeof *kinds];
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        shares[i] = pod_shares(&p, kinds[i].share);
    cleanup_free char *infra_id = xstrdup(jx_str(p.record, "infra"));
    joined->ends_pod = strcmp(pod_exit_policy(&p), "stop") == 0;
    pod_close(&p);
    if (!*infra_id)
        return 0;
    int res = ctr_find(r, infra_id, &infra, e);
    if (res < 0)
        return err_prefix(e, "pod %.12s has lost its infra container", pod_id);
    pid_t pid;
    struct start_how how = {.client_fd = -1};
    res = ctr_start(r, &infra, &how, &pid, e);
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds && res >= 0; i++) {
        bool own = json_object_get(modes, kinds[i].type) ||
                   (strcmp(kinds[i].share, "net") == 0 && json_object_get(net, "mode"));
        if (shares[i] && !own)
            res = join_container(r, infra.id, kinds[i].type, kinds[i].file, joined, e);
    }
    ctr_close(&infra);
    return res < 0 ? -1 : 0;
}
