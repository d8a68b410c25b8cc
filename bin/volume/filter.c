#include "volume.h"

#include "words/filter.h"
#include "words/timefmt.h"

#include <regex.h>
#include <stdlib.h>
#include <string.h>

static const char *const known[] = {"dangling", "driver", "label", "label!", "name", "opt",
                                    "scope",    "since",  "until", "after",  NULL};

int volume_filter_check(const struct strv *filters, struct err *e)
{
    for (size_t i = 0; i < filters->n; i++) {
        const char *value;
        bool is;
        regex_t re;
        struct timespec point;
        cleanup_free char *key = filter_key(filters->v[i], &value);
        if (!str_in(key, known))
            return err_set(e, 0, "\"%s\" is an invalid volume filter", key);
        if (strcmp(key, "dangling") == 0 && filter_truth(value, &is) < 0)
            return err_set(e, 0,
                           "\"%s\" is not a valid value for the \"dangling\" filter - must be "
                           "true or false: invalid argument",
                           value);
        if (strcmp(key, "until") == 0 && timefmt_point(value, timefmt_clock(), &point) < 0)
            return err_set(e, 0, "unable to parse \"%s\": it is neither a time nor a duration",
                           value);
        if (strcmp(key, "name") != 0)
            continue;
        if (regcomp(&re, value, REG_EXTENDED | REG_NOSUB) != 0)
            return err_set(e, 0, "\"%s\" is not a regular expression", value);
        regfree(&re);
    }
    return 0;
}

/* Made before the point in time (until), or after it. */
static bool made(const json_t *row, const char *value, bool before)
{
    struct timespec created = {0}, point = {0};
    (void)timefmt_parse(jx_str(row, "CreatedAt"), &created);
    (void)timefmt_point(value, timefmt_clock(), &point);
    return (created.tv_sec < point.tv_sec) == before;
}

static bool meets(const json_t *row, const struct strv *used, const char *key, const char *value)
{
    bool is = false;
    if (strcmp(key, "name") == 0)
        return filter_like(jx_str(row, "Name"), value);
    if (strcmp(key, "driver") == 0)
        return strcmp(jx_str(row, "Driver"), value) == 0;
    if (strcmp(key, "scope") == 0)
        return strcmp(jx_str(row, "Scope"), value) == 0;
    if (str_starts(key, "label"))
        return filter_label(json_object_get(row, "Labels"), value) == !str_ends(key, "!");
    if (strcmp(key, "opt") == 0)
        return filter_label(json_object_get(row, "Options"), value);
    if (strcmp(key, "dangling") == 0)
        return filter_truth(value, &is) == 0 && strv_has(used, jx_str(row, "Name")) != is;
    return made(row, value, strcmp(key, "until") == 0);
}

bool volume_filter_match(const struct strv *filters, const json_t *row, const struct strv *used)
{
    for (size_t i = 0; i < filters->n; i++) {
        const char *value;
        cleanup_free char *key = filter_key(filters->v[i], &value);
        bool hit = meets(row, used, key, value);
        for (size_t j = 0; j < filters->n && !hit && !str_starts(key, "label"); j++) {
            const char *other;
            cleanup_free char *same = filter_key(filters->v[j], &other);
            hit = strcmp(same, key) == 0 && meets(row, used, key, other);
        }
        if (!hit)
            return false;
    }
    return true;
}
