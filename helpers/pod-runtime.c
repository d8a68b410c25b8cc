/*
 * pod-runtime: an OCI runtime. Verbs and options as crun and runc have them, so that podman,
 * conmon and others can call it; helpers/runtime/ has the rooms.
 */
#include "runtime/rt.h"

#include "disk/at.h"
#include "disk/report.h"
#include "plain/buf.h"
#include "plain/fdio.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

#define MAX_SPEC (16 << 20)

static void to_log(const struct options *o, const struct err *e)
{
    char when[40];
    time_t now = time(NULL);
    cleanup_fd int fd = open(o->log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
    if (fd < 0)
        return;
    strftime(when, sizeof when, "%Y-%m-%dT%H:%M:%SZ", gmtime(&now));
    cleanup_json line = json_pack("{s:s, s:s, s:s}", "msg", e->msg, "level", "error", "time", when);
    cleanup_free char *text = o->log_format && strcmp(o->log_format, "json") == 0
                                  ? json_dumps(line, JSON_COMPACT)
                                  : xasprintf("%s %s", when, e->msg);
    if (text)
        dprintf(fd, "%s\n", text);
}

/* What engines say of an exit code is theirs to add; pod, which we know by its options, leaves it
 * to us. */
static void drop_engines_words(struct err *e)
{
    static const char *const words[] = {
        ": OCI runtime attempted to invoke a command that was not found",
        ": OCI permission denied"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (str_ends(e->msg, words[i]))
            e->msg[strlen(e->msg) - strlen(words[i])] = '\0';
}

static int fail(const struct options *o, struct err *e)
{
    if (o->report == REPORT_FD)
        report_err(e);
    else if (!o->journal)
        drop_engines_words(e);
    if (o->log)
        to_log(o, e);
    fprintf(stderr, "Error: %s\n", e->msg);
    if (e->hint[0])
        fprintf(stderr, "%s\n", e->hint);
    return e->code ? e->code : 125;
}

/* The text too: it is kept beside the state, since later changes of the file must not matter. */
static int load_spec(struct rt *rt, const char *path, const char *bundle, struct err *e)
{
    cleanup(buf_free) struct buf text = BUF_INIT;
    if (at_read(AT_FDCWD, path, MAX_SPEC, &text) < 0)
        return err_sys(e, "cannot read \"%s\"", path);
    rt->spec_len = text.len;
    rt->spec_text = xstrndup(buf_str(&text), text.len);
    if (rt->seccomp_fd >= 0)
        spec_drop_rules(&text);
    spec_fold_numbers(&text);
    if (jx_parse(path, buf_str(&text), text.len, &rt->spec, e) < 0)
        return -1;
    const char *root = jx_str(json_object_get(rt->spec, "root"), "path");
    rt->rootfs = root[0] == '/' ? xstrdup(root) : xasprintf("%s/%s", bundle, root);
    rt->bundle = xstrdup(bundle);
    return 0;
}

static int open_spec(struct rt *rt, bool creating, struct err *e)
{
    const struct options *o = rt->o;
    if (creating) {
        const char *dir = o->bundle ? o->bundle : ".",
                   *name = o->config ? o->config : "config.json";
        cleanup_free char *full = realpath(dir, NULL);
        if (!full)
            return err_sys(e, "cannot find bundle \"%s\"", dir);
        cleanup_free char *path = name[0] == '/' ? xstrdup(name) : xasprintf("%s/%s", full, name);
        return load_spec(rt, path, full, e) < 0 ? -1 : check_spec(rt->spec, rt->rootfs, e);
    }
    struct state s;
    struct err none = ERR_INIT;
    if (!rt->id || state_load(rt, &s, &none) < 0)
        return 0; /* the verb says it better */
    cleanup_free char *path = state_file(rt, "config.json");
    int r = load_spec(rt, path, s.bundle, e);
    state_free(&s);
    return r;
}

static int wait_for(struct rt *rt, int *code, struct err *e)
{
    struct state s;
    struct err ignored = ERR_INIT;
    if (state_load(rt, &s, e) < 0)
        return -1;
    int r = foreground(s.pid, rt->terminal_fd, code, e);
    state_free(&s);
    rt->force = true;
    if (!rt->o->keep)
        cmd_delete(rt, &ignored);
    return r;
}

static int run(struct rt *rt, bool start_too, int *code, struct err *e)
{
    if (cmd_create(rt, start_too, e) < 0)
        return -1;
    return start_too && !rt->o->detach ? wait_for(rt, code, e) : 0;
}

static int dispatch(struct rt *rt, const char *verb, char **argv, int *code, struct err *e)
{
    static const struct {
        const char *name;
        int (*run)(struct rt *rt, struct err *e);
    } simple[] = {{"start", cmd_start},       {"state", cmd_state}, {"delete", cmd_delete},
                  {"list", cmd_list},         {"pause", cmd_pause}, {"resume", cmd_resume},
                  {"features", cmd_features}, {"spec", cmd_spec},   {"update", cmd_update},
                  {"events", cmd_events}};
    for (size_t i = 0; i < sizeof simple / sizeof *simple; i++)
        if (strcmp(verb, simple[i].name) == 0)
            return simple[i].run(rt, e);
    if (strcmp(verb, "ps") == 0)
        return cmd_ps(rt, argv, e);
    if (strcmp(verb, "kill") == 0)
        return cmd_kill(rt, argv[0] ? argv[0] : "TERM", e);
    if (strcmp(verb, "exec") == 0)
        return cmd_exec(rt, argv, code, e);
    return run(rt, strcmp(verb, "run") == 0, code, e);
}

static char *default_root(void)
{
    const char *dir = getenv("XDG_RUNTIME_DIR");
    return dir ? xasprintf("%s/pod/runtime", dir) : xstrdup("/run/pod/runtime");
}

static int check_id(const char *id, struct err *e)
{
    static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                  "0123456789_+-.";
    size_t n = strspn(id, allowed);
    if (id[n] > 0)
        return err_set(e, 0, "invalid character `%c` in the ID `%s`", id[n], id);
    if (!*id || id[n] || *id == '.' || strlen(id) > 200)
        return err_set(e, 0, "invalid container id `%s`", id);
    return 0;
}

/* For one container, or with --regex for each that matches. */
static int each(struct rt *rt, char **rest, int *code, struct err *e)
{
    cleanup(strv_free) struct strv ids = STRV_INIT;
    int r = 0;
    if (!rt->o->regex) {
        if (rest[1] && rt->needs_id && check_id(rest[1], e) < 0)
            return -1;
        rt->id = rt->needs_id ? rest[1] : NULL;
        return open_spec(rt, rt->creating, e) < 0 ? -1 : dispatch(rt, rest[0], rest + 2, code, e);
    }
    if (state_matching(rt, rest[1], &ids, e) < 0)
        return -1;
    for (size_t i = 0; i < ids.n && r == 0; i++) {
        rt->id = ids.v[i];
        r = open_spec(rt, false, e) < 0 ? -1 : dispatch(rt, rest[0], rest + 2, code, e);
    }
    return r;
}

static void say_version(void)
{
    puts("pod-runtime version 0.2.0\nspec: " OCI_VERSION "\n+CAP +SECCOMP");
}

/* Nothing of ours may be where the caller's descriptors will be. */
static void reserve(const struct options *o)
{
    int null = o->preserve_at ? open("/dev/null", O_RDWR | O_CLOEXEC) : -1;
    for (int i = 0; null >= 0 && i < o->preserve_fds && null < 3 + o->preserve_fds; i++)
        null = fcntl(null, F_DUPFD_CLOEXEC, 3);
}

int main(int argc, char **argv)
{
    struct err e = ERR_INIT;
    struct options o = {.report = -1};
    char **rest = NULL;
    /* the parser moves words about, and self_protect begins again from the first */
    cleanup_free char **typed = xcalloc((size_t)argc + 1, sizeof *typed);
    memcpy(typed, argv, (size_t)argc * sizeof *typed);
    int code = 0, r = options_read(argc, argv, &o, &rest, &e);
    if (r == CMD_HELP || (r == CMD_OK && !rest && !o.version)) {
        cleanup(buf_free) struct buf b = BUF_INIT;
        options_help(rest ? rest[0] : NULL, &b);
        return fd_write_all(1, b.s, b.len) < 0 ? 125 : 0;
    }
    if (r < 0)
        return fail(&o, &e);
    if (o.version) {
        say_version();
        return fflush(stdout) ? 125 : 0;
    }
    reserve(&o);
    bool execs = strcmp(rest[0], "exec") == 0, runs = strcmp(rest[0], "run") == 0;
    struct rt rt = {
        .o = &o,
        .root = o.root ? o.root : default_root(),
        .report_fd = o.report == REPORT_FD ? REPORT_FD : -1,
        .force = o.force,
        .terminal_fd = -1,
        .console_fd = -1,
        .lent_fd = -1,
        .lender = -1,
        .listener_fd = -1,
        .listener_end = -1,
        .agent_fd = -1,
        .root_tree = -1,
        .notify_fd = -1,
        .creating = runs || strcmp(rest[0], "create") == 0,
        .needs_id = !str_in(rest[0], (const char *const[]){"list", "features", "spec", NULL}),
        .seccomp_fd = o.seccomp ? open(o.seccomp, O_RDONLY | O_CLOEXEC) : -1,
    };
    if ((rt.creating || execs) && self_protect(typed, &e) < 0)
        return fail(&o, &e);
    if (rt.report_fd >= 0)
        fd_cloexec(REPORT_FD, true);
    if (runs && !o.detach)
        prctl(PR_SET_CHILD_SUBREAPER, 1);
    if (each(&rt, rest, &code, &e) < 0)
        return fail(&o, &e);
    if (rt.report_fd >= 0 && !execs)
        report_ok(NULL);
    return code;
}
