#include "things/start_chain.h"

#include "disk/at.h"
#include "things/health.h"
#include "things/spawn.h"
#include "things/start.h"
#include "things/volume.h"
#include "words/reasons.h"
#include "words/template.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define DEFAULT_LOG_MAX (32 << 20)

void chain_free(struct chain *ch)
{
    free(ch->ctr_dir);
    free(ch->run_dir);
    free(ch->runtime);
    json_decref(ch->maps);
}

/* ---- runtimes ---- */

char *runtime_root(const struct roots *r)
{
    return xasprintf("%s/runtime", r->run_path);
}

int runtime_find(const struct ctr *c, char **ret, bool *ours, struct err *e)
{
    const char *want = jx_str(c->record, "runtime");
    *ours = !*want || strcmp(want, "pod-runtime") == 0;
    if (*ours) {
        *ret = tool_path("pod-runtime");
        return 0;
    }
    *ret =
        want[0] == '/' ? (access(want, X_OK) == 0 ? xstrdup(want) : NULL) : reason_find_tool(want);
    if (*ret)
        return 0;
    err_set(e, 0, "default OCI runtime \"%s\" not found: invalid argument", want);
    return err_hint(e, "Ask the administrator to type: sudo apt install %s", want);
}

void runtime_globals(const struct roots *r, const char *path, bool ours, struct strv *argv)
{
    strv_add(argv, path);
    strv_add(argv, "--root");
    strv_take(argv, runtime_root(r));
    if (!ours && str_ends(path, "/crun"))
        strv_add(argv, "--cgroup-manager=disabled");
}

void runtime_verb(const struct ctr *c, const char *verb, struct strv *argv)
{
    cleanup(strv_free) struct strv flags = STRV_INIT;
    jx_strv(c->record, "runtimeFlags", &flags);
    for (size_t i = 0; i < flags.n; i++)
        strv_addf(argv, "%s%s", strlen(flags.v[i]) == 1 ? "-" : "--", flags.v[i]);
    strv_add(argv, verb);
}

/* ---- pieces ---- */

void start_add_userns(struct strv *argv)
{
    strv_take(argv, tool_path("pod-userns"));
    strv_add(argv, "enter");
    strv_add(argv, "--");
}

void start_add_rootfs(bool enter, struct strv *argv)
{
    strv_take(argv, tool_path("pod-rootfs"));
    if (enter)
        strv_add(argv, "--enter");
    strv_add(argv, "--seal");
}

static void put_number(struct strv *argv, const char *option, int64_t number)
{
    strv_add(argv, option);
    strv_addf(argv, "%lld", (long long)number);
}

void start_add_preserved(int64_t n, struct strv *argv)
{
    if (n <= 0)
        return;
    put_number(argv, "--preserve-fds", n);
    put_number(argv, "--preserve-at", SPAWN_ASIDE);
}

/* Create and start in one go when nothing comes between them and the runtime is ours. */
static bool in_one(const struct chain *ch)
{
    return ch->ours && !*ch->net && !ch->hold;
}

static void create_command(const struct chain *ch, const struct ctr *c, struct strv *argv)
{
    chain_cgroup(ch, c, false, argv);
    chain_rootfs(ch, c, argv);
    runtime_globals(ch->roots, ch->runtime, ch->ours, argv);
    if (!ch->ours) {
        strv_add(argv, "--log");
        strv_addf(argv, "%s/oci.log", ch->run_dir);
        strv_add(argv, "--log-format");
        strv_add(argv, "json");
    } else {
        strv_add(argv, "--report-fd");
        strv_add(argv, "3");
    }
    runtime_verb(c, in_one(ch) ? "run" : "create", argv);
    if (in_one(ch))
        strv_add(argv, "--detach");
    strv_add(argv, "--bundle");
    strv_add(argv, ch->run_dir);
    strv_add(argv, "--pid-file");
    strv_addf(argv, "%s/pid", ch->run_dir);
    if (jx_bool(c->record, "tty")) {
        strv_add(argv, "--console-socket");
        strv_addf(argv, "%s/console", ch->run_dir);
    }
    if (ch->preserve)
        put_number(argv, "--preserve-fds", ch->preserve);
    if (ch->preserve && ch->ours)
        put_number(argv, "--preserve-at", SPAWN_ASIDE);
    if (ch->lent_fd)
        put_number(argv, "--lent-fd", ch->lent_fd);
    if (ch->ours && ch->bpf[0]) {
        strv_add(argv, "--seccomp-bpf");
        strv_addf(argv, "%s/pod/cache/%s", ch->roots->graph_path, ch->bpf);
    }
    strv_add(argv, c->id);
}

static void short_command(const struct chain *ch, const struct ctr *c, const char *verb,
                          const char *option, struct strv *argv)
{
    start_add_userns(argv);
    runtime_globals(ch->roots, ch->runtime, ch->ours, argv);
    if (ch->ours && strcmp(verb, "start") == 0) {
        strv_add(argv, "--report-fd");
        strv_add(argv, "3");
    }
    if (!ch->ours) {
        strv_add(argv, "--log");
        strv_addf(argv, "%s/oci.log", ch->run_dir);
        strv_add(argv, "--log-format");
        strv_add(argv, "json");
    }
    runtime_verb(c, verb, argv);
    if (option)
        strv_add(argv, option);
    strv_add(argv, c->id);
}

static void net_command(const struct ctr *c, const struct chain *ch, struct strv *argv)
{
    const json_t *net = json_object_get(c->record, "network"), *p;
    cleanup(strv_free) struct strv options = STRV_INIT;
    const char *name;
    const json_t *value;
    size_t i;
    strv_take(argv, tool_path("pod-netns"));
    strv_add(argv, "--pid");
    strv_add(argv, "@PID@");
    strv_add(argv, "--exit-fd");
    strv_add(argv, "@EXITFD@");
    strv_add(argv, "--mode");
    strv_add(argv, ch->net);
    strv_add(argv, "--run-dir");
    strv_add(argv, ch->run_dir);
    json_object_foreach(json_object_get(c->record, "sysctl"), name, value)
    {
        strv_add(argv, "--keep-sysctl");
        strv_add(argv, name);
    }
    jx_strv(net, "options", &options);
    for (i = 0; i < options.n; i++) {
        strv_add(argv, "--option");
        strv_add(argv, options.v[i]);
    }
    json_array_foreach(json_object_get(net, "ports"), i, p)
    {
        const char *ip = jx_str(p, "hostIp");
        strv_add(argv, "--publish");
        strv_addf(argv, strchr(ip, ':') ? "[%s]:%lld:%lld/%s" : "%s:%lld:%lld/%s",
                  *ip ? ip : "0.0.0.0", (long long)jx_int(p, "hostPort", 0),
                  (long long)jx_int(p, "containerPort", 0), jx_str(p, "protocol"));
    }
}

static void put_command(struct strv *argv, const char *option, struct strv *command)
{
    strv_add(argv, option);
    strv_addf(argv, "%zu", command->n);
    for (size_t i = 0; i < command->n; i++)
        strv_add(argv, command->v[i]);
    strv_free(command);
}

static void put_value(struct strv *argv, const char *option, const char *value)
{
    strv_add(argv, option);
    strv_add(argv, value);
}

/* The tag is a template over what the container is called. */
static void put_journald(const struct ctr *c, const char *tag, struct strv *argv)
{
    cleanup_template *t = NULL;
    cleanup(buf_free) struct buf text = BUF_INIT;
    struct err ignored = ERR_INIT;
    cleanup_json what = json_pack(
        "{s:s%, s:s, s:s, s:s, s:s}", "ID", c->id, (size_t)12, "FullID", c->id, "Name", ctr_name(c),
        "ImageName", jx_str(c->record, "imageName"), "ImageID", jx_str(c->record, "image"));
    if (template_compile(tag, &t, &ignored) == 0)
        (void)template_render(t, what, &text, &ignored);
    put_value(argv, "--journald", buf_str(&text));
}

static void put_log(const struct chain *ch, const struct ctr *c, struct strv *argv)
{
    const json_t *log = json_object_get(c->record, "log");
    if (strcmp(jx_str(log, "driver"), "passthrough") == 0)
        strv_add(argv, "--passthrough");
    if (strcmp(jx_str(log, "driver"), "journald") == 0 && !jx_bool(c->record, "infra"))
        put_journald(c, jx_str(log, "tag"), argv);
    if (!ctr_logs_to_file(c) || jx_bool(c->record, "infra"))
        return;
    cleanup_free char *usual = xasprintf("%s/ctr.log", ch->ctr_dir);
    put_value(argv, "--log-path", *jx_str(log, "path") ? jx_str(log, "path") : usual);
    int64_t max = jx_int(log, "maxSize", DEFAULT_LOG_MAX); /* 0: no limit */
    if (max > 0)
        put_number(argv, "--log-max", max);
    if (jx_int(log, "maxFiles", 0) > 0)
        put_number(argv, "--log-files", jx_int(log, "maxFiles", 0));
}

/* What the monitor does about the end: restarts it, or makes it come. */
static void put_end(const struct ctr *c, struct strv *argv)
{
    const json_t *restart = json_object_get(c->record, "restart");
    if (jx_int(c->record, "timeout", 0) > 0)
        put_number(argv, "--timeout", jx_int(c->record, "timeout", 0));
    if (!restart)
        return;
    put_value(argv, "--restart", jx_str(restart, "policy"));
    put_number(argv, "--restart-max", jx_int(restart, "max", 0));
}

/* Checks go on by the monitor's timer; without one they are made by hand. */
static void put_health(const struct ctr *c, struct strv *argv)
{
    struct strv cmd = STRV_INIT;
    const json_t *health = health_wanted(c);
    int64_t ms = jx_int(health, "interval", 0) / 1000000;
    if (!health)
        return;
    put_number(argv, "--health-interval", ms);
    strv_take(&cmd, bin_path("pod-healthcheck"));
    strv_add(&cmd, "run");
    strv_add(&cmd, c->id);
    put_command(argv, "--health", &cmd);
}

static void put_flags(const struct chain *ch, const struct ctr *c, struct strv *argv)
{
    static const char *const flags[] = {"tty", "stdin", "rm"};
    for (size_t i = 0; i < sizeof flags / sizeof *flags; i++)
        if (jx_bool(c->record, flags[i]))
            strv_addf(argv, "--%s", flags[i]);
    if (!ch->ours)
        strv_add(argv, "--foreign");
    if (ch->hold)
        strv_add(argv, "--hold");
}

/* --rmi; a run that stays does it itself, and can say what went wrong. */
static void put_after(const struct ctr *c, struct strv *argv)
{
    struct strv cmd = STRV_INIT;
    if (!jx_bool(c->record, "rmi") || !jx_bool(c->record, "detach"))
        return;
    strv_take(&cmd, bin_path("pod-store"));
    strv_add(&cmd, "rmi");
    strv_add(&cmd, jx_str(c->record, "image"));
    put_command(argv, "--after", &cmd);
}

/* A pod whose last container has ended goes with it, when it was made so. */
static void put_settle(const struct chain *ch, const struct ctr *c, struct strv *argv)
{
    struct strv cmd = STRV_INIT;
    if (!ch->ends_pod)
        return;
    strv_take(&cmd, bin_path("pod-pod"));
    strv_add(&cmd, "settle");
    strv_add(&cmd, jx_str(c->record, "pod"));
    put_command(argv, "--exit-command", &cmd);
}

/* With --rm: its anonymous volumes go before it is said to be gone, the files some time later. */
static void put_trash(const struct chain *ch, const struct ctr *c, const char *trash,
                      struct strv *argv)
{
    struct strv cmd = STRV_INIT;
    cleanup(strv_free) struct strv volumes = STRV_INIT;
    volumes_of(c->record, true, &volumes);
    if (volumes.n) {
        strv_take(&cmd, bin_path("pod-container"));
        strv_add(&cmd, "reclaim");
        strv_add(&cmd, trash);
        for (size_t i = 0; i < volumes.n; i++)
            strv_add(&cmd, volumes.v[i]);
        put_command(argv, "--reclaim", &cmd);
    }
    start_add_userns(&cmd);
    strv_take(&cmd, tool_path("pod-trash"));
    strv_addf(&cmd, "%s/pod/trash/%s", ch->roots->graph_path, trash);
    put_command(argv, "--trash-command", &cmd);
}

void chain_monitor(const struct chain *ch, const struct ctr *c, int lock, int gate, int client,
                   struct strv *argv)
{
    struct strv cmd = STRV_INIT;
    char trash[64];
    at_temp_name(trash, sizeof trash, "ctr-");
    cleanup_free char *trash_path = xasprintf("%s/pod/trash/%s", ch->roots->graph_path, trash);
    chain_cgroup(ch, c, true, argv);
    strv_take(argv, tool_path("pod-monitor"));
    put_value(argv, "--id", c->id);
    put_value(argv, "--name", ctr_name(c));
    put_value(argv, "--ctr-dir", ch->ctr_dir);
    put_value(argv, "--run-dir", ch->run_dir);
    put_value(argv, "--trash", trash_path);
    strv_add(argv, "--cgroup-file");
    strv_addf(argv, "%s/cgroup", ch->run_dir);
    put_number(argv, "--lock-fd", lock);
    put_number(argv, "--gate-fd", gate);
    if (ch->lent_fd)
        put_number(argv, "--lent-fd", ch->lent_fd);
    if (ch->preserve) {
        put_number(argv, "--preserve", ch->preserve);
        put_number(argv, "--preserve-at", SPAWN_ASIDE);
    }
    if (client >= 0)
        put_number(argv, "--client-fd", client);
    put_flags(ch, c, argv);
    put_log(ch, c, argv);
    put_end(c, argv);
    put_health(c, argv);
    create_command(ch, c, &cmd);
    put_command(argv, "--create", &cmd);
    if (*ch->net) {
        net_command(c, ch, &cmd);
        put_command(argv, "--net", &cmd);
    }
    if (!in_one(ch)) {
        short_command(ch, c, "start", NULL, &cmd);
        put_command(argv, "--start", &cmd);
    }
    /* to remove the state is all of our delete, but for hooks at the end */
    if (ch->ours && !json_object_get(c->record, "hooksDirs") &&
        !json_object_get(c->record, "cdi")) {
        cleanup_free char *root = runtime_root(ch->roots);
        strv_add(argv, "--state-dir");
        strv_addf(argv, "%s/%s", root, c->id);
    } else {
        short_command(ch, c, "delete", "--force", &cmd);
        put_command(argv, "--delete", &cmd);
    }
    put_trash(ch, c, trash, argv);
    put_settle(ch, c, argv);
    put_after(c, argv);
}
