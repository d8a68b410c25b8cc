#include "pods.h"

#include <stdio.h>
#include <string.h>

int pods_select(const struct roots *r, char *const *operands, bool all, bool latest,
                struct strv *ret, struct err *e)
{
    char id[65];
    if (all)
        return pod_list(r, ret, e);
    if (latest) {
        cleanup(strv_free) struct strv ids = STRV_INIT;
        char best[64] = "", best_id[65] = "";
        if (pod_list(r, &ids, e) < 0)
            return -1;
        for (size_t i = 0; i < ids.n; i++) {
            struct pod p;
            struct err damaged = ERR_INIT;
            if (pod_open(r, ids.v[i], &p, &damaged) < 0)
                continue;
            if (strcmp(jx_str(p.record, "created"), best) > 0) {
                snprintf(best, sizeof best, "%s", jx_str(p.record, "created"));
                snprintf(best_id, sizeof best_id, "%s", p.id);
            }
            pod_close(&p);
        }
        if (!*best_id)
            return err_set(e, 0, "no pods exist: no such pod");
        strv_add(ret, best_id);
        return 0;
    }
    for (; *operands; operands++) {
        if (pod_find_id(r, *operands, id, e) < 0)
            return -1;
        strv_add(ret, id);
    }
    return ret->n ? 0 : err_set(e, 0, "you must provide at least one pod name or id");
}

const char *pods_status(const struct roots *r, const struct strv *members, size_t *running)
{
    size_t up = 0, exited = 0, known = 0;
    for (size_t i = 0; i < members->n; i++) {
        struct ctr c;
        struct ctr_status s;
        struct err damaged = ERR_INIT;
        if (ctr_open(r, members->v[i], &c, &damaged) < 0)
            continue;
        ctr_status(r, &c, &s);
        known++;
        up += s.state == CTR_RUNNING;
        exited += s.state == CTR_EXITED;
        ctr_close(&c);
    }
    *running = up;
    if (known && up == known)
        return "Running";
    if (up > 0)
        return "Degraded";
    return exited == known && known ? "Exited" : exited ? "Stopped" : "Created";
}

json_t *pods_containers(const struct roots *r, const struct strv *members)
{
    json_t *list = json_array();
    for (size_t i = 0; i < members->n; i++) {
        struct ctr c;
        struct ctr_status s;
        struct err damaged = ERR_INIT;
        if (ctr_open(r, members->v[i], &c, &damaged) < 0)
            continue;
        ctr_status(r, &c, &s);
        json_array_append_new(list, json_pack("{s:s, s:s, s:s}", "Id", c.id, "Name", ctr_name(&c),
                                              "State", ctr_state_name(s.state)));
        ctr_close(&c);
    }
    return list;
}
