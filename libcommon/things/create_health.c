/* --health-cmd and its like, over what the image's HEALTHCHECK says. */
#include "things/health.h"

#include "words/units.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define SECOND_NS        1000000000LL
#define DEFAULT_INTERVAL (30 * SECOND_NS)
#define DEFAULT_TIMEOUT  (30 * SECOND_NS)
#define DEFAULT_RETRIES  3

/* What is a JSON array is a command, anything else is for a shell. */
static json_t *test_of(const char *text)
{
    json_t *list = json_loads(text, 0, NULL);
    if (json_is_array(list)) {
        json_array_insert_new(list, 0, json_string("CMD"));
        return list;
    }
    json_decref(list);
    return strcasecmp(text, "none") == 0 ? json_pack("[s]", "NONE")
                                         : json_pack("[s, s]", "CMD-SHELL", text);
}

static bool test_ok(const json_t *test)
{
    const json_t *v;
    size_t i;
    json_array_foreach(test, i, v)
    {
        if (!json_is_string(v))
            return false;
    }
    return json_array_size(test) > 1 && *json_string_value(json_array_get(test, 1));
}

/* Of the option, of the image, or the usual one. */
static int duration(const char *flag, const char *text, int64_t of_image, int64_t usual,
                    int64_t least, int64_t *ret, struct err *e)
{
    *ret = of_image > 0 ? of_image : usual;
    if (!text)
        return 0;
    if (units_duration(text, ret) < 0 || *ret < 0)
        return err_set(e, 0, "invalid healthcheck-%s: %s: time: invalid duration \"%s\"", flag,
                       text, text);
    return *ret < least ? err_set(e, 0, "healthcheck-%s must be at least 1 second", flag) : 0;
}

static int numbers(const struct create_opts *o, const json_t *img, json_t *h, struct err *e)
{
    int64_t interval, timeout, start, retries = jx_int(img, "Retries", 0);
    const char *every = o->health_interval;
    if (every && strcmp(every, "disable") == 0)
        every = "0";
    if (duration("interval", every, jx_int(img, "Interval", 0), DEFAULT_INTERVAL, 0, &interval, e) <
            0 ||
        duration("timeout", o->health_timeout, jx_int(img, "Timeout", 0), DEFAULT_TIMEOUT,
                 SECOND_NS, &timeout, e) < 0 ||
        duration("start-period", o->health_start_period, jx_int(img, "StartPeriod", 0), 0, 0,
                 &start, e) < 0)
        return -1;
    if (retries < 1)
        retries = DEFAULT_RETRIES;
    if (o->health_retries &&
        (str_i64(o->health_retries, INT32_MIN, INT32_MAX, &retries) < 0 || retries < 1))
        return err_set(e, 0, "healthcheck-retries must be greater than 0");
    json_object_set_new(h, "interval", json_integer(interval));
    json_object_set_new(h, "timeout", json_integer(timeout));
    json_object_set_new(h, "startPeriod", json_integer(start));
    json_object_set_new(h, "retries", json_integer(retries));
    return 0;
}

static int on_failure(const struct create_opts *o, json_t *h, struct err *e)
{
    static const char *const actions[] = {"none", "kill", "restart", "stop", NULL};
    const char *wanted = o->health_on_failure;
    if (!wanted)
        return 0;
    if (!str_in(wanted, actions))
        return err_set(e, 0,
                       "invalid on-failure action \"%s\" for health check: supported actions are "
                       "none,kill,restart,stop",
                       wanted);
    if (strcmp(wanted, "none") == 0)
        return 0;
    if (!h)
        return err_set(e, 0, "cannot set on-failure action to %s without a health check", wanted);
    jx_set_str(h, "onFailure", wanted);
    return 0;
}

int create_health(const struct create_opts *o, const json_t *cfg, json_t *rec, struct err *e)
{
    const json_t *img = json_object_get(cfg, "Healthcheck");
    if (o->no_healthcheck && o->health_cmd)
        return err_set(e, 0, "cannot specify both --no-healthcheck and --health-cmd");
    if (o->health_cmd && !*o->health_cmd)
        return err_set(e, 0, "must define a healthcheck command for all healthchecks");
    cleanup_json test = o->no_healthcheck ? NULL
                        : o->health_cmd   ? test_of(o->health_cmd)
                                          : json_incref(json_object_get(img, "Test"));
    const char *kind = json_string_value(json_array_get(test, 0));
    bool none = !kind || strcmp(kind, "NONE") == 0 || (!o->health_cmd && !test_ok(test));
    bool healthy = o->sdnotify && strcmp(o->sdnotify, "healthy") == 0;
    if (none && healthy)
        return err_set(e, 0,
                       "invalid argument: sdnotify policy \"healthy\" requires a healthcheck to be "
                       "set");
    if (none)
        return on_failure(o, NULL, e); /* what an image says badly is no check */
    if (!test_ok(test))
        return err_set(e, 0, "invalid healthcheck command %s", o->health_cmd);
    json_t *h = json_object();
    json_object_set(h, "test", test);
    json_object_set_new(rec, "health", h);
    if (numbers(o, img, h, e) < 0)
        return -1;
    if (healthy && !jx_int(h, "interval", 0))
        return err_set(e, 0,
                       "invalid argument: sdnotify policy \"healthy\" requires health checks at "
                       "intervals");
    return on_failure(o, h, e);
}
