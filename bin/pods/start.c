/* Starting a pod: its infra container, then each init container to its end, then the others. */
#include "pods.h"
#include "say.h"

#include "things/ready.h"
#include "things/session.h"
#include "things/start.h"
#include "things/stop.h"

#include <stdlib.h>
#include <string.h>

static int start_one(const struct roots *r, const struct ctr *c, struct err *e)
{
    struct start_how how = {.client_fd = -1};
    pid_t pid;
    int res = ctr_start(r, c, &how, &pid, e);
    if (res == START_OK)
        ready_wait_beside(r, c, -1);
    say_single_id(r->run_path, start_other_user(r, c));
    return res < 0 ? -1 : 0;
}

/* ---- init containers ---- */

struct init {
    char id[65], created[64];
};

struct members {
    struct init *inits;
    size_t n;
    struct strv others; /* ids of those that are neither init nor infra */
    bool in_use;        /* one of them runs already: the inits have done their work */
};

static void members_free(struct members *m)
{
    free(m->inits);
    strv_free(&m->others);
}

/* The infra container is started as it comes, before all others. */
static int look_at(const struct roots *r, const struct ctr *c, struct members *m, struct err *e)
{
    struct ctr_status s;
    if (jx_bool(c->record, "infra"))
        return start_one(r, c, e);
    if (!jx_str0(c->record, "initCtr")) {
        ctr_status(r, c, &s);
        m->in_use = m->in_use || ctr_is_up(&s);
        strv_add(&m->others, c->id);
        return 0;
    }
    m->inits = xrealloc(m->inits, (m->n + 1) * sizeof *m->inits);
    struct init *i = m->inits + m->n++;
    (void)str_copy(i->id, sizeof i->id, c->id);
    (void)str_copy(i->created, sizeof i->created, jx_str(c->record, "created"));
    return 0;
}

static int by_age(const void *a, const void *b)
{
    const struct init *x = a, *y = b;
    return strcmp(x->created, y->created);
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

static int run_inits(const struct roots *r, struct members *m, struct err *e)
{
    int res = 0;
    if (m->n > 1)
        qsort(m->inits, m->n, sizeof *m->inits, by_age);
    for (size_t i = 0; res == 0 && !m->in_use && i < m->n; i++) {
        struct ctr c;
        res = ctr_open(r, m->inits[i].id, &c, e);
        if (res < 0)
            break;
        res = run_to_its_end(r, &c, e);
        ctr_close(&c);
    }
    return res;
}

/* All are tried, whatever became of those before. */
static int start_others(const struct roots *r, const struct members *m, struct err *e)
{
    int res = 0;
    for (size_t i = 0; i < m->others.n; i++) {
        struct ctr c;
        struct err gone = ERR_INIT;
        if (ctr_open(r, m->others.v[i], &c, &gone) < 0)
            continue;
        if (start_one(r, &c, e) < 0)
            res = -1;
        ctr_close(&c);
    }
    return res;
}

int pods_start(const struct roots *r, const char *id, const struct pods_life *o, struct err *e)
{
    cleanup_walk w = {.roots = r};
    cleanup(members_free) struct members m = {0};
    (void)o;
    if (pod_members(r, id, &w.ids, e) < 0)
        return -1;
    while (ctr_walk(&w))
        if (look_at(r, &w.c, &m, e) < 0)
            return -1;
    return run_inits(r, &m, e) < 0 ? -1 : start_others(r, &m, e);
}
