/* list, ps, pause, resume, update: containers seen from outside. */
#include "rt.h"

#include "disk/account.h"
#include "disk/at.h"
#include "plain/fdio.h"
#include "things/spawn.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define MAX_RESOURCES (4 << 20)

static int print_json(const json_t *o, struct err *e)
{
    json_dumpf(o, stdout, JSON_COMPACT | JSON_PRESERVE_ORDER);
    putchar('\n');
    return fflush(stdout) ? err_sys(e, "cannot write to standard output") : 0;
}

static int check_format(const char *format, struct err *e)
{
    return !format || strcmp(format, "json") == 0 || strcmp(format, "table") == 0
               ? 0
               : err_set(e, 0, "invalid format \"%s\": use table or json", format);
}

/* ---- list ---- */

static void list_one(struct rt *rt, json_t *all, bool json)
{
    struct state s;
    struct err e = ERR_INIT;
    if (state_load(rt, &s, &e) < 0)
        return; /* gone in between, or being made */
    const char *status = state_status(rt, &s);
    struct account a;
    cleanup_free char *owner =
        account_by_id(s.owner, &a) == 0 ? xstrdup(a.name) : xasprintf("#%u", s.owner);
    if (json) {
        json_t *o = state_json(rt, &s, status);
        json_object_set_new(o, "owner", json_string(owner));
        json_array_append_new(all, o);
    } else if (rt->o->quiet) {
        puts(rt->id);
    } else {
        printf("%-12s %-9d %-10s %-39s %-30s %s\n", rt->id,
               strcmp(status, "stopped") == 0 ? 0 : (int)s.pid, status, s.bundle, s.created, owner);
    }
    state_free(&s);
}

int cmd_list(struct rt *rt, struct err *e)
{
    bool json = str_eq(rt->o->format, "json");
    cleanup(strv_free) struct strv ids = STRV_INIT;
    cleanup_json all = json_array();
    if (check_format(rt->o->format, e) < 0 || state_matching(rt, NULL, &ids, e) < 0)
        return -1;
    if (!json && !rt->o->quiet)
        printf("%-12s %-9s %-10s %-39s %-30s %s\n", "ID", "PID", "STATUS", "BUNDLE", "CREATED",
               "OWNER");
    for (size_t i = 0; i < ids.n; i++) {
        rt->id = ids.v[i];
        list_one(rt, all, json);
    }
    if (json)
        return print_json(all, e);
    return fflush(stdout) ? err_sys(e, "cannot write to standard output") : 0;
}

/* ---- ps ---- */

static bool same_pidns(const char *pid, const struct stat *want)
{
    struct stat st;
    cleanup_free char *path = xasprintf("/proc/%s/ns/pid", pid);
    return stat(path, &st) == 0 && st.st_ino == want->st_ino && st.st_dev == want->st_dev;
}

/* Without a cgroup of its own: everybody in its pid namespace, or init alone. */
static void pids_by_namespace(const struct state *s, json_t *list)
{
    struct stat theirs, ours;
    cleanup_free char *path = xasprintf("/proc/%d/ns/pid", s->pid);
    if (stat(path, &theirs) < 0 || stat("/proc/self/ns/pid", &ours) < 0 ||
        theirs.st_ino == ours.st_ino) {
        json_array_append_new(list, json_integer(s->pid));
        return;
    }
    DIR *d = opendir("/proc");
    for (struct dirent *x; d && (x = readdir(d));) {
        uint64_t pid;
        if (str_u64(x->d_name, INT32_MAX, &pid) == 0 && same_pidns(x->d_name, &theirs))
            json_array_append_new(list, json_integer((json_int_t)pid));
    }
    if (d)
        closedir(d);
}

static json_t *pids_of(const struct state *s)
{
    json_t *list = json_array();
    cleanup(buf_free) struct buf b = BUF_INIT;
    cleanup(strv_free) struct strv lines = STRV_INIT;
    uint64_t pid;
    if (!s->cgroup || cgroup_pids(s->cgroup, &b) < 0 || !b.len) {
        pids_by_namespace(s, list);
        return list;
    }
    strv_split(&lines, buf_str(&b), '\n');
    for (size_t i = 0; i < lines.n; i++)
        if (str_u64(lines.v[i], INT32_MAX, &pid) == 0)
            json_array_append_new(list, json_integer((json_int_t)pid));
    return list;
}

static bool has(const json_t *list, uint64_t pid)
{
    const json_t *p;
    size_t i;
    json_array_foreach(list, i, p)
    {
        if ((uint64_t)json_integer_value(p) == pid)
            return true;
    }
    return false;
}

/* The word number `column` of a line of ps, when it is a pid of the list. */
static bool is_listed(const char *line, size_t column, const json_t *list)
{
    char word[24];
    uint64_t pid;
    for (; column > 0; column--) {
        line += strspn(line, " ");
        line += strcspn(line, " ");
    }
    line += strspn(line, " ");
    snprintf(word, sizeof word, "%.*s", (int)strcspn(line, " \n"), line);
    return str_u64(word, INT32_MAX, &pid) == 0 && has(list, pid);
}

static size_t pid_column(const char *header)
{
    size_t n = 0;
    while (*(header += strspn(header, " ")) && !str_starts(header, "PID ")) {
        header += strcspn(header, " \n");
        n++;
    }
    return n;
}

/* What ps(1) says of them, with its own options; only their numbers where there is no ps. */
static int table_of(const json_t *list, char **argv, struct err *e)
{
    cleanup(strv_free) struct strv cmd = STRV_INIT, lines = STRV_INIT;
    cleanup(buf_free) struct buf b = BUF_INIT;
    const json_t *p;
    size_t i;
    int out[2];
    pid_t pid;
    strv_add(&cmd, "ps");
    for (char **a = argv; *a; a++)
        strv_add(&cmd, *a);
    if (!*argv)
        strv_add(&cmd, "-ef");
    if (pipe2(out, O_CLOEXEC) < 0)
        return err_sys(e, "cannot make a pipe");
    if ((pid = fork()) == 0) {
        dup2(out[1], 1);
        execvp(cmd.v[0], cmd.v);
        _exit(127);
    }
    close(out[1]);
    int r = fd_read_all(out[0], MAX_RESOURCES, &b);
    close(out[0]);
    if (pid < 0 || spawn_wait(pid) != 0 || r < 0 || !b.len) {
        puts("PID");
        json_array_foreach(list, i, p) printf("%lld\n", (long long)json_integer_value(p));
        return fflush(stdout) ? err_sys(e, "cannot write to standard output") : 0;
    }
    strv_split(&lines, buf_str(&b), '\n');
    size_t column = pid_column(lines.v[0]);
    for (i = 0; i < lines.n; i++)
        if (i == 0 || is_listed(lines.v[i], column, list))
            puts(lines.v[i]);
    return fflush(stdout) ? err_sys(e, "cannot write to standard output") : 0;
}

int cmd_ps(struct rt *rt, char **argv, struct err *e)
{
    struct state s;
    if (check_format(rt->o->format, e) < 0 || state_load(rt, &s, e) < 0)
        return -1;
    bool stopped = strcmp(state_status(rt, &s), "stopped") == 0;
    cleanup_json list = stopped ? json_array() : pids_of(&s);
    state_free(&s);
    if (str_eq(rt->o->format, "json"))
        return print_json(list, e);
    return table_of(list, argv, e);
}

/* ---- pause, resume, update ---- */

/* Loads the state and its cgroup; an error when there is none to work with. */
static int with_cgroup(struct rt *rt, struct state *s, const char *what, struct err *e)
{
    if (state_load(rt, s, e) < 0)
        return -1;
    if (s->cgroup)
        return 0;
    state_free(s);
    return err_set(e, 0, "cannot %s container %s: it has no cgroup of its own", what, rt->id);
}

static int freeze(struct rt *rt, bool on, struct err *e)
{
    struct state s;
    const char *what = on ? "pause" : "resume";
    if (with_cgroup(rt, &s, what, e) < 0)
        return -1;
    const char *status = state_status(rt, &s);
    bool fits = on ? strcmp(status, "running") == 0 || strcmp(status, "created") == 0
                   : cgroup_frozen(s.cgroup);
    int r = fits ? cgroup_freeze(s.cgroup, on, e)
                 : err_set(e, 0, "cannot %s container %s: it is %s", what, rt->id, status);
    state_free(&s);
    return r;
}

int cmd_pause(struct rt *rt, struct err *e)
{
    return freeze(rt, true, e);
}

int cmd_resume(struct rt *rt, struct err *e)
{
    return freeze(rt, false, e);
}

static int put_number(json_t *into, const char *key, const char *text, struct err *e)
{
    int64_t v;
    if (!text)
        return 0;
    if (str_i64(text, -1, INT64_MAX, &v) < 0)
        return err_set(e, 0, "\"%s\" is not a number", text);
    json_object_set_new(into, key, json_integer((json_int_t)v));
    return 0;
}

static json_t *from_options(const struct options *o, struct err *e)
{
    json_t *memory = json_object(), *cpu = json_object(), *pids = json_object(),
           *io = json_object();
    json_t *all = json_pack("{s:o, s:o, s:o, s:o}", "memory", memory, "cpu", cpu, "pids", pids,
                            "blockIO", io);
    jx_set_str(cpu, "cpus", o->cpus);
    jx_set_str(cpu, "mems", o->mems);
    if (put_number(memory, "limit", o->memory, e) == 0 &&
        put_number(memory, "swap", o->memory_swap, e) == 0 &&
        put_number(memory, "reservation", o->reservation, e) == 0 &&
        put_number(cpu, "shares", o->shares, e) == 0 &&
        put_number(cpu, "quota", o->quota, e) == 0 &&
        put_number(cpu, "period", o->period, e) == 0 &&
        put_number(pids, "limit", o->pids, e) == 0 &&
        put_number(io, "weight", o->blkio_weight, e) == 0)
        return all;
    json_decref(all);
    return NULL;
}

static json_t *from_file(const char *path, struct err *e)
{
    cleanup(buf_free) struct buf text = BUF_INIT;
    bool in = strcmp(path, "-") == 0;
    json_t *r = NULL;
    if ((in ? fd_read_all(0, MAX_RESOURCES, &text)
            : at_read(AT_FDCWD, path, MAX_RESOURCES, &text)) < 0) {
        err_sys(e, "cannot read \"%s\"", path);
        return NULL;
    }
    spec_fold_numbers(&text);
    return jx_parse(path, buf_str(&text), text.len, &r, e) < 0 ? NULL : r;
}

int cmd_update(struct rt *rt, struct err *e)
{
    struct state s;
    struct resources l;
    const struct options *o = rt->o;
    cleanup_json wanted = o->resources ? from_file(o->resources, e) : from_options(o, e);
    if (!wanted || resources_read(wanted, &l, e) < 0 || with_cgroup(rt, &s, "update", e) < 0)
        return -1;
    int r = resources_apply(&l, s.cgroup, e);
    state_free(&s);
    return r;
}
