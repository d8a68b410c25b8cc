/* Memory, processors, processes: of the whole container, and --ulimit, of each process. */
#include "things/create.h"

#include "words/units.h"

#include <stdlib.h>
#include <string.h>

static const char *const ulimits[] = {
    "as",     "core",  "cpu", "data",   "fsize",  "locks",      "memlock", "msgqueue", "nice",
    "nofile", "nproc", "rss", "rtprio", "rttime", "sigpending", "stack",   NULL};

static int ulimit_value(const char *s, int64_t *ret, struct err *e)
{
    if (strcmp(s, "unlimited") == 0) {
        *ret = -1;
        return 0;
    }
    if (str_i64(s, -1, INT64_MAX, ret) < 0)
        return err_set(e, 0, "strconv.ParseInt: parsing \"%s\": invalid syntax", s);
    return 0;
}

#define LIMITS_CROSSED "ulimit soft limit must be less than or equal to hard limit: "

/* -1, no limit, is the highest of all. */
static int one_ulimit(char *text, json_t *list, struct err *e)
{
    char *soft = strchr(text, '='), *hard;
    int64_t s, h;
    if (soft)
        *soft++ = '\0';
    hard = soft ? strchr(soft, ':') : NULL;
    if (hard)
        *hard++ = '\0';
    if (!soft)
        return err_set(e, 0, "invalid ulimit argument: %s", text);
    if (!str_in(text, ulimits))
        return err_set(e, 0, "invalid ulimit type: %s", text);
    if (ulimit_value(soft, &s, e) < 0 || ulimit_value(hard ? hard : soft, &h, e) < 0)
        return -1;
    if (h != -1 && s == -1)
        return err_set(e, 0, LIMITS_CROSSED "soft: -1 (unlimited), hard: %lld", (long long)h);
    if (h != -1 && s > h)
        return err_set(e, 0, LIMITS_CROSSED "%lld > %lld", (long long)s, (long long)h);
    cleanup_free char *type = xasprintf("RLIMIT_%s", text);
    for (char *p = type; *p; p++)
        *p = (char)(*p >= 'a' && *p <= 'z' ? *p - 32 : *p);
    const json_t *before;
    size_t i;
    json_array_foreach(list, i, before)
    {
        if (strcmp(jx_str(before, "type"), type) == 0)
            json_array_remove(list, i--); /* the last one counts */
    }
    json_array_append_new(list, json_pack("{s:s, s:I, s:I}", "type", type, "soft", (json_int_t)s,
                                          "hard", (json_int_t)h));
    return 0;
}

static int set_ulimits(const struct create_opts *o, json_t *rec, struct err *e)
{
    json_t *list = json_array();
    int res = 0;
    for (size_t i = 0; i < o->ulimit.n && res == 0; i++) {
        cleanup_free char *copy = xstrdup(o->ulimit.v[i]);
        if (strcmp(copy, "host") == 0)
            continue;
        res = one_ulimit(copy, list, e);
        if (res < 0)
            err_prefix(e, "ulimit option \"%s\" requires name=SOFT:HARD, failed to be parsed",
                       o->ulimit.v[i]);
    }
    jx_set(rec, "ulimits", list);
    return res;
}

static int set_size(json_t *into, const char *key, const char *what, const char *text,
                    struct err *e)
{
    uint64_t v;
    if (!text || strcmp(text, "0") == 0)
        return 0;
    if (strcmp(text, "-1") == 0) {
        json_object_set_new(into, key, json_integer(-1));
        return 0;
    }
    if (units_size_parse(text, &v) < 0 || v > INT64_MAX)
        return err_set(e, 0, "%s: invalid size: '%s'", what, text);
    json_object_set_new(into, key, json_integer((json_int_t)v));
    return 0;
}

int create_limits(const struct create_opts *o, json_t *rec, struct err *e)
{
    json_t *l = json_object();
    int64_t pids;
    char *end;
    int r = set_size(l, "memory", "invalid value for memory", o->memory, e);
    if (r == 0)
        r = set_size(l, "memorySwap", "invalid value for memory-swap", o->memory_swap, e);
    if (r == 0)
        r = set_size(l, "memoryReservation", "invalid value for memory-reservation",
                     o->memory_reservation, e);
    if (r == 0)
        r = set_size(rec, "shmSize", "unable to translate --shm-size", o->shm_size, e);
    if (r == 0 && o->cpus) {
        double cpus = strtod(o->cpus, &end);
        if (end == o->cpus || *end || !(cpus >= 0) || cpus > 100000)
            r = err_set(e, 0, "invalid argument \"%s\" for \"--cpus\" flag: not a number of CPUs",
                        o->cpus);
        else if (cpus > 0)
            jx_set_str(l, "cpus", o->cpus);
    }
    if (r == 0 && o->cpus && (o->cpu_quota || o->cpu_period))
        r = err_set(e, 0, "--cpu-%s and --cpus cannot be set together",
                    o->cpu_quota ? "quota" : "period");
    jx_set_str(l, "cpuShares", o->cpu_shares);
    jx_set_str(l, "cpuQuota", o->cpu_quota);
    jx_set_str(l, "cpuPeriod", o->cpu_period);
    jx_set_str(l, "cpusetCpus", o->cpuset_cpus);
    jx_set_str(l, "cpusetMems", o->cpuset_mems);
    if (r == 0 && o->oom_score_adj) {
        int64_t score;
        if (str_i64(o->oom_score_adj, -1000, 1000, &score) < 0)
            r = err_set(e, 0, "--oom-score-adj: \"%s\" is not a number from -1000 to 1000",
                        o->oom_score_adj);
        else
            json_object_set_new(rec, "oomScoreAdj", json_integer(score));
    }
    if (r == 0 && o->pids_limit) {
        if (str_i64(o->pids_limit, -1, INT64_MAX, &pids) < 0)
            r = err_set(e, 0,
                        "invalid argument \"%s\" for \"--pids-limit\" flag: not a whole number",
                        o->pids_limit);
        else if (pids > 0)
            json_object_set_new(l, "pids", json_integer(pids));
    }
    if (r == 0)
        r = create_io(o, l, e);
    jx_set(rec, "limits", l);
    return r < 0 ? -1 : set_ulimits(o, rec, e);
}
