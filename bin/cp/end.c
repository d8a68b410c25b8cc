#include "cp.h"

#include "disk/lock.h"
#include "things/spawn.h"
#include "things/start.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define LOCK_PATIENCE_MS 20000
#define NAP_MS           5

/* ---- containers ---- */

/* What a start would mount there and keeps what is written to it. */
static void add_binds(const struct ctr *c, struct strv *argv)
{
    const json_t *m;
    size_t i;
    json_array_foreach(json_object_get(c->record, "mounts"), i, m)
    {
        cleanup(strv_free) struct strv options = STRV_INIT;
        if (strcmp(jx_str(m, "type"), "bind") != 0)
            continue;
        jx_strv(m, "options", &options);
        strv_add(argv, "--bind");
        strv_add(argv, jx_str(m, "source"));
        strv_add(argv, jx_str(m, "destination"));
        strv_add(argv, strv_has(&options, "ro") ? "ro" : "rw");
    }
}

static void take_view(struct end *end, const struct view *view)
{
    strv_free(&end->begin);
    end->begin = (struct strv)STRV_INIT;
    for (size_t i = 0; i < view->line.n; i++)
        strv_add(&end->begin, view->line.v[i]);
    strv_take(&end->begin, tool_path("pod-copy"));
    strv_add(&end->begin, "--root");
    strv_add(&end->begin, view->dir);
    add_binds(&end->c, &end->begin);
}

static int at_rest(struct end *end, struct err *e)
{
    cleanup(view_free) struct view view = VIEW_INIT;
    if (view_to_change(end->roots, &end->c, &view, e) < 0)
        return -1;
    take_view(end, &view);
    return 0;
}

/* Two mounts that write to the same directory do not get on with each other. */
static void only_read(struct end *end)
{
    cleanup(view_free) struct view view = VIEW_INIT;
    view_container(end->roots, &end->c, &view);
    take_view(end, &view);
}

/*
 * One that does not run is kept from starting meanwhile: its root is mounted for us. Whoever holds
 * the lock and runs nothing starts it, ends it or copies as we do.
 */
static int open_container(struct end *other, struct end *end, struct err *e)
{
    bool ours = other && other->lock >= 0 && strcmp(other->c.id, end->c.id) == 0;
    for (int ms = 0; ms < LOCK_PATIENCE_MS; ms += NAP_MS) {
        struct ctr_status s;
        ctr_status(end->roots, &end->c, &s);
        if (s.pid) {
            start_add_userns(&end->begin);
            strv_take(&end->begin, tool_path("pod-copy"));
            strv_add(&end->begin, "--pid");
            strv_addf(&end->begin, "%d", (int)s.pid);
            return 0;
        }
        if (ours)
            only_read(other);
        if (ours || (end->lock = lock_try(end->c.dir, "lock", LOCK_EXCLUSIVE)) >= 0)
            return at_rest(end, e);
        if (errno != EAGAIN)
            return err_sys(e, "cannot lock container %s", end->c.id);
        nanosleep(&(struct timespec){.tv_nsec = NAP_MS * 1000000L}, NULL);
    }
    err_set(e, 0, "container %s is being changed by another command", end->c.id);
    return err_hint(e, "Try again in a moment, or see: pod ps -a");
}

static int ask(const struct end *end, const char *path, enum kind *ret, char **ret_path,
               struct err *e)
{
    cleanup(strv_free) struct strv argv = STRV_INIT;
    char answer[PATH_MAX + 16];
    for (size_t i = 0; i < end->begin.n; i++)
        strv_add(&argv, end->begin.v[i]);
    strv_add(&argv, "stat");
    strv_add(&argv, path);
    struct spawn s = {.argv = argv.v, .in = -1, .out = -1, .err = -1, .report = -1};
    if (spawn_and_report(&s, "pod-copy", answer, sizeof answer, e) < 0)
        return -1;
    if (strlen(answer) < 3)
        return err_set(e, 0, "pod-copy said \"%s\"", answer);
    *ret = (enum kind)answer[0];
    if (ret_path)
        *ret_path = xstrdup(answer + 2);
    return 0;
}

/* ---- the host ---- */

static enum kind host_kind(const char *path)
{
    struct stat st;
    if (stat(path, &st) == 0)
        return S_ISDIR(st.st_mode) ? KIND_DIR : KIND_FILE;
    cleanup_free char *dir = xstrdup(path);
    char *slash = strrchr(dir, '/');
    if (!slash)
        return KIND_NEW;
    slash[slash == dir] = '\0';
    return stat(dir, &st) == 0 && S_ISDIR(st.st_mode) ? KIND_NEW : KIND_NOWHERE;
}

/* A link at the end that leads nowhere yet: what is made is what it names. */
static char *host_path(const char *typed)
{
    char *real = realpath(typed, NULL);
    if (real)
        return real;
    cleanup_free char *here = getcwd(NULL, 0);
    return typed[0] == '/' ? xstrdup(typed) : xasprintf("%s/%s", here ? here : "", typed);
}

/* ---- both ---- */

/* Slashes and "/." at the end only say that a directory is meant. */
static char *trimmed(const char *path)
{
    size_t n = strlen(path);
    for (;;) {
        if (n > 1 && path[n - 1] == '/')
            n--;
        else if (n > 2 && strcmp(path + n - 2, "/.") == 0 && path[n] == '\0')
            n--;
        else
            break;
    }
    return xstrndup(path, n);
}

static bool is_host(const char *operand)
{
    const char *colon = strchr(operand, ':');
    return !colon || operand[0] == '/' || operand[0] == '.' ||
           memchr(operand, '/', (size_t)(colon - operand));
}

int end_kind(const struct end *end, const char *path, enum kind *ret, struct err *e)
{
    if (end->where)
        return ask(end, path, ret, NULL, e);
    *ret = host_kind(path);
    return 0;
}

int end_open(const struct roots *r, const char *operand, struct end *other, struct end *ret,
             struct err *e)
{
    ret->roots = r;
    ret->typed = operand;
    ret->stream = strcmp(operand, "-") == 0;
    if (ret->stream)
        return 0;
    if (is_host(operand)) {
        cleanup_free char *path = trimmed(operand);
        ret->path = host_path(path);
        ret->kind = host_kind(ret->path);
        return *operand ? 0 : err_set(e, 0, "a path cannot be empty");
    }
    char *name = xstrdup(operand), *colon = strchr(name, ':');
    *colon = '\0';
    ret->where = name;
    ret->typed = colon + 1;
    if (ctr_find(r, name, &ret->c, e) < 0 || open_container(other, ret, e) < 0)
        return -1;
    const char *work = jx_str(ret->c.record, "workdir");
    cleanup_free char *path = trimmed(ret->typed);
    cleanup_free char *whole = path[0] == '/' ? xstrdup(path)
                                              : xasprintf("%s%s%s", *work ? work : "/",
                                                          strcmp(work, "/") ? "/" : "", path);
    return ask(ret, whole, &ret->kind, &ret->path, e);
}

void end_close(struct end *end)
{
    ctr_close(&end->c);
    if (end->lock >= 0)
        close(end->lock);
    strv_free(&end->begin);
    free(end->path);
    free((char *)end->where);
}

int end_missing(const struct end *end, struct err *e)
{
    if (!end->where)
        return err_set(e, 0, "\"%s\" could not be found on the host: no such file or directory",
                       end->typed);
    return err_set(e, 0, "\"%s\" could not be found on container %s: no such file or directory",
                   end->typed, end->where);
}

void end_command(const struct end *end, const char *dir, const struct strv *program,
                 struct strv *ret)
{
    if (end->where) {
        for (size_t i = 0; i < end->begin.n; i++)
            strv_add(ret, end->begin.v[i]);
        strv_add(ret, "enter");
        strv_add(ret, dir);
        strv_add(ret, "--");
    } else {
        start_add_userns(ret);
    }
    bool placed = end->where; /* pod-copy does it */
    for (size_t i = 0; i < program->n; i++) {
        bool here = !placed && strcmp(program->v[i], "{}") == 0;
        strv_add(ret, here ? dir : program->v[i]);
        placed = placed || here;
    }
}
