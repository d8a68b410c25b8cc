/*
 * pod container clone: makes a container as another was asked for. The words of its creation are
 * said again, in the directory where they were said, with those that are to differ behind them.
 */
#include "container.h"
#include "say.h"

#include "things/create.h"
#include "things/ctr.h"
#include "things/spawn.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MAX_CLONES 10000

struct options {
    bool destroy, force, run;
    const char *name;
    /* handed on as they are */
    const char *cpu_period, *cpu_quota, *cpu_shares, *cpus, *cpuset_cpus, *cpuset_mems, *memory,
        *memory_reservation, *memory_swap, *pod;
};
#define AT(f) offsetof(struct options, f)
static const struct opt options[] = {
    {"cpu-period", 0, OPT_STR, "US", "Length of the CPU period in microseconds", AT(cpu_period)},
    {"cpu-quota", 0, OPT_STR, "US", "CPU time in each period in microseconds", AT(cpu_quota)},
    {"cpu-shares", 'c', OPT_STR, "N", "Relative weight of CPU time", AT(cpu_shares)},
    {"cpus", 0, OPT_STR, "N", "Number of CPUs it may use, such as 1.5", AT(cpus)},
    {"cpuset-cpus", 0, OPT_STR, "LIST", "CPUs it may run on, such as 0-2,5", AT(cpuset_cpus)},
    {"cpuset-mems", 0, OPT_STR, "LIST", "Memory nodes it may use", AT(cpuset_mems)},
    {"destroy", 0, OPT_BOOL, NULL, "Remove the original", AT(destroy)},
    {"force", 'f', OPT_BOOL, NULL, "With --destroy: although it runs", AT(force)},
    {"memory", 'm', OPT_STR, "SIZE", "Memory limit, such as 64m", AT(memory)},
    {"memory-reservation", 0, OPT_STR, "SIZE", "Soft memory limit", AT(memory_reservation)},
    {"memory-swap", 0, OPT_STR, "SIZE", "Limit of memory and swap together", AT(memory_swap)},
    {"name", 0, OPT_STR, "NAME", "Name of the new container", AT(name)},
    {"pod", 0, OPT_STR, "POD", "Put it into this pod", AT(pod)},
    {"run", 0, OPT_BOOL, NULL, "Start the new container", AT(run)},
    {0},
};
static const struct cmd command = {
    .name = "pod container clone",
    .operands = "CONTAINER [NAME [IMAGE]]",
    .summary = "Make a container as another was made",
    .more = "Exit codes: 0 done, 125 pod failed or the container does not exist.",
    .opts = options,
    .min = 1,
    .max = 3,
};

/* What belongs to the one container: the names of it and its files, and what is said anew. */
static bool is_its_own(const char *word, bool *has_value)
{
    static const char *const with_value[] = {"--cidfile", "--conmon-pidfile", "--name", "--pidfile",
                                             "--pod",     "--pod-id-file"};
    static const char *const alone[] = {"--detach", "--replace", "-d"};
    *has_value = false;
    for (size_t i = 0; i < sizeof alone / sizeof *alone; i++)
        if (strcmp(word, alone[i]) == 0)
            return true;
    for (size_t i = 0; i < sizeof with_value / sizeof *with_value; i++) {
        size_t n = strlen(with_value[i]);
        if (strncmp(word, with_value[i], n) == 0 && (!word[n] || word[n] == '=')) {
            *has_value = !word[n];
            return true;
        }
    }
    return false;
}

/* --cpus and --cpu-quota cannot be set together: what is asked for now has its way. */
static bool gives_way(const struct options *o, const char *word, bool *has_value)
{
    const struct {
        const char *option;
        bool replaced;
    } all[] = {{"--cpus", o->cpu_quota || o->cpu_period},
               {"--cpu-quota", o->cpus != NULL},
               {"--cpu-period", o->cpus != NULL}};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        size_t n = strlen(all[i].option);
        if (!all[i].replaced || strncmp(word, all[i].option, n) != 0 || (word[n] && word[n] != '='))
            continue;
        *has_value = !word[n];
        return true;
    }
    return false;
}

static void add_changes(const struct options *o, const char *name, struct strv *ret)
{
    const struct {
        const char *option, *value;
    } all[] = {{"--name", name},
               {"--pod", o->pod},
               {"--cpu-period", o->cpu_period},
               {"--cpu-quota", o->cpu_quota},
               {"--cpu-shares", o->cpu_shares},
               {"--cpus", o->cpus},
               {"--cpuset-cpus", o->cpuset_cpus},
               {"--cpuset-mems", o->cpuset_mems},
               {"--memory", o->memory},
               {"--memory-reservation", o->memory_reservation},
               {"--memory-swap", o->memory_swap}};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        if (!all[i].value)
            continue;
        strv_add(ret, all[i].option);
        strv_add(ret, all[i].value);
    }
}

/* «pod run OPTIONS IMAGE COMMAND», as it stands in the record, to pod-create's words. */
static int words_of(const struct ctr *c, const struct options *o, const char *name,
                    const char *image, struct strv *ret, struct err *e)
{
    static const struct cmd create = {.name = "pod create",
                                      .opts = create_option_table,
                                      .min = 1,
                                      .max = -1,
                                      .stop_at_operand = 1};
    struct create_opts ignored = CREATE_OPTS_INIT;
    cleanup(strv_free) struct strv said = STRV_INIT;
    int first;
    jx_strv(c->record, "createCommand", &said);
    if (said.n < 3 || jx_bool(c->record, "infra"))
        return err_set(e, 0, "container %s cannot be cloned: it was not made by pod run or create",
                       ctr_name(c));
    if (cmd_parse(&create, &ignored, (int)said.n - 1, said.v + 1, &first, e) < 0)
        return -1;
    size_t at = (size_t)first + 1;
    strv_take(ret, bin_path("pod-create"));
    for (size_t i = 2; i < at; i++) {
        bool value;
        if (strcmp(said.v[i], "--") == 0)
            continue;
        if (is_its_own(said.v[i], &value) || gives_way(o, said.v[i], &value))
            i += value;
        else
            strv_add(ret, said.v[i]);
    }
    add_changes(o, name, ret);
    strv_add(ret, image ? image : said.v[at]);
    for (size_t i = at + 1; i < said.n; i++)
        strv_add(ret, said.v[i]);
    return 0;
}

static void choose_name(const struct roots *r, const char *of, char *out, size_t size)
{
    char id[65];
    bool is_pod;
    snprintf(out, size, "%s-clone", of);
    for (int i = 1; i < MAX_CLONES && name_lookup(r, out, id, &is_pod) == 0; i++)
        snprintf(out, size, "%s-clone%d", of, i);
}

static int run_other(const char *program, const char *option, const char *id, struct err *e)
{
    cleanup(strv_free) struct strv argv = STRV_INIT;
    pid_t pid;
    strv_take(&argv, bin_path(program));
    if (option)
        strv_add(&argv, option);
    strv_add(&argv, id);
    struct spawn s = {.argv = argv.v, .in = -1, .out = -1, .err = SPAWN_INHERIT, .report = -1};
    if (spawn(&s, &pid, e) < 0)
        return -1;
    e->code = spawn_wait(pid);
    e->msg[0] = '\0'; /* said already */
    return e->code ? -1 : 0;
}

/* Asked before anything is made. */
static int may_destroy(const struct roots *r, const struct ctr *c, struct err *e)
{
    struct ctr_status s;
    ctr_status(r, c, &s);
    if (!ctr_is_up(&s))
        return 0;
    err_set(e, 0, "cannot replace container %s as it is running: container state improper", c->id);
    return err_hint(e, "Type: pod container clone --destroy --force %s", ctr_name(c));
}

static int work(const struct options *o, char **operands, struct err *e)
{
    struct roots r;
    struct ctr c;
    char usual[300];
    cleanup(strv_free) struct strv argv = STRV_INIT;
    cleanup(buf_free) struct buf id = BUF_INIT;
    if (roots_open(&r, e) < 0 || ctr_find(&r, operands[0], &c, e) < 0)
        return -1;
    if (o->destroy && !o->force && may_destroy(&r, &c, e) < 0)
        return -1;
    const char *name = operands[1] ? operands[1] : o->name;
    choose_name(&r, ctr_name(&c), usual, sizeof usual);
    if (words_of(&c, o, name ? name : usual, operands[1] ? operands[2] : NULL, &argv, e) < 0)
        return -1;
    const char *dir = jx_str(c.record, "createDir");
    cleanup_free char *old = xstrdup(c.id);
    if (*dir && chdir(dir) < 0)
        return err_sys(e, "cannot go to \"%s\", where the container was made", dir);
    ctr_close(&c);
    struct spawn s = {.argv = argv.v, .in = -1, .err = SPAWN_INHERIT, .report = -1};
    int code = spawn_and_read(&s, 4096, &id, e);
    if (code != 0) {
        if (code > 0)
            err_set(e, code, "%s", ""); /* said already */
        return -1;
    }
    id.s[strcspn(id.s, "\n")] = '\0';
    if (o->destroy && run_other("pod-rm", o->force ? "--force" : NULL, old, e) < 0)
        return -1;
    if (o->run && run_other("pod-start", NULL, id.s, e) < 0)
        return -1;
    puts(id.s);
    return 0;
}

int do_clone(int argc, char **argv)
{
    struct err e = ERR_INIT;
    struct options o = {0};
    int code = 0;
    int first = say_parse(&command, &o, argc, argv, &code);
    if (first < 0)
        return code;
    if (work(&o, argv + first, &e) < 0)
        return e.msg[0] ? say_error(&e) : e.code;
    return say_end(0);
}
