/* What containers.conf says where the command line says nothing. */
#include "things/cgroup.h"
#include "things/containersconf.h"
#include "words/journald.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define AT(f) offsetof(struct create_opts, f)

/* [containers], in podman's spelling. */
static const struct {
    const char *key;
    size_t at;
} texts[] = {{"cgroupns", AT(cgroupns)},
             {"cgroups", AT(cgroups)},
             {"init_path", AT(init_path)},
             {"ipcns", AT(ipc)},
             {"pidns", AT(pid)},
             {"shm_size", AT(shm_size)},
             {"tz", AT(tz)},
             {"umask", AT(umask)},
             {"userns", AT(userns)},
             {"utsns", AT(uts)}};

/* Lists whose members come before those of the command line, which so have the last word. */
static const struct {
    const char *key;
    size_t at;
} lists[] = {{"annotations", AT(annotation)}, {"default_sysctls", AT(sysctl)},
             {"default_ulimits", AT(ulimit)}, {"devices", AT(device)},
             {"env", AT(env_default)},        {"volumes", AT(volume)}};

/* Lists that are for those who gave none of their own. */
static const struct {
    const char *key;
    size_t at;
} fallbacks[] = {{"default_capabilities", AT(caps_default)},
                 {"dns_options", AT(dns_option)},
                 {"dns_searches", AT(dns_search)},
                 {"dns_servers", AT(dns)}};

static struct {
    json_t *conf;
    struct strv made; /* texts of numbers */
} kept;               /* what the options point to */

static const char *keep(char *text)
{
    strv_take(&kept.made, text);
    return kept.made.v[kept.made.n - 1];
}

static const char **text_at(struct create_opts *o, size_t at)
{
    return (const char **)(void *)((char *)o + at);
}

static struct strv *list_at(struct create_opts *o, size_t at)
{
    return (struct strv *)(void *)((char *)o + at);
}

static void put_before(struct strv *list, const json_t *conf, const char *key)
{
    struct strv all = STRV_INIT;
    jx_strv(conf, key, &all);
    for (size_t i = 0; i < list->n; i++)
        strv_add(&all, list->v[i]);
    strv_free(list);
    *list = all;
}

/* "private" is what there is anyway, and what a bridge means to who has no root. */
static void network(struct create_opts *o, const json_t *containers, const json_t *net)
{
    const char *mode = jx_str(containers, "netns");
    const char *program = jx_str(net, "default_rootless_network_cmd");
    if (o->network.n || o->pod || o->pod_id_file)
        return;
    if (*mode && strcmp(mode, "private") != 0 && strcmp(mode, "bridge") != 0)
        strv_add(&o->network, mode);
    else if (*program)
        strv_add(&o->network, program);
}

/* A log that systemd's journal should keep is kept by ourselves where there is none. */
static void logs(struct create_opts *o, const json_t *containers)
{
    const char *driver = jx_str0(containers, "log_driver");
    int64_t max = jx_int(containers, "log_size_max", -1);
    if (!o->log_driver && driver &&
        (strcmp(driver, "journald") != 0 || access(JOURNALD_SOCKET, W_OK) == 0))
        o->log_driver = driver;
    bool given = false;
    for (size_t i = 0; i < o->log_opt.n; i++)
        given |= str_starts(o->log_opt.v[i], "max-size=");
    if (!given && max > 0)
        strv_addf(&o->log_opt, "max-size=%lldb", (long long)max);
}

/* As a default it is for those who can have it: without cgroups there is none to be missed. */
static void pids(struct create_opts *o, const json_t *containers)
{
    static const char *const controllers[] = {"pids", NULL};
    int64_t n = jx_int(containers, "pids_limit", 0);
    cleanup_free char *place = n > 0 && !o->pids_limit ? cgroup_divisible(controllers) : NULL;
    if (place)
        o->pids_limit = keep(xasprintf("%lld", (long long)n));
}

static void security(struct create_opts *o, const json_t *containers)
{
    const char *profile = jx_str0(containers, "seccomp_profile");
    bool given = o->privileged;
    for (size_t i = 0; i < o->security_opt.n; i++)
        given |= str_starts(o->security_opt.v[i], "seccomp");
    if (profile && *profile && !given)
        strv_addf(&o->security_opt, "seccomp=%s", profile);
}

static void engine(struct create_opts *o, const json_t *conf)
{
    int64_t wait = jx_int(conf, "stop_timeout", -1);
    const char *mode = jx_str(conf, "image_volume_mode");
    if (!o->runtime)
        o->runtime = jx_str0(conf, "runtime");
    if (!o->pull)
        o->pull = jx_str0(conf, "pull_policy");
    if (!o->detach_keys)
        o->detach_keys = jx_str0(conf, "detach_keys");
    if (!o->image_volume && *mode)
        o->image_volume = mode;
    if (!o->hooks_dir.n)
        jx_strv(conf, "hooks_dir", &o->hooks_dir);
    if (!o->cdi_dirs.n)
        jx_strv(conf, "cdi_spec_dirs", &o->cdi_dirs);
    if (!o->stop_timeout && wait >= 0)
        o->stop_timeout = keep(xasprintf("%lld", (long long)wait));
}

/* A name that [engine.runtimes] knows stands for the first of its paths that is there. */
static void runtime_path(struct create_opts *o, const json_t *conf)
{
    cleanup(strv_free) struct strv paths = STRV_INIT;
    const json_t *known = json_object_get(conf, "runtimes");
    if (!o->runtime || strchr(o->runtime, '/') || !json_object_get(known, o->runtime))
        return;
    jx_strv(known, o->runtime, &paths);
    for (size_t i = 0; i < paths.n; i++) {
        if (access(paths.v[i], X_OK) < 0)
            continue;
        o->runtime = keep(xstrdup(paths.v[i]));
        return;
    }
}

int create_defaults(struct create_opts *o, struct err *e)
{
    json_decref(kept.conf);
    kept.conf = NULL;
    if (containersconf_load(&kept.conf, e) < 0)
        return -1;
    const json_t *c = json_object_get(kept.conf, "containers");
    const json_t *eng = json_object_get(kept.conf, "engine");
    if (!kept.conf)
        return 0;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        if (!*text_at(o, texts[i].at) && *jx_str(c, texts[i].key))
            *text_at(o, texts[i].at) = jx_str(c, texts[i].key);
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++)
        put_before(list_at(o, lists[i].at), c, lists[i].key);
    for (size_t i = 0; i < sizeof fallbacks / sizeof *fallbacks; i++)
        if (!list_at(o, fallbacks[i].at)->n)
            jx_strv(c, fallbacks[i].key, list_at(o, fallbacks[i].at));
    o->init |= jx_bool(c, "init");
    o->env_host |= jx_bool(c, "env_host");
    o->no_hosts |= jx_bool(c, "no_hosts") && !o->add_host.n;
    if (o->http_proxy < 0 && json_is_boolean(json_object_get(c, "http_proxy")))
        o->http_proxy = jx_bool(c, "http_proxy");
    network(o, c, json_object_get(kept.conf, "network"));
    logs(o, c);
    pids(o, c);
    security(o, c);
    engine(o, eng);
    runtime_path(o, eng);
    return 0;
}
