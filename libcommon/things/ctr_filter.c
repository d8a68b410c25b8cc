#include "things/ctr_filter.h"

#include "things/health.h"
#include "things/pod.h"
#include "words/filter.h"
#include "words/timefmt.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

static const char *const keys[] = {"ancestor",
                                   "before",
                                   "command",
                                   "exited",
                                   "health",
                                   "id",
                                   "label",
                                   "label!",
                                   "name",
                                   "network",
                                   "pod",
                                   "restart-policy",
                                   "should-start-on-boot",
                                   "since",
                                   "status",
                                   "until",
                                   "volume",
                                   NULL};
static const char *const states[] = {"created",  "initialized", "running", "paused",
                                     "stopping", "exited",      "stopped", "removing",
                                     "unknown",  "configured",  NULL};
static const char *const policies[] = {"no",         "none",           "always",
                                       "on-failure", "unless-stopped", NULL};

static const char *const healths[] = {"none", "starting", "healthy", "unhealthy", NULL};

bool ctr_filter_has(const struct strv *filters, const char *key)
{
    for (size_t i = 0; i < filters->n; i++) {
        const char *value;
        cleanup_free char *k = filter_key(filters->v[i], &value);
        if (strcmp(k, key) == 0)
            return true;
    }
    return false;
}

/* ---- checking ---- */

static int check_value(const struct roots *r, const char *key, const char *value, struct err *e)
{
    struct timespec t;
    struct ctr c;
    int64_t code;
    if (strcmp(key, "status") == 0 && !str_in(value, states))
        return err_set(e, 0, "unknown container state: %s: invalid argument", value);
    if (strcmp(key, "health") == 0 && !str_in(value, healths))
        return err_set(e, 0, "unknown state of health: %s: invalid argument", value);
    bool truth;
    if (strcmp(key, "should-start-on-boot") == 0 && filter_truth(value, &truth) < 0)
        return err_set(e, 0, "invalid value for should-start-on-boot: \"%s\"", value);
    if (strcmp(key, "restart-policy") == 0 && !str_in(value, policies))
        return err_set(e, 0, "%s invalid restart policy", value);
    if (strcmp(key, "exited") == 0 && str_i64(value, INT32_MIN, INT32_MAX, &code) < 0)
        return err_set(e, 0, "exited code out of range: \"%s\" is not a number", value);
    if (strcmp(key, "until") == 0 && timefmt_point(value, timefmt_clock(), &t) < 0)
        return err_set(e, 0, "unable to parse \"%s\" as a time", value);
    if (strcmp(key, "before") == 0 || strcmp(key, "since") == 0) {
        if (ctr_find(r, value, &c, e) < 0)
            return -1;
        ctr_close(&c);
    }
    return 0;
}

int ctr_filter_check(const struct roots *r, const struct strv *filters, struct err *e)
{
    for (size_t i = 0; i < filters->n; i++) {
        const char *value;
        cleanup_free char *key = filter_key(filters->v[i], &value);
        if (!strchr(filters->v[i], '=') || !str_in(key, keys))
            return err_set(e, 0, "%s is an invalid filter", key);
        if (check_value(r, key, value, e) < 0)
            return -1;
    }
    return 0;
}

/* ---- matching ---- */

/* Hex digits are the beginning of an id, in either case; anything else is a regular expression. */
static bool id_matches(const char *value, const char *id)
{
    if (strspn(value, "0123456789abcdefABCDEF") == strlen(value))
        return strncasecmp(id, value, strlen(value)) == 0;
    cleanup_free char *lower = xstrdup(value);
    for (char *p = lower; *p; p++)
        *p = (char)(*p >= 'A' && *p <= 'F' ? *p + 32 : *p);
    return filter_like(id, lower);
}

/* "/name" as Docker prints it. */
static bool name_matches(const char *value, const char *name)
{
    cleanup_free char *slashed = xasprintf("/%s", name);
    return filter_like(name, value) || (strchr(value, '/') && filter_like(slashed, value));
}

static bool status_matches(const char *value, enum ctr_state state)
{
    if (strcmp(value, "stopped") == 0)
        value = "exited";
    if (strcmp(value, "configured") == 0)
        value = "created";
    return strcmp(value, ctr_state_name(state)) == 0;
}

static bool pod_matches(const struct roots *r, const char *value, const json_t *rec)
{
    const char *id = jx_str(rec, "pod");
    struct pod p;
    struct err ignored = ERR_INIT;
    if (!*id || str_starts(id, value))
        return *id && *value;
    if (pod_open(r, id, &p, &ignored) < 0)
        return false;
    bool same = strcmp(jx_str(p.record, "name"), value) == 0;
    pod_close(&p);
    return same;
}

static bool volume_matches(const char *value, const json_t *rec)
{
    const json_t *m;
    size_t i;
    json_array_foreach(json_object_get(rec, "mounts"), i, m)
    {
        static const char *const places[] = {"source", "volume", "destination"};
        for (size_t k = 0; k < 3; k++)
            if (strcmp(jx_str(m, places[k]), value) == 0)
                return true;
    }
    return false;
}

static bool command_matches(const char *value, const json_t *rec)
{
    const json_t *args = json_object_get(rec, "args");
    const char *first = json_string_value(json_array_get(args, 0));
    return first && filter_like(first, value);
}

/* Older than the container that value names (before), or younger. */
static bool age_matches(const struct roots *r, const char *value, const json_t *rec, bool before)
{
    struct ctr other;
    struct err ignored = ERR_INIT;
    if (ctr_find(r, value, &other, &ignored) < 0)
        return false;
    int order = strcmp(jx_str(rec, "created"), jx_str(other.record, "created"));
    ctr_close(&other);
    return before ? order < 0 : order > 0;
}

static bool until_matches(const char *value, const json_t *rec)
{
    struct timespec limit, created;
    return timefmt_point(value, timefmt_clock(), &limit) == 0 &&
           timefmt_parse(jx_str(rec, "created"), &created) == 0 &&
           timefmt_to_ns(created) <= timefmt_to_ns(limit);
}

static bool policy_matches(const char *value, const json_t *rec)
{
    const char *have = jx_str(json_object_get(rec, "restart"), "policy");
    bool none = strcmp(value, "no") == 0 || strcmp(value, "none") == 0;
    return none ? !*have : strcmp(have, value) == 0;
}

static bool health_matches(const char *value, const struct ctr *c)
{
    char health[16];
    health_status(c, health, sizeof health);
    return strcmp(*health ? health : "none", value) == 0;
}

/* What a reboot must not end: always, and unless-stopped as long as nobody has stopped it. */
static bool boot_matches(const char *value, const json_t *rec, const struct ctr_status *s)
{
    const char *policy = jx_str(json_object_get(rec, "restart"), "policy");
    bool truth = false,
         starts = s->started_ns && (strcmp(policy, "always") == 0 ||
                                    (strcmp(policy, "unless-stopped") == 0 && !s->was_stopped));
    return filter_truth(value, &truth) == 0 && truth == starts;
}

static bool passes(const struct roots *r, const char *key, const char *value, const struct ctr *c,
                   const struct ctr_status *s)
{
    const json_t *rec = c->record;
    if (strcmp(key, "id") == 0)
        return id_matches(value, c->id);
    if (strcmp(key, "name") == 0)
        return name_matches(value, ctr_name(c));
    if (strcmp(key, "status") == 0)
        return status_matches(value, s->state);
    if (strcmp(key, "exited") == 0)
        return s->state == CTR_EXITED && s->exit_code == atoi(value);
    if (strcmp(key, "ancestor") == 0)
        return strstr(jx_str(rec, "imageName"), value) || str_starts(jx_str(rec, "image"), value);
    if (strcmp(key, "health") == 0)
        return health_matches(value, c);
    if (strcmp(key, "pod") == 0)
        return pod_matches(r, value, rec);
    if (strcmp(key, "volume") == 0)
        return volume_matches(value, rec);
    if (strcmp(key, "network") == 0)
        return strcmp(jx_str(json_object_get(rec, "network"), "mode"), value) == 0;
    if (strcmp(key, "should-start-on-boot") == 0)
        return boot_matches(value, rec, s);
    if (strcmp(key, "restart-policy") == 0)
        return policy_matches(value, rec);
    if (strcmp(key, "command") == 0)
        return command_matches(value, rec);
    if (strcmp(key, "until") == 0)
        return until_matches(value, rec);
    if (strcmp(key, "label") == 0 || strcmp(key, "label!") == 0)
        return filter_label(json_object_get(rec, "labels"), value) == (key[5] == '\0');
    return age_matches(r, value, rec, strcmp(key, "before") == 0);
}

bool ctr_filter_match(const struct roots *r, const struct strv *filters, const struct ctr *c,
                      const struct ctr_status *s)
{
    for (size_t i = 0; i < filters->n; i++) {
        const char *value, *other;
        cleanup_free char *key = filter_key(filters->v[i], &value);
        bool any = false;
        if (str_starts(key, "label")) {
            if (!passes(r, key, value, c, s))
                return false;
            continue;
        }
        for (size_t k = 0; k < filters->n && !any; k++) {
            cleanup_free char *same = filter_key(filters->v[k], &other);
            any = strcmp(key, same) == 0 && passes(r, key, other, c, s);
        }
        if (!any)
            return false;
    }
    return true;
}
