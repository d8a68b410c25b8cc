#include "things/spec.h"

#include "things/secret.h"
#include "words/userns.h"

#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <unistd.h>

#define DEFAULT_NOFILE 1048576
#define DEFAULT_NPROC  4194304

static const char *const masked[] = {"/proc/acpi",
                                     "/proc/kcore",
                                     "/proc/keys",
                                     "/proc/latency_stats",
                                     "/proc/timer_list",
                                     "/proc/timer_stats",
                                     "/proc/sched_debug",
                                     "/proc/scsi",
                                     "/sys/firmware",
                                     "/sys/fs/selinux",
                                     "/sys/dev/block",
                                     "/sys/devices/virtual/powercap",
                                     NULL};
static const char *const readonly[] = {
    "/proc/asound", "/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger", NULL};

/* --security-opt unmask=PATH:…, where ALL is every one and names may have * and ? in them. */
static json_t *not_unmasked(const char *const *paths, const json_t *rec)
{
    json_t *left = json_array();
    for (; *paths; paths++) {
        const json_t *v;
        size_t i;
        bool shown = false;
        json_array_foreach(json_object_get(rec, "unmasks"), i, v)
        {
            const char *pattern = json_string_value(v);
            shown |= strcasecmp(pattern, "all") == 0 || fnmatch(pattern, *paths, FNM_PATHNAME) == 0;
        }
        if (!shown)
            json_array_append_new(left, json_string(*paths));
    }
    return left;
}

/* ---- process ---- */

/* Defaults never above what the caller itself may have; what was asked for is passed as it is. */
static void default_limit(json_t *list, const char *type, int which, rlim_t want)
{
    struct rlimit ours;
    const json_t *v;
    size_t i;
    json_array_foreach(list, i, v)
    {
        if (strcmp(jx_str(v, "type"), type) == 0)
            return;
    }
    if (getrlimit(which, &ours) < 0)
        return;
    if (want > ours.rlim_max)
        want = ours.rlim_max;
    json_array_append_new(list, json_pack("{s:s, s:I, s:I}", "type", type, "soft", (json_int_t)want,
                                          "hard", (json_int_t)want));
}

json_t *spec_rlimits(const struct ctr *c)
{
    const json_t *own = json_object_get(c->record, "ulimits");
    json_t *limits = own ? json_deep_copy(own) : json_array();
    default_limit(limits, "RLIMIT_NOFILE", RLIMIT_NOFILE, DEFAULT_NOFILE);
    default_limit(limits, "RLIMIT_NPROC", RLIMIT_NPROC, DEFAULT_NPROC);
    return limits;
}

int spec_umask(const struct ctr *c)
{
    const char *text = jx_str(c->record, "umask");
    return (int)strtol(*text ? text : "0022", NULL, 8);
}

void spec_set_size(json_t *process)
{
    struct winsize ws;
    if (ioctl(0, TIOCGWINSZ, &ws) == 0 || ioctl(1, TIOCGWINSZ, &ws) == 0)
        json_object_set_new(process, "consoleSize",
                            json_pack("{s:i, s:i}", "height", ws.ws_row, "width", ws.ws_col));
}

static json_t *user_of(const struct ctr *c, const struct spec_env *env)
{
    json_t *rec = c->record, *user = json_object();
    /* the one id of single-id mode: the user's, or root's of the namespace that is shared */
    bool single = userns_is_single(env->id_maps);
    bool shared = single && json_object_get(env->joined, "user");
    json_object_set_new(user, "uid", json_integer(shared ? 0 : jx_int(rec, "uid", 0)));
    json_object_set_new(user, "gid", json_integer(shared ? 0 : jx_int(rec, "gid", 0)));
    json_object_set_new(user, "umask", json_integer(spec_umask(c)));
    if (json_object_get(rec, "groups") && !single)
        json_object_set(user, "additionalGids", json_object_get(rec, "groups"));
    return user;
}

static json_t *process_of(const struct ctr *c, const struct spec_env *env)
{
    json_t *rec = c->record, *p = json_object();
    json_t *caps = json_object_get(rec, "caps"), *sets = json_object();
    bool root = jx_int(rec, "uid", 0) == 0;
    json_object_set(p, "args", json_object_get(rec, "args"));
    json_t *vars = json_copy(json_object_get(rec, "env"));
    json_object_set_new(p, "env", vars ? vars : json_array());
    json_object_set(p, "cwd", json_object_get(rec, "workdir"));
    json_object_set_new(p, "terminal", json_boolean(jx_bool(rec, "tty")));
    if (jx_bool(rec, "tty"))
        spec_set_size(p);
    json_object_set_new(p, "user", user_of(c, env));
    json_t *none = json_array();
    json_object_set(sets, "bounding", caps ? caps : none);
    /* whoever is not root has what was added for him alone */
    json_t *added = json_object_get(rec, "capAdd"), *held = root ? caps : added;
    json_object_set(sets, "permitted", held ? held : none);
    json_object_set(sets, "effective", held ? held : none);
    if (!root && added) {
        json_object_set(sets, "inheritable", added);
        json_object_set(sets, "ambient", added);
    }
    json_decref(none);
    json_object_set_new(p, "capabilities", sets);
    if (jx_bool(rec, "noNewPrivileges"))
        json_object_set_new(p, "noNewPrivileges", json_true());
    json_object_set_new(p, "rlimits", spec_rlimits(c));
    json_t *score = json_object_get(rec, "oomScoreAdj");
    if (score)
        json_object_set(p, "oomScoreAdj", score);
    return p;
}

/* ---- linux ---- */

static const struct {
    const char *type, *key;
} kinds[] = {{"pid", "pid"}, {"network", "network"}, {"ipc", "ipc"},
             {"uts", "uts"}, {"cgroup", "cgroup"},   {"user", "user"}};

static json_t *namespaces_of(const struct ctr *c, const struct spec_env *env)
{
    const json_t *modes = json_object_get(c->record, "namespaces");
    json_t *list = json_array();
    json_array_append_new(list, json_pack("{s:s}", "type", "mount"));
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        const char *path = jx_str0(env->joined, kinds[i].type), *mode = jx_str(modes, kinds[i].key);
        if (path)
            json_array_append_new(list,
                                  json_pack("{s:s, s:s}", "type", kinds[i].type, "path", path));
        else if (strcmp(kinds[i].type, "user") == 0 &&
                 (!*env->id_maps || strcmp(jx_str(c->record, "userns"), "host") == 0))
            continue;
        else if (strcmp(mode, "host") != 0)
            json_array_append_new(list, json_pack("{s:s}", "type", kinds[i].type));
    }
    return list;
}

static json_t *devices_of(const struct ctr *c)
{
    json_t *list = json_array();
    const json_t *d;
    size_t i;
    json_array_foreach(json_object_get(c->record, "devices"), i, d)
    {
        json_array_append_new(list, json_pack("{s:s, s:s, s:I, s:I, s:i, s:i, s:i}", "path",
                                              jx_str(d, "path"), "type", jx_str(d, "type"), "major",
                                              (json_int_t)jx_int(d, "major", 0), "minor",
                                              (json_int_t)jx_int(d, "minor", 0), "fileMode", 0666,
                                              "uid", 0, "gid", 0));
    }
    return list;
}

static void set_sysctls(const struct ctr *c, const struct spec_env *env, json_t *l)
{
    json_t *all = json_object_get(c->record, "sysctl")
                      ? json_deep_copy(json_object_get(c->record, "sysctl"))
                      : json_object();
    /* ping and low ports for everybody in a network that is the container's own */
    long long gid = userns_is_single(env->id_maps) ? jx_int(c->record, "gid", 0) : 0;
    if (env->net_tapped && !json_object_get(all, "net.ipv4.ping_group_range"))
        json_object_set_new(all, "net.ipv4.ping_group_range", json_sprintf("%lld %lld", gid, gid));
    if (env->net_tapped && !json_object_get(all, "net.ipv4.ip_unprivileged_port_start"))
        json_object_set_new(all, "net.ipv4.ip_unprivileged_port_start", json_string("0"));
    jx_set(l, "sysctl", all);
}

static json_t *linux_of(const struct ctr *c, const struct spec_env *env)
{
    json_t *l = json_object();
    json_object_set_new(l, "namespaces", namespaces_of(c, env));
    if (*env->id_maps && !json_object_get(env->joined, "user") &&
        strcmp(jx_str(c->record, "userns"), "host") != 0) {
        json_object_set_new(l, "uidMappings", spec_ctr_maps(c->record, env->id_maps, false));
        json_object_set_new(l, "gidMappings", spec_ctr_maps(c->record, env->id_maps, true));
    }
    if (!jx_bool(c->record, "privileged")) {
        json_t *paths = not_unmasked(masked, c->record);
        json_array_extend(paths, json_object_get(c->record, "masks"));
        json_object_set_new(l, "maskedPaths", paths);
        json_object_set_new(l, "readonlyPaths", not_unmasked(readonly, c->record));
    }
    if (jx_str0(c->record, "personality"))
        json_object_set_new(l, "personality",
                            json_pack("{s:s}", "domain", jx_str(c->record, "personality")));
    if (!*env->id_maps)
        jx_set(l, "devices", devices_of(c));
    set_sysctls(c, env, l);
    json_object_set_new(l, "rootfsPropagation", json_string("rslave"));
    return l;
}

int spec_build(const struct ctr *c, const struct spec_env *env, json_t **ret, struct err *e)
{
    cleanup_json spec = json_object();
    json_t *mounts = json_array();
    json_object_set_new(spec, "ociVersion", json_string("1.0.2"));
    json_object_set_new(spec, "process", process_of(c, env));
    json_object_set_new(
        spec, "root",
        json_pack("{s:s, s:b}", "path", env->rootfs, "readonly", jx_bool(c->record, "readOnly")));
    if (!json_object_get(env->joined, "uts") &&
        strcmp(jx_str(json_object_get(c->record, "namespaces"), "uts"), "host") != 0)
        json_object_set(spec, "hostname", json_object_get(c->record, "hostname"));
    json_object_set_new(spec, "mounts", mounts);
    json_t *vars = json_object_get(json_object_get(spec, "process"), "env");
    if (spec_mounts(c, env, mounts, e) < 0 || spec_hostfiles(c, env, e) < 0 ||
        secrets_env(c->dir, c->record, vars, e) < 0)
        return -1;
    json_t *notes = json_object_get(c->record, "annotations");
    notes = notes ? json_deep_copy(notes) : json_object();
    if (jx_bool(c->record, "keepGroups"))
        json_object_set_new(notes, "run.oci.keep_original_groups", json_string("1"));
    jx_set(spec, "annotations", notes);
    json_object_set_new(spec, "linux", linux_of(c, env));
    *ret = json_incref(spec);
    return 0;
}
