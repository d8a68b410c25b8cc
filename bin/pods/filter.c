/* --filter of pod pod ps: values of one key are alternatives, labels and different keys narrow. */
#include "pods.h"

#include "words/filter.h"
#include "words/timefmt.h"

#include <regex.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static const char *const keys[] = {"ctr-ids", "ctr-names", "ctr-number", "ctr-status", "id", "name",
                                   "label",   "network",   "status",     "until",      NULL};
static const char *const ctr_states[] = {"created", "running", "paused", "stopped",
                                         "exited",  "unknown", NULL};
static const char *const pod_states[] = {"stopped", "running", "paused",   "exited",
                                         "dead",    "created", "degraded", NULL};

static int check_one(const char *filter, struct err *e)
{
    struct timespec ignored;
    regex_t re;
    const char *value;
    cleanup_free char *key = filter_key(filter, &value);
    if (!strchr(filter, '='))
        return err_set(e, 0, "filter input must be in the form of filter=value: %s is invalid",
                       filter);
    if (!str_in(key, keys))
        return err_set(e, 0, "%s is an invalid filter", key);
    if (strcmp(key, "ctr-status") == 0 && !str_in(value, ctr_states))
        return err_set(e, 0, "%s is not a valid status", value);
    if (strcmp(key, "status") == 0 && !str_in(value, pod_states))
        return err_set(e, 0, "%s is not a valid pod status", value);
    if (strcmp(key, "until") == 0 && timefmt_point(value, timefmt_clock(), &ignored) < 0)
        return err_set(e, 0, "failed to parse value as time or duration: \"%s\"", value);
    if (regcomp(&re, value, REG_EXTENDED | REG_NOSUB) != 0)
        return err_set(e, 0, "\"%s\" is not a regular expression", value);
    regfree(&re);
    return 0;
}

int pods_filter_check(const struct strv *filters, struct err *e)
{
    for (size_t i = 0; i < filters->n; i++)
        if (check_one(filters->v[i], e) < 0)
            return -1;
    return 0;
}

static bool any_container(const json_t *row, const char *key, const char *value)
{
    const json_t *c;
    size_t i;
    json_array_foreach(json_object_get(row, "Containers"), i, c)
    {
        const char *state = jx_str(c, "Status");
        if (strcmp(key, "ctr-ids") == 0 && filter_like(jx_str(c, "Id"), value))
            return true;
        if (strcmp(key, "ctr-names") == 0 && filter_like(jx_str(c, "Names"), value))
            return true;
        if (strcmp(key, "ctr-status") == 0 &&
            strcmp(state, strcmp(value, "stopped") == 0 ? "exited" : value) == 0)
            return true;
    }
    return false;
}

static bool older(const struct pod *p, const char *value)
{
    struct timespec created = {0}, until = {0};
    (void)timefmt_parse(jx_str(p->record, "created"), &created);
    (void)timefmt_point(value, timefmt_clock(), &until);
    return created.tv_sec < until.tv_sec;
}

static bool meets(const struct pod *p, const json_t *row, const char *key, const char *value)
{
    const json_t *networks = json_object_get(row, "Networks"), *v;
    int64_t number;
    size_t i;
    if (strcmp(key, "id") == 0)
        return filter_like(p->id, value);
    if (strcmp(key, "name") == 0)
        return filter_like(jx_str(p->record, "name"), value);
    if (strcmp(key, "status") == 0)
        return strcasecmp(jx_str(row, "Status"), value) == 0;
    if (strcmp(key, "label") == 0)
        return filter_label(json_object_get(p->record, "labels"), value);
    if (strcmp(key, "until") == 0)
        return older(p, value);
    if (strcmp(key, "ctr-number") == 0)
        return str_i64(value, 0, INT64_MAX, &number) == 0 &&
               (size_t)number == json_array_size(json_object_get(row, "Containers"));
    if (strcmp(key, "network") != 0)
        return any_container(row, key, value);
    json_array_foreach(networks, i, v)
    {
        if (str_eq(json_string_value(v), value))
            return true;
    }
    return false;
}

bool pods_filter_passes(const struct strv *filters, const struct pod *p, const json_t *row)
{
    for (size_t i = 0; i < filters->n; i++) {
        const char *value;
        cleanup_free char *key = filter_key(filters->v[i], &value);
        size_t n = strlen(key) + 1;
        bool alone = strcmp(key, "label") == 0, hit = false;
        for (size_t k = 0; k < filters->n && !hit; k++)
            if (alone ? k == i : strncmp(filters->v[k], filters->v[i], n) == 0)
                hit = meets(p, row, key, filters->v[k] + n);
        if (!hit)
            return false;
    }
    return true;
}
