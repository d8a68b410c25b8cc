#include "things/volume.h"

#include "things/ctr.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

void volumes_of(const struct roots *r, const json_t *record, bool only_anonymous, struct strv *ret)
{
    cleanup_free char *below = xasprintf("%s/pod/volumes/", r->graph_path);
    const json_t *m;
    size_t i;
    json_array_foreach(json_object_get(record, "mounts"), i, m)
    {
        const char *source = jx_str(m, "source"), *name = source + strlen(below);
        if (str_starts(source, below) && (!only_anonymous || jx_bool(m, "anonymous")))
            strv_addf(ret, "%.*s", (int)strcspn(name, "/"), name);
    }
}

void volumes_used(const struct roots *r, struct strv *ret)
{
    cleanup(strv_free) struct strv ids = STRV_INIT;
    struct err ignored = ERR_INIT;
    (void)ctr_list(r, &ids, &ignored);
    for (size_t i = 0; i < ids.n; i++) {
        struct ctr c = CTR_INIT;
        if (ctr_open(r, ids.v[i], &c, &ignored) < 0)
            continue;
        volumes_of(r, c.record, false, ret);
        ctr_close(&c);
    }
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
    }
    return 0;
}
