/* pod-events: what has happened to containers, images, pods and volumes, and what happens. */
#include "events/events.h"
#include "say.h"

#include "disk/journal.h"
#include "things/table.h"
#include "words/template.h"
#include "words/timefmt.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct options {
    struct strv filter;
    const char *format, *since, *until;
    int stream, no_trunc;
};

#define AT(f) offsetof(struct options, f)
static const struct opt options[] = {
    {"filter", 'f', OPT_LIST, "KEY=VALUE",
     "Only those that match: container, event, image, label, pod, type, volume", AT(filter)},
    {"format", 0, OPT_STR, "TEMPLATE", "Print each by a Go template, or as a line of json",
     AT(format)},
    {"no-trunc", 0, OPT_TRI, NULL, "Print whole ids (the default); templates always have them",
     AT(no_trunc)},
    {"since", 0, OPT_STR, "TIME",
     "Begin with what happened then: a time, or 10m for 10 minutes ago", AT(since)},
    {"stream", 0, OPT_TRI, NULL, "Wait for what comes (the default)", AT(stream)},
    {"until", 0, OPT_STR, "TIME", "End then: a time, or 10m for in 10 minutes", AT(until)},
    {0},
};

static const struct cmd command = {
    .name = "pod events",
    .operands = "",
    .summary = "Show what happens to containers, images, pods and volumes",
    .more = "Exit codes: 0 done, 125 pod failed.",
    .opts = options,
    .max = 0,
};

struct printer {
    const struct options *o;
    struct template *template; /* NULL: podman's line, or JSON */
    bool json;
    struct buf line;
};

/* In parentheses behind the id, as far as there is something. */
static void add_details(struct buf *b, const json_t *event)
{
    const char *key;
    const json_t *value;
    buf_addf(b, " (image=%s, name=%s", jx_str(event, "Image"), jx_str(event, "Name"));
    if (jx_str0(event, "PodID"))
        buf_addf(b, ", pod_id=%s", jx_str(event, "PodID"));
    if (jx_str0(event, "HealthStatus"))
        buf_addf(b, ", health_status=%s", jx_str(event, "HealthStatus"));
    json_object_foreach(json_object_get(event, "Attributes"), key, value)
        buf_addf(b, ", %s=%s", key, json_string_value(value));
    buf_adds(b, ")");
}

/* Text of labels is a stranger's, and may be meant for the terminal. */
static void defuse(char *s)
{
    for (; *s; s++)
        if ((unsigned char)*s < ' ' || *s == 0x7f)
            *s = '?';
}

static void for_people(const struct options *o, const json_t *event, struct timespec t,
                       struct buf *b)
{
    const char *type = jx_str(event, "Type"), *id = jx_str(event, "ID");
    timefmt_go(b, t, TIMEFMT_LOCAL);
    buf_addf(b, " %s %s", type, jx_str(event, "Status"));
    if (strcmp(type, "volume") != 0)
        buf_addf(b, " %.*s", o->no_trunc == 0 ? 12 : 64, id);
    if (strcmp(type, "container") == 0 || strcmp(type, "pod") == 0)
        add_details(b, event);
    else
        buf_addf(b, " %s", jx_str(event, "Name"));
    defuse(b->s);
    buf_adds(b, "\n");
}

/* Every member that podman's event has, in its order; the time as Go prints it. */
static json_t *record_of(const json_t *event, struct timespec t, bool json)
{
    static const struct {
        const char *key;
        bool always;
    } members[] = {{"ContainerExitCode", 0}, {"ID", 0},     {"Image", 0},     {"Name", 0},
                   {"Network", 0},           {"Status", 1}, {"Time", 1},      {"Type", 1},
                   {"HealthStatus", 0},      {"PodID", 0},  {"Attributes", 1}};
    json_t *record = json_object();
    for (size_t i = 0; i < sizeof members / sizeof *members; i++) {
        const char *key = members[i].key;
        json_t *v = json_incref(json_object_get(event, key));
        if (!v && (!json || members[i].always))
            v = i == 0 ? json_integer(0) : members[i].always ? json_null() : json_string("");
        if (v)
            json_object_set_new(record, key, v);
    }
    if (!json && json_is_null(json_object_get(record, "Attributes")))
        json_object_set_new(record, "Attributes", json_object());
    cleanup(buf_free) struct buf time = BUF_INIT;
    timefmt_go(&time, t, TIMEFMT_LOCAL);
    json_object_set_new(record, ".Time", json_string(buf_str(&time)));
    return record;
}

static int print(void *arg, json_t *event, int64_t ns, struct err *e)
{
    struct printer *p = arg;
    if (!events_filter_match(&p->o->filter, event))
        return 0;
    p->line.len = 0;
    if (p->json || p->template) {
        cleanup_json record = record_of(event, timefmt_from_ns(ns), p->json);
        if (p->json ? template_json(record, 0, 1, &p->line, e) < 0
                    : template_render(p->template, record, &p->line, e) < 0)
            return -1;
        buf_adds(&p->line, "\n");
    } else {
        for_people(p->o, event, timefmt_from_ns(ns), &p->line);
    }
    fwrite(p->line.s, 1, p->line.len, stdout);
    return fflush(stdout) < 0; /* said at the end */
}

static int point(const char *what, const char *text, bool forward, int64_t *ret, struct err *e)
{
    struct timespec t, now = timefmt_clock();
    if (!text)
        return 0;
    if ((forward ? timefmt_until(text, now, &t) : timefmt_point(text, now, &t)) < 0) {
        err_set(e, 0, "unable to parse \"%s\" as a time for --%s", text, what);
        return err_hint(e, "Type for example: --%s 10m, or --%s 2026-01-31T12:00:00", what, what);
    }
    *ret = timefmt_to_ns(t);
    return 0;
}

static int work(const struct options *o, struct err *e)
{
    struct roots r;
    if (journal_off())
        return err_set(e, 0, "cannot read events with the \"none\" backend");
    struct printer p = {.o = o, .line = BUF_INIT, .json = table_is_json(o->format)};
    struct span span = {.since = INT64_MIN,
                        .until = INT64_MAX,
                        .past = o->since || o->until || o->stream == 0,
                        .stream = o->stream != 0};
    if (point("since", o->since, false, &span.since, e) < 0 ||
        point("until", o->until, true, &span.until, e) < 0 ||
        events_filter_check(&o->filter, e) < 0)
        return -1;
    if (o->format && *o->format && !p.json && template_compile(o->format, &p.template, e) < 0)
        return -1;
    int res = roots_open(&r, e) < 0 ? -1 : events_read(&r, &span, print, &p, e);
    template_free(p.template);
    buf_free(&p.line);
    return res;
}

int main(int argc, char **argv)
{
    struct err e = ERR_INIT;
    struct options o = {.stream = -1, .no_trunc = -1};
    int code = 0;
    if (say_parse(&command, &o, argc, argv, &code) < 0)
        return code;
    if (work(&o, &e) < 0)
        return say_error(&e);
    return say_end(0);
}
