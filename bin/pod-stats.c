/* pod-stats: what containers use of the machine, once or again and again. */
#include "say.h"
#include "stats/stats.h"

#include "things/select.h"
#include "things/table.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define CLEAR_SCREEN "\033[2J\033[1;1H"

struct options {
    struct select which;
    bool no_reset, no_stream, no_trunc;
    const char *format;
    int64_t interval;
};

#define AT(f) offsetof(struct options, f)
static const struct opt options[] = {
    {"all", 'a', OPT_BOOL, NULL, "Containers that do not run too", AT(which.all)},
    {"format", 0, OPT_STR, "FORMAT", "json or a Go template", AT(format)},
    {"interval", 'i', OPT_INT, "SECONDS", "Look again after so long (default 5)", AT(interval)},
    {"latest", 'l', OPT_BOOL, NULL, "The container created last", AT(which.latest)},
    {"no-reset", 0, OPT_BOOL, NULL, "Do not clear the screen in between", AT(no_reset)},
    {"no-stream", 0, OPT_BOOL, NULL, "Look once", AT(no_stream)},
    {"no-trunc", 0, OPT_BOOL, NULL, "Whole IDs", AT(no_trunc)},
    {0},
};

static const struct cmd command = {
    .name = "pod stats",
    .operands = "[CONTAINER...]",
    .summary = "Show what containers use of processors, memory and disks",
    .more = "Exit codes: 0 done, 125 pod failed or a container does not exist.",
    .opts = options,
    .max = -1,
};

static const struct table_column columns[] = {
    {"ID", NULL},
    {"Name", NULL},
    {"CPUPerc", "CPU %"},
    {"MemUsage", "MEM USAGE / LIMIT"},
    {"MemUsageBytes", "MEM USAGE / LIMIT"},
    {"MemPerc", "MEM %"},
    {"NetIO", "NET IO"},
    {"BlockIO", "BLOCK IO"},
    {"PIDS", NULL},
    {"CPUTime", "CPU TIME"},
    {"AvgCPU", "AVG CPU %"},
    {"CPUPressure", "CPU PRESSURE"},
    {"MemPressure", "MEM PRESSURE"},
    {"IOPressure", "IO PRESSURE"},
    {NULL, NULL},
};
static const struct table_spec spec = {
    .columns = columns,
    .default_format = "table "
                      "{{.ID}}\t{{.Name}}\t{{.CPUPerc}}\t{{.MemUsage}}\t{{.MemPerc}}\t{{.NetIO}}\t{"
                      "{.BlockIO}}\t{{.PIDS}}\t{{.CPUTime}}\t{{.AvgCPU}}",
    .json_indent = 1,
};

/* What was seen of a container the last time. */
struct seen {
    char id[65];
    struct sample sample;
};
struct look {
    const struct roots *roots;
    const struct options *o;
    struct seen *before;
    size_t n;
};

static const struct sample *last_time(const struct look *l, const char *id)
{
    for (size_t i = 0; i < l->n; i++)
        if (strcmp(l->before[i].id, id) == 0)
            return &l->before[i].sample;
    return NULL;
}

/* A name that was given stands for all that it was: gone meanwhile, it is left out. */
static json_t *look(struct look *l, const struct strv *names, bool named)
{
    json_t *rows = json_array();
    struct seen *now = xcalloc(names->n + 1, sizeof *now);
    cleanup(procs_free) struct procs all = {0};
    size_t n = 0;
    for (size_t i = 0; i < names->n; i++) {
        struct ctr c;
        struct err gone = ERR_INIT;
        struct sample s;
        if (ctr_find(l->roots, names->v[i], &c, &gone) < 0)
            continue;
        stats_sample(l->roots, &c, &all, &s);
        if (s.started_ns || named || l->o->which.all) {
            json_t *row = stats_row(&c, &s, last_time(l, c.id), l->o->no_trunc);
            json_array_append_new(rows, l->o->format && table_is_json(l->o->format)
                                            ? stats_json(row)
                                            : json_incref(row));
            json_decref(row);
            memcpy(now[n].id, c.id, sizeof c.id);
            now[n++].sample = s;
        }
        ctr_close(&c);
    }
    free(l->before);
    l->before = now;
    l->n = n;
    return rows;
}

static int show(const struct options *o, json_t *rows, struct err *e)
{
    cleanup(buf_free) struct buf out = BUF_INIT;
    if (table_render(&spec, o->format, false, rows, &out, e) < 0)
        return -1;
    if (!o->no_stream && !o->no_reset && isatty(1))
        fputs(CLEAR_SCREEN, stdout);
    fputs(buf_str(&out), stdout);
    return fflush(stdout) == 0 ? 0 : 1;
}

/* Names are looked up at the start: a wrong one is an error, one that goes later is not. */
static int choose(const struct roots *r, const struct options *o, char *const *operands,
                  struct strv *ret, bool *named, struct err *e)
{
    *named = operands[0] || o->which.latest;
    if (*named && o->which.all)
        return err_set(e, 0, "--all, --latest and containers cannot be used together");
    if (!*named)
        return ctr_list(r, ret, e);
    if (select_names(r, &o->which, operands, ret, e) < 0)
        return -1;
    for (size_t i = 0; i < ret->n; i++) {
        struct ctr c;
        if (ctr_find(r, ret->v[i], &c, e) < 0)
            return err_prefix(e, "unable to get list of containers: unable to look up container %s",
                              ret->v[i]);
        ctr_close(&c);
    }
    return 0;
}

static int work(const struct options *o, char *const *operands, struct err *e)
{
    struct roots r;
    struct look l = {.roots = &r, .o = o};
    bool named;
    if (o->interval < 1)
        return err_set(e, 0, "invalid interval, must be a positive number greater zero");
    if (roots_open(&r, e) < 0)
        return -1;
    for (;;) {
        cleanup(strv_free) struct strv names = STRV_INIT;
        if (choose(&r, o, operands, &names, &named, e) < 0)
            return l.before && named ? 0 : -1;
        cleanup_json rows = look(&l, &names, named);
        int res = show(o, rows, e);
        if (res != 0 || o->no_stream)
            return res < 0 ? -1 : 0;
        nanosleep(&(struct timespec){.tv_sec = o->interval}, NULL);
    }
}

int main(int argc, char **argv)
{
    struct err e = ERR_INIT;
    struct options o = {.interval = 5};
    int code = 0;
    int first = say_parse(&command, &o, argc, argv, &code);
    if (first < 0)
        return code;
    if (work(&o, argv + first, &e) < 0)
        return say_error(&e);
    return say_end(0);
}
