/* --userns auto: a range of the user's ids that no other such container has. */
#include "things/create.h"

#include "disk/lock.h"
#include "things/ctr.h"
#include "words/reasons.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LEAST  1024  /* ids, as podman has it */
#define NOBODY 65534 /* of every passwd, and no reason for a large range */

int create_auto(const char *options, json_t *rec, struct err *e)
{
    cleanup(strv_free) struct strv words = STRV_INIT;
    strv_split(&words, options, ',');
    jx_set_str(rec, "userns", "auto");
    for (size_t i = 0; i < words.n; i++) {
        const char *w = words.v[i];
        uint64_t n;
        if (!*w)
            continue;
        if (!str_starts(w, "size=") || str_u64(w + 5, UINT32_MAX, &n) < 0 || n == 0) {
            err_set(e, 0, "unknown option specified: \"%s\"", w);
            return err_hint(e, "Use --userns auto or --userns auto:size=N");
        }
        json_object_set_new(rec, "autoSize", json_integer((json_int_t)n));
    }
    return 0;
}

/* The largest id in the third field of lines that strangers wrote. */
static int64_t highest(const char *text)
{
    int64_t most = 0;
    for (const char *l = text; l && *l; l = strchr(l, '\n') ? strchr(l, '\n') + 1 : NULL) {
        const char *two = strchr(l, ':');
        const char *three = two ? strchr(two + 1, ':') : NULL;
        const char *end = strchr(l, '\n');
        if (!three || (end && three > end))
            continue;
        long long id = strtoll(three + 1, NULL, 10);
        if (id > most && id != NOBODY && id < UINT32_MAX)
            most = id;
    }
    return most;
}

void create_auto_size(const char *passwd, const char *group, json_t *rec)
{
    if (strcmp(jx_str(rec, "userns"), "auto") != 0 || json_object_get(rec, "autoSize"))
        return;
    int64_t u = highest(passwd), g = highest(group), most = u > g ? u : g;
    json_object_set_new(rec, "autoSize", json_integer(most + 1 > LEAST ? most + 1 : LEAST));
}

struct range {
    int64_t first, end;
};

static int by_first(const void *a, const void *b)
{
    const struct range *x = a, *y = b;
    return x->first < y->first ? -1 : x->first > y->first;
}

static int taken(const struct roots *r, struct range **ret, size_t *ret_n, struct err *e)
{
    cleanup_walk w = {.roots = r};
    if (ctr_list(r, &w.ids, e) < 0)
        return -1;
    *ret = xcalloc(w.ids.n + 1, sizeof **ret);
    while (ctr_walk(&w)) {
        const json_t *map = json_array_get(json_object_get(w.c.record, "uidMaps"), 0);
        if (strcmp(jx_str(w.c.record, "userns"), "auto") == 0 && map) {
            struct range *t = &(*ret)[(*ret_n)++];
            t->first = jx_int(map, "hostID", 0);
            t->end = t->first + jx_int(map, "size", 0);
        }
    }
    qsort(*ret, *ret_n, sizeof **ret, by_first);
    return 0;
}

static json_t *one_map(int64_t first, int64_t size)
{
    return json_pack("[{s:i, s:I, s:I}]", "containerID", 0, "hostID", (json_int_t)first, "size",
                     (json_int_t)size);
}

int create_auto_pick(const struct roots *r, json_t *rec, int *ret_lock, struct err *e)
{
    unsigned long long uids = reason_count_subids("uid"), gids = reason_count_subids("gid");
    int64_t most = (int64_t)(uids < gids ? uids : gids), first = 1;
    int64_t size = jx_int(rec, "autoSize", LEAST);
    cleanup_free struct range *others = NULL;
    size_t n = 0;
    *ret_lock = -1;
    if (strcmp(jx_str(rec, "userns"), "auto") != 0 || jx_bool(rec, "podMaps") || geteuid() == 0 ||
        !most)
        return 0; /* or there is but one id to give */
    *ret_lock = lock_wait(r->own, "cache/auto.lock", LOCK_EXCLUSIVE);
    if (*ret_lock < 0)
        return err_sys(e, "cannot lock \"%s/pod/cache/auto.lock\"", r->graph_path);
    if (taken(r, &others, &n, e) < 0)
        return -1;
    for (size_t i = 0; i < n && others[i].first < first + size; i++)
        first = others[i].end > first ? others[i].end : first;
    if (first + size > most + 1) {
        err_set(e, 0,
                "--userns=auto: could not find enough available IDs: %lld are wanted, and of the "
                "%lld subordinate IDs of user \"%s\" no such range is free",
                (long long)size, (long long)most, reason_user());
        return err_hint(e, "Remove containers that were made with --userns=auto, or use "
                           "--userns=auto:size=N");
    }
    json_object_set_new(rec, "uidMaps", one_map(first, size));
    json_object_set_new(rec, "gidMaps", one_map(first, size));
    return 0;
}
