/* pod-top: the processes of a container. */
#include "say.h"
#include "top/top.h"

#include "disk/at.h"
#include "disk/inside.h"
#include "plain/fdio.h"
#include "things/spawn.h"
#include "things/table.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MAX_ETC (4 << 20)

struct options {
    bool latest;
};

static const struct opt options[] = {
    {"latest", 'l', OPT_BOOL, NULL, "The container created last", offsetof(struct options, latest)},
    {0},
};

static const struct cmd command = {
    .name = "pod top",
    .operands = "CONTAINER [COLUMN...]",
    .summary = "Show the processes of a container",
    .more = "Columns: args comm etime group hgroup hpid huser nice pcpu pgid pid ppid rgroup rss\n"
            "ruser state time tty user vsz; anything else is passed to ps(1) in the container.\n\n"
            "Exit codes: 0 done, 125 pod failed or the container does not run.",
    .opts = options,
    .max = -1,
    .stop_at_operand = 1,
};

static const char *const usual[] = {"user", "pid",  "ppid", "pcpu", "etime",
                                    "tty",  "time", "args", NULL};

static void read_map(pid_t pid, const char *file, struct buf *out)
{
    cleanup_free char *path = xasprintf("/proc/%d/%s", pid, file);
    (void)at_read(AT_FDCWD, path, MAX_ETC, out);
}

/* -eo pid,comm and the like are for the container's own ps. */
static bool for_ps(char *const *names)
{
    for (; *names; names++)
        if (!column_find(*names))
            return true;
    return false;
}

static int run_ps(const char *id, char *const *words, struct err *e)
{
    cleanup(strv_free) struct strv argv = STRV_INIT;
    strv_take(&argv, bin_path("pod-exec"));
    strv_add(&argv, id);
    strv_add(&argv, "ps");
    for (; *words; words++)
        strv_add(&argv, *words);
    execv(argv.v[0], argv.v);
    return err_sys(e, "cannot run \"%s\"", argv.v[0]);
}

static int show(pid_t first, char *const *names, struct err *e)
{
    struct view v = {.first = first};
    cleanup(buf_free) struct buf text = BUF_INIT, out = BUF_INIT;
    cleanup(procs_free) struct procs all = {0}, own = {0};
    procs_read(&all);
    if (procs_of(&all, first, &own, e) < 0)
        return -1;
    inside_read(first, "etc/passwd", MAX_ETC, &v.passwd);
    inside_read(first, "etc/group", MAX_ETC, &v.group);
    read_map(first, "uid_map", &v.uid_map);
    read_map(first, "gid_map", &v.gid_map);
    for (size_t k = 0; names[k]; k++)
        buf_addf(&text, "%s%s", k ? "\t" : "", column_find(names[k])->heading);
    buf_addc(&text, '\n');
    for (size_t i = 0; i < own.n; i++) {
        for (size_t k = 0; names[k]; k++) {
            if (k)
                buf_addc(&text, '\t');
            column_find(names[k])->print(&own.v[i], &v, &text);
        }
        buf_addc(&text, '\n');
    }
    table_align(text.s, text.len, &out);
    fputs(buf_str(&out), stdout);
    return 0;
}

static int work(const struct options *o, char **operands, struct err *e)
{
    cleanup(strv_free) struct strv names = STRV_INIT;
    struct roots r;
    struct ctr c;
    struct ctr_status s;
    if (!o->latest && !*operands)
        return err_set(e, 0, "you must provide the name or id of a running container");
    if (roots_open(&r, e) < 0)
        return -1;
    if (o->latest ? ctr_latest(&r, &c, e) < 0 : ctr_find(&r, *operands++, &c, e) < 0)
        return err_prefix(e, "unable to look up requested container");
    ctr_status(&r, &c, &s);
    if (!ctr_is_up(&s))
        return err_set(e, 0,
                       "top can only be used on running containers: container state improper");
    if (for_ps(operands) && !(operands[0] && strchr(operands[0], ',')))
        return run_ps(c.id, operands, e);
    for (; *operands; operands++)
        strv_split(&names, *operands, ','); /* pid,comm is podman's way too */
    if (!names.n)
        for (size_t i = 0; usual[i]; i++)
            strv_add(&names, usual[i]);
    if (for_ps(names.v))
        return run_ps(c.id, names.v, e);
    return show(s.pid, names.v, e);
}

int main(int argc, char **argv)
{
    struct err e = ERR_INIT;
    struct options o = {0};
    int code = 0;
    int first = say_parse(&command, &o, argc, argv, &code);
    if (first < 0)
        return code;
    if (work(&o, argv + first, &e) < 0)
        return say_error(&e);
    return say_end(0);
}
