/* What the verbs of a pod's life have in common: each pod that is meant, each of its members. */
#include "pods.h"
#include "say.h"

#include "words/exitcode.h"
#include "words/signame.h"

#include <stdio.h>
#include <string.h>

int pods_each(const struct roots *r, const char *pod_id, bool backwards, pods_member_fn *fn,
              const struct pods_life *o, struct err *e)
{
    cleanup_walk w = {.roots = r, .backwards = backwards};
    int result = 0;
    if (pod_members(r, pod_id, &w.ids, e) < 0)
        return -1;
    while (ctr_walk(&w))
        if (fn(r, &w.c, o, e) < 0)
            result = -1;
    return result;
}

/* status: what the journal calls it. */
int pods_do(const struct roots *r, const char *id, const struct pods_life *o, pods_fn *fn,
            const char *status, struct err *e)
{
    struct pod p = {.record = NULL};
    struct err damaged = ERR_INIT;
    (void)pod_open(r, id, &p, &damaged);
    int res = fn(r, id, o, e);
    if (res == 0)
        event_pod(r, status, id, jx_str0(p.record, "name"));
    pod_close(&p);
    return res;
}

int pods_drive(const struct cmd *c, int argc, char **argv, pods_fn *fn, const char *status)
{
    struct err e = ERR_INIT;
    struct pods_life o = {.time = -1};
    struct roots r;
    cleanup(strv_free) struct strv ids = STRV_INIT;
    int code = 0;
    int first = say_parse(c, &o, argc, argv, &code);
    if (first < 0)
        return code;
    bool removes = strcmp(status, "remove") == 0;
    if (o.signal && signal_number(o.signal) < 0) {
        err_set(&e, 0, "invalid signal: %s", o.signal);
        return say_error(&e);
    }
    if (removes && o.time >= 0 && !o.force) {
        err_set(&e, 0, "--force option must be specified to use the --time option");
        return say_error(&e);
    }
    if (roots_open(&r, &e) < 0)
        return say_error(&e);
    if (pods_which(&r, &o.which, argv + first, o.ignore || (removes && o.force), &ids, &e) < 0) {
        if (strstr(e.msg, "no such pod") && removes)
            e.code = EXIT_NO;
        return say_error(&e);
    }
    for (size_t i = 0; i < ids.n; i++) {
        e = (struct err)ERR_INIT;
        if (pods_do(&r, ids.v[i], &o, fn, status, &e) < 0)
            code = say_error(&e);
        else
            puts(ids.v[i]);
    }
    return say_end(code);
}
