#include "events.h"

#include "plain/opt.h"
#include "words/filter.h"

#include <stdlib.h>
#include <string.h>

static const char *const keys[] = {"container", "event", "image",  "label", "pod",
                                   "status",    "type",  "volume", NULL};

/* The beginning of an id or all of a name, of the type that is called like the key. */
static bool is_named(const json_t *event, const char *key, const char *value)
{
    return strcmp(jx_str(event, "Type"), key) == 0 &&
           (strcmp(jx_str(event, "Name"), value) == 0 || str_starts(jx_str(event, "ID"), value));
}

static bool holds(const json_t *event, const char *key, const char *value)
{
    if (strcmp(key, "event") == 0 || strcmp(key, "status") == 0)
        return strcmp(jx_str(event, "Status"), value) == 0;
    if (strcmp(key, "type") == 0)
        return strcmp(jx_str(event, "Type"), value) == 0;
    if (strcmp(key, "label") == 0)
        return filter_label(json_object_get(event, "Attributes"), value);
    if (strcmp(key, "pod") == 0 && *jx_str(event, "PodID") &&
        str_starts(jx_str(event, "PodID"), value))
        return true;
    return is_named(event, key, value);
}

int events_filter_check(const struct strv *filters, struct err *e)
{
    for (size_t i = 0; i < filters->n; i++) {
        const char *value;
        cleanup_free char *key = filter_key(filters->v[i], &value);
        if (!str_in(key, keys))
            return opt_unknown("filter", key, keys, "pod events", e);
        if (!*value)
            return err_set(e, 0, "%s is an invalid filter: it has no value", filters->v[i]);
    }
    return 0;
}

bool events_filter_match(const struct strv *filters, const json_t *event)
{
    for (size_t i = 0; i < filters->n; i++) {
        const char *value, *other;
        cleanup_free char *key = filter_key(filters->v[i], &value);
        bool any = holds(event, key, value);
        for (size_t k = 0; !any && strcmp(key, "label") != 0 && k < filters->n; k++) {
            cleanup_free char *same = filter_key(filters->v[k], &other);
            any = strcmp(same, key) == 0 && holds(event, key, other);
        }
        if (!any)
            return false;
    }
    return true;
}
