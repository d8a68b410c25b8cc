/* pod-logs: what containers have written, from their k8s-file logs. */
#include "say.h"

#include "plain/fdio.h"
#include "things/select.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

struct options {
    struct select which;
    bool follow, timestamps, names;
    const char *tail;
};

#define AT(f) offsetof(struct options, f)
static const struct opt options[] = {
    {"follow", 'f', OPT_BOOL, NULL, "Go on until the container ends", AT(follow)},
    {"latest", 'l', OPT_BOOL, NULL, "The container created last", AT(which.latest)},
    {"names", 'n', OPT_BOOL, NULL, "Put the container's name before each line", AT(names)},
    {"tail", 0, OPT_STR, "N", "Only the last N lines", AT(tail)},
    {"timestamps", 't', OPT_BOOL, NULL, "Put the time before each line", AT(timestamps)},
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

/* «TIME STREAM F|P TEXT»; a line that is none of that is left out. */
static void print_line(char *line, const char *name, const struct options *o, bool *midline)
{
    char *stream = strchr(line, ' '), *tag = stream ? strchr(stream + 1, ' ') : NULL;
    if (!tag || !tag[1] || tag[2] != ' ')
        return;
    *stream++ = '\0';
    FILE *out = str_starts(stream, "stderr") ? stderr : stdout;
    if (!*midline && o->timestamps)
        fprintf(out, "%s ", line);
    if (!*midline && o->names)
        fprintf(out, "%s ", name);
    fputs(tag + 3, out);
    *midline = tag[1] == 'P';
    if (!*midline)
        putc('\n', out);
}

/* Moves f to the last n whole lines (all of it when n < 0). */
static void skip_to_tail(FILE *f, int64_t n)
{
    if (n < 0)
        return;
    int64_t lines = 0;
    int c;
    while ((c = getc(f)) != EOF)
        lines += c == '\n';
    rewind(f);
    for (int64_t skip = lines - n; skip > 0 && (c = getc(f)) != EOF;)
        skip -= c == '\n';
}

static bool still_runs(const struct roots *r, const struct ctr *c)
{
    struct ctr_status s;
    ctr_status(r, c, &s);
    return s.state == CTR_RUNNING || s.state == CTR_STOPPING;
}

static int print_file(const struct roots *r, const struct ctr *c, FILE *f, const struct options *o)
{
    cleanup_free char *line = NULL;
    size_t size = 0;
    bool midline = false, last = false;
    for (;;) {
        ssize_t n = getline(&line, &size, f);
        if (n > 0 && line[n - 1] == '\n') {
            line[n - 1] = '\0';
            print_line(line, ctr_name(c), o, &midline);
            continue;
        }
        if (n > 0)
            fseek(f, -n, SEEK_CUR); /* a line that is still being written */
        if (!o->follow || last)
            return 0;
        fflush(stdout);
        clearerr(f);
        last = !still_runs(r, c); /* once more round, for what came before the end */
        if (!last)
            nanosleep(&(struct timespec){.tv_nsec = 50000000}, NULL);
    }
}

static int one(const struct roots *r, const char *name, const struct options *o, struct err *e)
{
    struct ctr c;
    int64_t tail = -1;
    if (o->tail && str_i64(o->tail, -1, INT64_MAX, &tail) < 0 && strcmp(o->tail, "all") != 0)
        return err_set(e, 0, "invalid argument \"%s\" for \"--tail\" flag", o->tail);
    if (ctr_find(r, name, &c, e) < 0)
        return -1;
    const json_t *log = json_object_get(c.record, "log");
    int res = 0;
    if (strcmp(jx_str(log, "driver"), "k8s-file") != 0) {
        res = err_set(e, 0,
                      "this container is using the '%s' log driver, cannot read logs: this "
                      "container is not logging output",
                      jx_str(log, "driver"));
    } else {
        cleanup_free char *dir = ctr_path(r, c.id);
        cleanup_free char *usual = xasprintf("%s/ctr.log", dir);
        FILE *f = fopen(*jx_str(log, "path") ? jx_str(log, "path") : usual, "re");
        if (f) {
            skip_to_tail(f, tail);
            res = print_file(r, &c, f, o);
            fclose(f);
        }
    }
    ctr_close(&c);
    return res;
}

int main(int argc, char **argv)
{
    struct err e = ERR_INIT;
    struct options o = {0};
    struct roots r;
    cleanup(strv_free) struct strv names = STRV_INIT;
    int code = 0;
    int first = say_parse(&command, &o, argc, argv, &code);
    if (first < 0)
        return code;
    if (roots_open(&r, &e) < 0 || select_names(&r, &o.which, argv + first, &names, &e) < 0)
        return say_error(&e);
    for (size_t i = 0; i < names.n; i++)
        if (one(&r, names.v[i], &o, &e) < 0)
            code = say_error(&e);
    return say_end(code);
}
