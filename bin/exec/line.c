/* The command that runs the command: helpers, the runtime, its options. */
#include "exec.h"

#include "disk/at.h"
#include "plain/fdio.h"
#include "things/seccomp.h"
#include "things/spawn.h"
#include "things/start.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

static int add_filter(const struct roots *r, const struct ctr *c, bool single, struct strv *argv,
                      struct err *e)
{
    cleanup(seccomp_wish_free) struct seccomp_wish wish = {0};
    char name[SECCOMP_NAME_SIZE];
    json_t *made = NULL;
    if (!seccomp_wish(r, c->record, single, true, &wish))
        return 0;
    cleanup_fd int cache = at_open_dir(r->own, "cache");
    if (cache < 0 || seccomp_cached(cache, &wish, name, &made, e) < 0)
        return -1;
    json_decref(made);
    strv_add(argv, "--seccomp-bpf");
    strv_addf(argv, "%s/pod/cache/%s.bpf", r->graph_path, name);
    return 0;
}

static void add_two(struct strv *argv, const char *option, const char *value)
{
    strv_add(argv, option);
    strv_add(argv, value);
}

/* A container with limits has a cgroup of its own, and all its processes are in that. */
static int add_cgroup(const struct roots *r, const struct ctr *c, struct strv *argv, struct err *e)
{
    const json_t *limits = json_object_get(c->record, "limits");
    cleanup(buf_free) struct buf dir = BUF_INIT;
    cleanup_free char *file = xasprintf("%s/cgroup", c->id);
    if (at_read(r->run, file, 4096, &dir) < 0 || !dir.len)
        return json_object_size(limits) == (json_object_get(limits, "own") ? 1u : 0u)
                   ? 0
                   : err_set(e, 0, "the cgroup of container %s is not known any more", c->id);
    strv_take(argv, tool_path("pod-cgroup"));
    add_two(argv, "--join", dir.s);
    strv_add(argv, "--");
    return 0;
}

int exec_line(const struct roots *r, const struct ctr *c, const struct exec_opts *o, int process,
              const char *console, struct exec_foreign *f, struct strv *argv, struct err *e)
{
    char *runtime;
    bool ours;
    *f = (struct exec_foreign){.preserve = (int)o->preserve_fds};
    if (runtime_find(c, &runtime, &ours, e) < 0)
        return -1;
    if (add_cgroup(r, c, argv, e) < 0) {
        free(runtime);
        return -1;
    }
    start_add_rootfs(true, argv);
    if (!ours)
        start_add_preserved(o->preserve_fds, argv);
    strv_add(argv, "--");
    runtime_globals(r, runtime, ours, argv);
    free(runtime);
    if (ours && o->detach)
        add_two(argv, "--report-fd", "3");
    if (!ours) {
        cleanup_free char *dir = xasprintf("%s/%s", r->run_path, c->id);
        exec_foreign_open(f, dir, o);
        add_two(argv, "--log", f->log);
        add_two(argv, "--log-format", "json");
    }
    runtime_verb(c, "exec", argv);
    if (!ours) {
        strv_add(argv, "--detach");
        add_two(argv, "--pid-file", f->pid_file);
    }
    strv_add(argv, "--process");
    strv_addf(argv, "/proc/self/fd/%d", process);
    if (console)
        add_two(argv, "--console-socket", console);
    if (ours) {
        start_add_preserved(o->preserve_fds, argv);
    } else if (o->preserve_fds > 0) {
        strv_add(argv, "--preserve-fds");
        strv_addf(argv, "%lld", (long long)o->preserve_fds);
    }
    if (ours && add_filter(r, c, o->single, argv, e) < 0)
        return -1;
    if (ours && !o->no_journal) {
        strv_add(argv, "--journal");
        strv_take(argv, ctr_path(r, c->id));
    }
    strv_add(argv, c->id);
    return 0;
}
