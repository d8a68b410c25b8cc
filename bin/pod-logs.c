/* pod-logs: what containers have written, from their k8s-file logs or systemd's journal. */
#include "logs/files.h"
#include "logs/journal.h"
#include "say.h"

#include "plain/fdio.h"
#include "things/select.h"
#include "words/timefmt.h"
#include "words/units.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define LOOK_AGAIN_NS  50000000
#define COLORS         6
#define JOURNAL_LAG_NS 300000000

struct options {
    struct select which;
    bool follow, timestamps, names, color;
    const char *tail, *since, *until;
};

#define AT(f) offsetof(struct options, f)
static const struct opt options[] = {
    {"color", 0, OPT_BOOL, NULL, "Tell several containers apart by colour", AT(color)},
    {"follow", 'f', OPT_BOOL, NULL, "Go on until the container ends", AT(follow)},
    {"latest", 'l', OPT_BOOL, NULL, "The container created last", AT(which.latest)},
    {"names", 'n', OPT_BOOL, NULL, "Put the container's name before each line", AT(names)},
    {"since", 0, OPT_STR, "TIME", "Only what is younger: a time, or 10m for the last 10 minutes",
     AT(since)},
    {"tail", 0, OPT_STR, "N", "Only the last N lines", AT(tail)},
    {"timestamps", 't', OPT_BOOL, NULL, "Put the time before each line", AT(timestamps)},
    {"until", 0, OPT_STR, "TIME", "Only what is older: a time, or 10m for the next 10 minutes",
     AT(until)},
    {0},
};

static const struct cmd command = {
    .name = "pod logs",
    .operands = "CONTAINER...",
    .summary = "Print what containers have written",
    .more = "Exit codes: 0 done, 125 pod failed or a container does not exist.",
    .opts = options,
    .max = -1,
};

/* What all logs of this call have in common. */
struct view {
    bool follow, timestamps, color;
    int64_t tail, since, until; /* -1: all; nanoseconds since 1970, at the ends for no limit */
};

struct log {
    struct ctr c;
    struct logfiles files;
    struct journal journal;
    bool journald; /* it is there, not in files */
    char *prefix;
    size_t index;
    bool midline[2];    /* the last line of stdout, stderr goes on */
    bool ending, ended; /* its end was seen; and all before it was printed */
};

/* ---- lines ---- */

static int64_t line_time(const char *line, size_t n)
{
    char text[64];
    struct timespec t;
    if (n >= sizeof text)
        return 0;
    memcpy(text, line, n);
    text[n] = '\0';
    return timefmt_parse(text, &t) == 0 ? timefmt_to_ns(t) : 0;
}

/* «TIME STREAM F|P TEXT»; a line that is none of that is left out. */
static void print_line(struct log *l, char *line, const struct view *v)
{
    char *stream = strchr(line, ' ');
    char *tag = stream ? strchr(stream + 1, ' ') : NULL;
    if (!tag || !tag[1] || tag[2] != ' ')
        return;
    int64_t at = line_time(line, (size_t)(stream - line));
    if (at < v->since || at > v->until)
        return;
    *stream++ = '\0';
    bool is_err = str_starts(stream, "stderr"), *midline = &l->midline[is_err];
    FILE *out = is_err ? stderr : stdout;
    if (is_err)
        fflush(stdout); /* in the order of writing, where both go to one place */
    if (v->color && !*midline)
        fprintf(out, "\033[%zum", 31 + l->index % COLORS);
    if (!*midline && l->prefix)
        fprintf(out, "%s ", l->prefix);
    if (!*midline && v->timestamps)
        fprintf(out, "%s ", line);
    fputs(tag + 3, out);
    *midline = tag[1] == 'P';
    if (!*midline)
        fprintf(out, "%s\n", v->color ? "\033[0m" : "");
}

/* Whole lines as far as there are some. */
static void print_new(struct log *l, const struct view *v)
{
    struct err ignored = ERR_INIT;
    int wait = v->follow ? 0 : -1;
    if (l->ending && l->journald) {
        /* it has what was written last a moment later than a file would */
        nanosleep(&(struct timespec){.tv_nsec = JOURNAL_LAG_NS}, NULL);
        wait = journal_rest(&l->journal, l->c.id, v->tail, &ignored) == 0 ? -1 : 0;
    }
    for (char *line;
         (line = l->journald ? journal_next(&l->journal, wait) : logfiles_next(&l->files));)
        print_line(l, line, v);
}

/* Another container's line does not go on where this one has stopped. */
static void end_lines(struct log *l)
{
    if (l->midline[0])
        putc('\n', stdout);
    if (l->midline[1])
        putc('\n', stderr);
    l->midline[0] = l->midline[1] = false;
}

/* ---- logs ---- */

static int open_log(const struct roots *r, const char *name, const struct options *o,
                    const struct view *v, struct log *ret, struct err *e)
{
    struct log l = {.c = CTR_INIT};
    if (ctr_find(r, name, &l.c, e) < 0)
        return -1;
    const json_t *log = json_object_get(l.c.record, "log");
    l.journald = strcmp(jx_str(log, "driver"), "journald") == 0;
    if (!l.journald && !ctr_logs_to_file(&l.c)) {
        err_set(e, 0,
                "this container is using the '%s' log driver, cannot read logs: this container is "
                "not logging output",
                jx_str(log, "driver"));
        ctr_close(&l.c);
        return -1;
    }
    cleanup_free char *dir = ctr_path(r, l.c.id);
    char *path = *jx_str(log, "path") ? xstrdup(jx_str(log, "path")) : xasprintf("%s/ctr.log", dir);
    if (o->names)
        l.prefix = xstrdup(ctr_name(&l.c));
    int res = 0;
    if (l.journald)
        res = journal_open(&l.journal, l.c.id, v->tail, v->follow, e);
    if (l.journald)
        free(path);
    else
        logfiles_open(&l.files, path, v->tail);
    *ret = l;
    return res;
}

static bool still_runs(const struct roots *r, const struct ctr *c)
{
    struct ctr_status s;
    ctr_status(r, c, &s);
    return ctr_is_up(&s) || s.state == CTR_STOPPING;
}

static int64_t now_ns(void)
{
    return timefmt_to_ns(timefmt_clock());
}

/* Each is read once more after its end was seen, for what came before it. */
static void follow(const struct roots *r, struct log *logs, size_t n, const struct view *v)
{
    for (size_t open = n; open > 0 && now_ns() < v->until;) {
        for (size_t i = 0; i < n; i++) {
            if (logs[i].ended)
                continue;
            bool last = !still_runs(r, &logs[i].c);
            logs[i].ending = last;
            print_new(&logs[i], v);
            logs[i].ended = last;
            if (last && n > 1)
                end_lines(&logs[i]);
            open -= last;
        }
        if (fflush(stdout) != 0)
            return;
        if (open)
            nanosleep(&(struct timespec){.tv_nsec = LOOK_AGAIN_NS}, NULL);
    }
}

static int parse(const struct options *o, struct view *ret, struct err *e)
{
    struct timespec t;
    struct view v = {.follow = o->follow,
                     .timestamps = o->timestamps,
                     .color = o->color,
                     .tail = -1,
                     .since = INT64_MIN,
                     .until = INT64_MAX};
    if (o->tail && str_i64(o->tail, -1, INT64_MAX, &v.tail) < 0 && strcmp(o->tail, "all") != 0)
        return err_set(e, 0,
                       "invalid argument \"%s\" for \"--tail\" flag: strconv.ParseInt: parsing "
                       "\"%s\": invalid syntax",
                       o->tail, o->tail);
    if (o->since) {
        if (timefmt_point(o->since, timefmt_clock(), &t) < 0)
            return err_set(e, 0, "parsing since time: unable to parse \"%s\" as a time", o->since);
        v.since = timefmt_to_ns(t);
    }
    if (o->until && timefmt_until(o->until, timefmt_clock(), &t) < 0)
        return err_set(e, 0, "parsing until time: unable to parse \"%s\" as a time", o->until);
    if (o->until)
        v.until = timefmt_to_ns(t);
    *ret = v;
    return 0;
}

int main(int argc, char **argv)
{
    struct err e = ERR_INIT;
    struct options o = {.which.nothing = "specify at least one container name or ID to log"};
    struct roots r;
    struct view v;
    cleanup(strv_free) struct strv names = STRV_INIT;
    int code = 0;
    int first = say_parse(&command, &o, argc, argv, &code);
    if (first < 0)
        return code;
    if (parse(&o, &v, &e) < 0 || roots_open(&r, &e) < 0 ||
        select_names(&r, &o.which, argv + first, &names, &e) < 0)
        return say_error(&e);
    cleanup_free struct log *logs = xcalloc(names.n + 1, sizeof *logs);
    size_t n = 0;
    for (size_t i = 0; i < names.n; i++) {
        if (open_log(&r, names.v[i], &o, &v, &logs[n], &e) < 0) {
            code = say_error(&e);
            continue;
        }
        if (names.n > 1 && !o.names)
            logs[n].prefix = xstrndup(logs[n].c.id, 12);
        logs[n].index = n;
        n++;
    }
    for (size_t i = 0; i < n && !v.follow; i++) {
        print_new(&logs[i], &v);
        if (n > 1)
            end_lines(&logs[i]);
    }
    if (v.follow)
        follow(&r, logs, n, &v);
    for (size_t i = 0; i < n; i++)
        if (logs[i].journald)
            journal_close(&logs[i].journal);
    return say_end(code);
}
