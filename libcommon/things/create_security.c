/* Capabilities, seccomp, user namespace, sysctls, ulimits, memory and CPU. */
#include "things/create.h"

#include "words/units.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/capability.h>
#include <sys/resource.h>

const char *const create_default_caps[] = {
    "CAP_CHOWN",   "CAP_DAC_OVERRIDE",     "CAP_FOWNER",     "CAP_FSETID",
    "CAP_KILL",    "CAP_NET_BIND_SERVICE", "CAP_SETFCAP",    "CAP_SETGID",
    "CAP_SETPCAP", "CAP_SETUID",           "CAP_SYS_CHROOT", NULL};

/* "chown", "CAP_CHOWN" → "CAP_CHOWN"; checked against what libcap knows. */
static int cap_name(const char *text, char *out, size_t size, struct err *e)
{
    cap_value_t v;
    snprintf(out, size, "%s%s", strncasecmp(text, "cap_", 4) == 0 ? "" : "CAP_", text);
    for (char *p = out; *p; p++)
        *p = (char)(*p >= 'a' && *p <= 'z' ? *p - 32 : *p);
    if (cap_from_name(out, &v) < 0)
        return err_set(e, 0, "\"%s\": unknown capability", out);
    return 0;
}

static bool names_all(const struct strv *l)
{
    for (size_t i = 0; i < l->n; i++)
        if (strcasecmp(l->v[i], "all") == 0)
            return true;
    return false;
}

json_t *caps_default(void)
{
    json_t *list = json_array();
    for (size_t i = 0; create_default_caps[i]; i++)
        json_array_append_new(list, json_string(create_default_caps[i]));
    return list;
}

json_t *caps_all(void)
{
    json_t *list = json_array();
    struct err ignored = ERR_INIT;
    char name[64];
    for (cap_value_t v = 0; v < cap_max_bits(); v++) {
        char *s = cap_to_name(v);
        if (s && s[0] == 'c' && cap_name(s, name, sizeof name, &ignored) == 0)
            json_array_append_new(list, json_string(name));
        cap_free(s);
    }
    return list;
}

static int set_caps(const struct create_opts *o, json_t *rec, struct err *e)
{
    cleanup(strv_free) struct strv caps = STRV_INIT, drop = STRV_INIT, added = STRV_INIT;
    char name[64];
    bool all = o->privileged || names_all(&o->cap_add);
    if (all) {
        cleanup_json every = json_pack("{s:o}", "v", caps_all());
        jx_strv(every, "v", &caps);
    }
    for (size_t i = 0; !all && !names_all(&o->cap_drop) && create_default_caps[i]; i++)
        strv_add(&caps, create_default_caps[i]);
    for (size_t i = 0; i < o->cap_drop.n; i++) {
        if (strcasecmp(o->cap_drop.v[i], "all") == 0)
            continue;
        if (cap_name(o->cap_drop.v[i], name, sizeof name, e) < 0)
            return -1;
        strv_add(&drop, name);
    }
    for (size_t i = 0; i < o->cap_add.n; i++) {
        if (strcasecmp(o->cap_add.v[i], "all") == 0)
            continue;
        if (cap_name(o->cap_add.v[i], name, sizeof name, e) < 0)
            return -1;
        if (!strv_has(&caps, name))
            strv_add(&caps, name);
        strv_add(&added, name);
    }
    jx_set(rec, "capAdd", jx_from_strv(&added));
    json_t *list = json_array();
    for (size_t i = 0; i < caps.n; i++)
        if (!strv_has(&drop, caps.v[i]))
            json_array_append_new(list, json_string(caps.v[i]));
    jx_set(rec, "caps", list);
    return 0;
}

static int security_options(const struct create_opts *o, json_t *rec, struct err *e)
{
    for (size_t i = 0; i < o->security_opt.n; i++) {
        const char *s = o->security_opt.v[i];
        if (str_starts(s, "seccomp=") || str_starts(s, "seccomp:")) {
            cleanup_free char *path =
                strcmp(s + 8, "unconfined") == 0 ? xstrdup("unconfined") : realpath(s + 8, NULL);
            if (!path)
                return err_set(e, 0,
                               "opening seccomp profile failed: open %s: no such file or directory",
                               s + 8);
            jx_set_str(rec, "seccomp", path);
        } else if (str_starts(s, "no-new-privileges")) {
            const char *v = s + strlen("no-new-privileges");
            if (strcmp(v, "=false") != 0 && strcmp(v, ":false") != 0)
                json_object_set_new(rec, "noNewPrivileges", json_true());
        } else if (str_starts(s, "label=") || str_starts(s, "label:")) {
            continue; /* SELinux is not on this host, or labels nothing of ours */
        } else {
            return err_set(e, 0, "invalid --security-opt 1: \"%s\"", s);
        }
    }
    if (o->privileged && !jx_str0(rec, "seccomp"))
        jx_set_str(rec, "seccomp", "unconfined");
    return 0;
}

static int set_sysctls(const struct create_opts *o, json_t *rec, struct err *e)
{
    static const char *const own[] = {"kernel.msgmax", "kernel.msgmnb",          "kernel.msgmni",
                                      "kernel.sem",    "kernel.shmall",          "kernel.shmmax",
                                      "kernel.shmmni", "kernel.shm_rmid_forced", NULL};
    json_t *all = json_object();
    for (size_t i = 0; i < o->sysctl.n; i++) {
        cleanup_free char *key = xstrdup(o->sysctl.v[i]);
        char *value = strchr(key, '=');
        if (value)
            *value++ = '\0';
        if (!value ||
            !(str_starts(key, "net.") || str_starts(key, "fs.mqueue.") || str_in(key, own))) {
            json_decref(all);
            return err_set(e, 0,
                           value ? "sysctl '%s' is not allowed: it is not namespaced"
                                 : "%s is invalid, sysctl values must be in the form of KEY=VALUE",
                           key);
        }
        json_object_set_new(all, key, json_string(value));
    }
    jx_set(rec, "sysctl", all);
    return 0;
}

int create_security(const struct create_opts *o, json_t *rec, struct err *e)
{
    if (o->privileged)
        json_object_set_new(rec, "privileged", json_true());
    if (o->read_only)
        json_object_set_new(rec, "readOnly", json_true());
    return set_caps(o, rec, e) < 0 || security_options(o, rec, e) < 0 || set_sysctls(o, rec, e) < 0
               ? -1
               : create_userns(o, rec, e);
}

/* ---- limits ---- */

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
    if (!soft || !str_in(text, ulimits))
        return err_set(e, 0, "invalid ulimit type: %s", text);
    if (ulimit_value(soft, &s, e) < 0 || ulimit_value(hard ? hard : soft, &h, e) < 0)
        return -1;
    if (h != -1 && (s == -1 || s > h))
        return err_set(e, 0,
                       "ulimit soft limit must be less than or equal to hard limit: "
                       "soft: %lld%s, hard: %lld",
                       (long long)s, s == -1 ? " (unlimited)" : "", (long long)h);
    cleanup_free char *type = xasprintf("RLIMIT_%s", text);
    for (char *p = type; *p; p++)
        *p = (char)(*p >= 'a' && *p <= 'z' ? *p - 32 : *p);
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
    jx_set(rec, "limits", l);
    return r < 0 ? -1 : set_ulimits(o, rec, e);
}
