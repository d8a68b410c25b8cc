#include "things/health.h"

#include "disk/at.h"
#include "disk/lock.h"
#include "plain/fdio.h"
#include "words/timefmt.h"

#include <stdio.h>
#include <string.h>

#define FILE_NAME "health.json"
#define MAX_FILE  65536
#define MAX_LOG   5

static const char *const states[] = {"starting", "healthy", "unhealthy", NULL};

const json_t *health_wanted(const struct ctr *c)
{
    return json_object_get(c->record, "health");
}

json_t *health_read(const struct ctr *c)
{
    struct err ignored = ERR_INIT;
    cleanup_json file = NULL;
    bool wanted = health_wanted(c);
    if (wanted)
        (void)jx_load(c->dir, FILE_NAME, MAX_FILE, &file, &ignored);
    const char *status = jx_str(file, "Status");
    json_t *log = json_incref(json_object_get(file, "Log"));
    if (!json_is_array(log)) {
        json_decref(log);
        log = json_null();
    }
    return json_pack("{s:s, s:I, s:o}", "Status",
                     !wanted                  ? ""
                     : str_in(status, states) ? status
                                              : states[0],
                     "FailingStreak", (json_int_t)jx_int(file, "FailingStreak", 0), "Log", log);
}

void health_status(const struct ctr *c, char *out, size_t size)
{
    cleanup_json h = health_wanted(c) ? health_read(c) : NULL;
    snprintf(out, size, "%s", jx_str(h, "Status"));
}

json_t *health_as_config(const json_t *health)
{
    static const struct {
        const char *theirs, *ours;
    } numbers[] = {{"StartPeriod", "startPeriod"},
                   {"Interval", "interval"},
                   {"Timeout", "timeout"},
                   {"Retries", "retries"}};
    if (!health)
        return NULL;
    json_t *o = json_object();
    json_object_set(o, "Test", json_object_get(health, "test"));
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        if (jx_int(health, numbers[i].ours, 0))
            json_object_set(o, numbers[i].theirs, json_object_get(health, numbers[i].ours));
    return o;
}

static json_t *time_of(int64_t ns)
{
    cleanup(buf_free) struct buf b = BUF_INIT;
    timefmt_rfc3339(&b, timefmt_from_ns(ns));
    return json_string(buf_str(&b));
}

/* Output may be anything: what is not UTF-8, or was cut in a character, is told by its bytes. */
static json_t *text_of(const char *output)
{
    char text[HEALTH_MAX_OUTPUT + 1];
    snprintf(text, sizeof text, "%s", output);
    for (size_t n = strlen(text); n > 0 && (text[n - 1] == '\n' || text[n - 1] == '\r');)
        text[--n] = '\0';
    json_t *v = json_string(text);
    for (char *p = text; !v && *p; p++)
        if ((unsigned char)*p >= 0x80)
            *p = '?';
    return v ? v : json_string(text);
}

static void add(json_t *state, const struct health_result *r, int64_t retries)
{
    json_t *log = json_object_get(state, "Log");
    int64_t streak = r->code == 0 ? 0 : jx_int(state, "FailingStreak", 0) + !r->forgiven;
    if (!json_is_array(log)) {
        log = json_array();
        json_object_set_new(state, "Log", log);
    }
    json_array_append_new(log, json_pack("{s:o, s:o, s:i, s:o}", "Start", time_of(r->start_ns),
                                         "End", time_of(r->end_ns), "ExitCode", r->code, "Output",
                                         text_of(r->output)));
    while (json_array_size(log) > MAX_LOG)
        json_array_remove(log, 0);
    json_object_set_new(state, "FailingStreak", json_integer(streak));
    if (r->code == 0)
        json_object_set_new(state, "Status", json_string("healthy"));
    else if (!r->forgiven && streak >= retries)
        json_object_set_new(state, "Status", json_string("unhealthy"));
}

int health_note(const struct ctr *c, const struct health_result *r, char ret[16], bool *changed,
                struct err *e)
{
    cleanup_fd int lock = lock_wait(c->dir, "health.lock", LOCK_EXCLUSIVE);
    cleanup_json state = health_read(c);
    cleanup_free char *before = xstrdup(jx_str(state, "Status"));
    add(state, r, jx_int(health_wanted(c), "retries", 1));
    cleanup_free char *text = json_dumps(state, JSON_COMPACT);
    snprintf(ret, 16, "%s", jx_str(state, "Status"));
    *changed = strcmp(before, ret) != 0;
    if (lock < 0 || !text || at_write(c->dir, FILE_NAME, text, strlen(text), 0600, AT_PLAIN) < 0)
        return err_sys(e, "cannot write the health of container %s", c->id);
    return 0;
}
