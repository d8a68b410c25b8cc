/*
 * What a pod gives its containers: volumes, devices and security options of pod pod create come
 * before theirs. A volume of their own on the same place wins. And the ids of its user namespace.
 */
#include "things/create.h"
#include "things/ctr.h"
#include "things/pod.h"
#include "things/spec.h"

#include <stdlib.h>
#include <string.h>

#define AT(f) offsetof(struct create_opts, f)

static const struct {
    const char *key;
    size_t at;
} given[] = {{"volume", AT(volume)},
             {"volumesFrom", AT(volumes_from)},
             {"device", AT(device)},
             {"securityOpt", AT(security_opt)}};

static struct strv *list_at(struct create_opts *o, size_t at)
{
    return (struct strv *)((char *)o + at);
}

static char *volume_dest(const char *text)
{
    const char *first = strchr(text, ':'), *begin = first ? first + 1 : text;
    return xstrndup(begin, strcspn(begin, ":"));
}

/* «type=tmpfs,dst=/x,…», or «/x:size=1m» of --tmpfs. */
static bool mounts_on(const struct create_opts *o, const char *dest)
{
    static const char *const names[] = {"dst=", "target=", "destination="};
    for (size_t i = 0; i < o->volume.n; i++) {
        cleanup_free char *own = volume_dest(o->volume.v[i]);
        if (strcmp(own, dest) == 0)
            return true;
    }
    for (size_t i = 0; i < o->tmpfs.n; i++)
        if (strncmp(o->tmpfs.v[i], dest, strlen(dest)) == 0 &&
            strchr(":", o->tmpfs.v[i][strlen(dest)]))
            return true;
    for (size_t i = 0; i < o->mount.n; i++) {
        cleanup(strv_free) struct strv words = STRV_INIT;
        strv_split(&words, o->mount.v[i], ',');
        for (size_t k = 0; k < words.n; k++)
            for (size_t m = 0; m < sizeof names / sizeof *names; m++)
                if (str_starts(words.v[k], names[m]) &&
                    strcmp(words.v[k] + strlen(names[m]), dest) == 0)
                    return true;
    }
    return false;
}

int create_of_pod(const struct roots *r, const struct create_opts *o, struct create_opts *ret,
                  struct err *e)
{
    char id[65];
    struct pod p = {.record = NULL};
    *ret = *o;
    if (o->pod && !o->infra && (pod_find_id(r, o->pod, id, e) < 0 || pod_open(r, id, &p, e) < 0))
        return -1;
    if (!ret->cgroup_parent && jx_str0(p.record, "cgroupParent"))
        ret->cgroup_parent = ret->pods_parent = xstrdup(jx_str(p.record, "cgroupParent"));
    for (size_t i = 0; i < sizeof given / sizeof *given; i++) {
        struct strv *list = list_at(ret, given[i].at), own = *list, all = STRV_INIT;
        cleanup(strv_free) struct strv pods = STRV_INIT;
        jx_strv(p.record, given[i].key, &pods);
        for (size_t k = 0; k < pods.n; k++) {
            cleanup_free char *dest = volume_dest(pods.v[k]);
            if (given[i].at != AT(volume) || !mounts_on(o, dest))
                strv_add(&all, pods.v[k]);
        }
        for (size_t k = 0; k < own.n; k++)
            strv_add(&all, own.v[k]);
        *list = all;
    }
    pod_close(&p);
    return 0;
}

void create_of_pod_free(struct create_opts *o)
{
    for (size_t i = 0; i < sizeof given / sizeof *given; i++)
        strv_free(list_at(o, given[i].at));
    free(o->pods_parent);
}

int create_pod_check(const struct pod *p, const struct create_opts *o, struct err *e)
{
    if (!*jx_str(p->record, "infra"))
        return 0;
    if (o->userns && *o->userns)
        return err_set(e, 0, "--userns and --pod cannot be set together");
    if (o->uidmap.n || o->gidmap.n)
        return err_set(e, 0,
                       "cannot specify a new uid/gid map when entering a pod with an infra "
                       "container: invalid argument");
    if (o->hostname && !o->uts && pod_shares(p, "uts"))
        return err_set(e, 0,
                       "invalid config provided: cannot set hostname when joining the pod UTS "
                       "namespace: invalid configuration");
    return 0;
}

void create_pod_maps(const struct roots *r, json_t *rec)
{
    static const char *const keys[] = {"userns", "keepUid", "keepGid", "uidMaps", "gidMaps"};
    struct err none = ERR_INIT;
    struct ctr infra = CTR_INIT;
    struct pod p;
    const char *id = jx_str(rec, "pod");
    if (!*id || jx_bool(rec, "infra") || *jx_str(rec, "userns") || spec_remaps(rec) ||
        pod_open(r, id, &p, &none) < 0)
        return;
    if (*jx_str(p.record, "infra") && ctr_open(r, jx_str(p.record, "infra"), &infra, &none) == 0) {
        for (size_t i = 0; spec_remaps(infra.record) && i < sizeof keys / sizeof *keys; i++)
            if (json_object_get(infra.record, keys[i]))
                json_object_set(rec, keys[i], json_object_get(infra.record, keys[i]));
        if (spec_remaps(infra.record))
            json_object_set_new(rec, "podMaps", json_true());
        ctr_close(&infra);
    }
    pod_close(&p);
}
