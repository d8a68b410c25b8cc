/* Starting a pod: its infra container, then each init container to its end, then the others. */
#include "pods.h"
#include "say.h"

#include "things/session.h"
#include "things/start.h"
#include "things/stop.h"

#include <stdlib.h>
#include <string.h>

static bool is_infra(const struct ctr *c)
{
    return jx_bool(c->record, "infra");
}

static int start_one(const struct roots *r, const struct ctr *c, struct err *e)
{
    struct start_how how = {.client_fd = -1};
    pid_t pid;
    int res = ctr_start(r, c, &how, &pid, e);
    say_single_id(r->run_path);
    return res < 0 ? -1 : 0;
}

static int start_infra(const struct roots *r, struct ctr *c, const struct pods_life *o,
                       struct err *e)
{
    (void)o;
    return is_infra(c) ? start_one(r, c, e) : 0;
}

static int start_other(const struct roots *r, struct ctr *c, const struct pods_life *o,
                       struct err *e)
{
    (void)o;
    return is_infra(c) || jx_str0(c->record, "initCtr") ? 0 : start_one(r, c, e);
}

/* ---- init containers ---- */

struct init {
    char id[65], created[64];
};

struct inits {
    struct init *v;
    size_t n;
    bool in_use; /* a container that is neither runs already: they have done their work */
};

static void look_at(const struct roots *r, const struct ctr *c, struct inits *all)
{
    struct ctr_status s;
    if (is_infra(c))
        return;
    if (!jx_str0(c->record, "initCtr")) {
        ctr_status(r, c, &s);
        all->in_use = all->in_use || ctr_is_up(&s);
        return;
    }
    all->v = xrealloc(all->v, (all->n + 1) * sizeof *all->v);
    struct init *i = all->v + all->n++;
    (void)str_copy(i->id, sizeof i->id, c->id);
    (void)str_copy(i->created, sizeof i->created, jx_str(c->record, "created"));
}

static int by_age(const void *a, const void *b)
{
    const struct init *x = a, *y = b;
    return strcmp(x->created, y->created);
}

static int find_inits(const struct roots *r, const char *pod_id, struct inits *ret, struct err *e)
{
    cleanup(strv_free) struct strv ids = STRV_INIT;
    if (pod_members(r, pod_id, &ids, e) < 0)
        return -1;
    for (size_t i = 0; i < ids.n; i++) {
        struct ctr c;
        struct err damaged = ERR_INIT;
        if (ctr_open(r, ids.v[i], &c, &damaged) < 0)
            continue;
        look_at(r, &c, ret);
        ctr_close(&c);
    }
    if (ret->n > 1)
        qsort(ret->v, ret->n, sizeof *ret->v, by_age);
    return 0;
}

static int run_to_its_end(const struct roots *r, struct ctr *c, struct err *e)
{
    int code = 0;
    if (start_one(r, c, e) < 0 || ctr_wait(r, c, -1, &code, e) < 0)
        return -1;
    if (code != 0)
        return err_set(e, 0, "init container %s exited with code %d", ctr_name(c), code);
    return strcmp(jx_str(c->record, "initCtr"), "once") == 0 ? ctr_remove(r, c, true, true, -1, e)
                                                             : 0;
}

static int run_inits(const struct roots *r, const char *pod_id, struct err *e)
{
    struct inits all = {0};
    int res = find_inits(r, pod_id, &all, e);
    for (size_t i = 0; res == 0 && !all.in_use && i < all.n; i++) {
        struct ctr c;
        res = ctr_open(r, all.v[i].id, &c, e);
        if (res < 0)
            break;
        res = run_to_its_end(r, &c, e);
        ctr_close(&c);
    }
    free(all.v);
    return res;
}

int pods_start(const struct roots *r, const char *id, const struct pods_life *o, struct err *e)
{
    return pods_each(r, id, false, start_infra, o, e) < 0 || run_inits(r, id, e) < 0
               ? -1
               : pods_each(r, id, false, start_other, o, e);
}
