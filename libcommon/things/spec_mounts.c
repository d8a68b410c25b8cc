#include "things/spec.h"
#include "words/userns.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define DEFAULT_SHM 65536000
#define GROUP_TTY   5

static void put(json_t *list, const char *type, const char *source, const char *dest,
                const char *options)
{
    cleanup(strv_free) struct strv words = STRV_INIT;
    strv_split(&words, options, ',');
    json_array_append_new(list, json_pack("{s:s, s:s, s:s, s:o}", "destination", dest, "type", type,
                                          "source", source, "options", jx_from_strv(&words)));
}

/* The person's own mount at that place wins over the usual one. */
static bool user_mounts(const struct ctr *c, const char *dest)
{
    const json_t *m;
    size_t i;
    json_array_foreach(json_object_get(c->record, "mounts"), i, m)
    {
        if (strcmp(jx_str(m, "destination"), dest) == 0)
            return true;
    }
    return false;
}

/* The same file at the same place in each --chrootdirs. */
static void bind_chroots(json_t *list, const struct ctr *c, const char *source, const char *dest)
{
    const json_t *dir;
    size_t i;
    json_array_foreach(json_object_get(c->record, "chrootDirs"), i, dir)
    {
        cleanup_free char *there = xasprintf("%s%s", json_string_value(dir), dest);
        if (str_starts(dest, "/etc/") && !user_mounts(c, there))
            put(list, "bind", source, there, "bind");
    }
}

static void bind_own(json_t *list, const struct ctr *c, const struct spec_env *env,
                     const char *name, const char *dest)
{
    cleanup_free char *source = xasprintf("%s/%s", env->run_dir, name);
    if (!user_mounts(c, dest))
        put(list, "bind", source, dest, "bind");
    bind_chroots(list, c, source, dest);
}

static bool host_ns(const struct ctr *c, const char *type)
{
    return strcmp(jx_str(json_object_get(c->record, "namespaces"), type), "host") == 0;
}

/* The kernel refuses a mount for a group that the container has no id for. */
static bool has_group(const struct ctr *c, const struct spec_env *env, int64_t gid)
{
    if (!*env->id_maps || (!spec_remaps(c->record) && !userns_is_single(env->id_maps)))
        return true;
    cleanup_json maps = spec_ctr_maps(c->record, env->id_maps, true);
    const json_t *m;
    size_t i;
    json_array_foreach(maps, i, m)
    {
        int64_t first = jx_int(m, "containerID", 0);
        if (gid >= first && gid - first < jx_int(m, "size", 0))
            return true;
    }
    return false;
}

static void usual(const struct ctr *c, const struct spec_env *env, json_t *list)
{
    const char *ro = jx_bool(c->record, "privileged") ? "rw" : "ro";
    cleanup_free char *sys = xasprintf("nosuid,noexec,nodev,%s", ro);
    cleanup_free char *cg =
        xasprintf("nosuid,noexec,nodev,relatime,%s", jx_bool(c->record, "systemd") ? "rw" : ro);
    cleanup_free char *cg_bind = xasprintf("rbind,%s", sys);
    cleanup_free char *shm = xasprintf("nosuid,noexec,nodev,mode=1777,size=%lld",
                                       (long long)jx_int(c->record, "shmSize", DEFAULT_SHM));
    const char *more = jx_str(c->record, "procOpts");
    cleanup_free char *proc = xasprintf("nosuid,noexec,nodev%s%s", *more ? "," : "", more);
    bool own_net = env->net_fresh || json_object_get(env->joined, "network");
    if (host_ns(c, "pid"))
        put(list, "bind", "/proc", "/proc", "rbind,nosuid,noexec,nodev");
    else
        put(list, "proc", "proc", "/proc", proc);
    if (!user_mounts(c, "/dev"))
        put(list, "tmpfs", "tmpfs", "/dev", "nosuid,noexec,strictatime,mode=755,size=65536k");
    if (own_net) {
        put(list, "sysfs", "sysfs", "/sys", sys);
    } else {
        cleanup_free char *bind = xasprintf("rbind,%s", sys);
        put(list, "bind", "/sys", "/sys", bind);
    }
    put(list, "devpts", "devpts", "/dev/pts",
        has_group(c, env, GROUP_TTY) ? "nosuid,noexec,newinstance,ptmxmode=0666,mode=0620,gid=5"
                                     : "nosuid,noexec,newinstance,ptmxmode=0666,mode=0620");
    if (!host_ns(c, "ipc"))
        put(list, "mqueue", "mqueue", "/dev/mqueue", "nosuid,noexec,nodev");
    else if (access("/dev/mqueue", F_OK) == 0)
        put(list, "bind", "/dev/mqueue", "/dev/mqueue", "bind,nosuid,noexec,nodev");
    /* the host's tree, where the kernel does not mount the container's over it: not to be written
     */
    if (!own_net || host_ns(c, "cgroup"))
        put(list, "bind", "/sys/fs/cgroup", "/sys/fs/cgroup", cg_bind);
    if (!host_ns(c, "cgroup"))
        put(list, "cgroup", "cgroup", "/sys/fs/cgroup", cg);
    const char *ipc = jx_str(json_object_get(c->record, "namespaces"), "ipc");
    if (user_mounts(c, "/dev/shm") || strcmp(ipc, "none") == 0)
        return;
    if (env->shares_shm)
        bind_own(list, c, env, "shm", "/dev/shm");
    else
        put(list, host_ns(c, "ipc") ? "bind" : "tmpfs", host_ns(c, "ipc") ? "/dev/shm" : "shm",
            "/dev/shm", host_ns(c, "ipc") ? "bind,nosuid,noexec,nodev" : shm);
}

/* Without root no node can be made: the host's own is bound, whatever it is called there. */
static void devices(const struct ctr *c, const struct spec_env *env, json_t *ret)
{
    const json_t *d;
    size_t i;
    if (!*env->id_maps)
        return;
    json_array_foreach(json_object_get(c->record, "devices"), i, d)
    {
        put(ret, "bind", jx_str(d, "host"), jx_str(d, "path"), "bind,nosuid,noexec");
    }
}

/* What lies in /run comes after the person's mounts: one of them may be a tmpfs on /run. */
static void in_run(const struct ctr *c, const struct spec_env *env, json_t *list)
{
    bool infra = jx_bool(c->record, "infra"), pause = infra && !jx_str0(c->record, "image");
    const char *init = jx_str0(c->record, "initPath");
    const json_t *m;
    bool run_bound = false;
    size_t i;
    json_array_foreach(json_object_get(c->record, "secrets"), i, m)
    {
        cleanup_free char *source = xasprintf("%s/secrets/%s", env->ctr_dir, jx_str(m, "file"));
        if (*jx_str(m, "target"))
            put(list, "bind", source, jx_str(m, "target"), "bind,ro,nosuid,nodev,noexec,rprivate");
    }
    json_array_foreach(json_object_get(c->record, "mounts"), i, m)
    {
        if (strcmp(jx_str(m, "destination"), "/run") == 0)
            run_bound = strcmp(jx_str(m, "type"), "bind") == 0;
    }
    if (!pause && !run_bound)
        bind_own(list, c, env, "containerenv", "/run/.containerenv");
    if (jx_bool(c->record, "init") || pause)
        put(list, "bind", init && !infra ? init : env->init_path,
            pause ? "/pause" : "/run/podman-init", "bind,ro,nosuid,nodev,rprivate");
}

static size_t depth_of(const char *path)
{
    size_t n = 0;
    for (const char *p = path; *p; p++)
        n += *p == '/' && p[1] && p[1] != '/';
    return n;
}

/* Mount I, of option O: create.c has made the directories. */
static void put_overlay(const struct spec_env *env, const json_t *m, size_t i, json_t *ret)
{
    cleanup_free char *options = xasprintf(
        "lowerdir=%s,upperdir=%s/over/%zu/upper,workdir=%s/over/%zu/work,userxattr,nodev%s",
        jx_str(m, "source"), env->ctr_dir, i, env->ctr_dir, i,
        json_array_size(json_object_get(m, "options")) ? ",ro" : "");
    put(ret, "overlay", "overlay", jx_str(m, "destination"), options);
}

/* In single-id mode everything is the one user's, whoever the options name. */
static json_t *without_owner(const json_t *options)
{
    json_t *kept = json_array(), *o;
    size_t i;
    json_array_foreach(options, i, o)
    {
        const char *s = json_string_value(o);
        if (s && !str_starts(s, "uid=") && !str_starts(s, "gid="))
            json_array_append(kept, o);
    }
    return kept;
}

/* Those further up first, whatever their order: one on /a would hide one on /a/b. */
static void persons(const struct ctr *c, const struct spec_env *env, json_t *ret)
{
    static const char *const keys[] = {"destination", "type", "source", "options"}; /* OCI's */
    const json_t *all = json_object_get(c->record, "mounts"), *m;
    size_t i, left = json_array_size(all);
    for (size_t depth = 0; left; depth++)
        json_array_foreach(all, i, m)
        {
            if (depth_of(jx_str(m, "destination")) != depth)
                continue;
            left--;
            if (strcmp(jx_str(m, "type"), "overlay") == 0) {
                put_overlay(env, m, i, ret);
                continue;
            }
            json_t *mount = json_object();
            for (size_t k = 0; k < sizeof keys / sizeof *keys; k++)
                json_object_set(mount, keys[k], json_object_get(m, keys[k]));
            if (userns_is_single(env->id_maps) && json_object_get(m, "options"))
                json_object_set_new(mount, "options", without_owner(json_object_get(m, "options")));
            json_array_append_new(ret, mount);
        }
}

int spec_mounts(const struct ctr *c, const struct spec_env *env, json_t *ret, struct err *e)
{
    usual(c, env, ret);
    devices(c, env, ret);
    if (!jx_bool(c->record, "infra")) {
        if (!spec_keeps_resolv(c->record))
            bind_own(ret, c, env, "resolv.conf", "/etc/resolv.conf");
        if (!jx_bool(json_object_get(c->record, "network"), "noHosts"))
            bind_own(ret, c, env, "hosts", "/etc/hosts");
        if (!jx_bool(c->record, "noHostname"))
            bind_own(ret, c, env, "hostname", "/etc/hostname");
    }
    if (jx_str0(c->record, "tz")) {
        const char *tz = jx_str(c->record, "tz");
        cleanup_free char *zone = strcmp(tz, "local") == 0
                                      ? xstrdup("/etc/localtime")
                                      : xasprintf("/usr/share/zoneinfo/%s", tz);
        if (strstr(tz, "..") || access(zone, R_OK) < 0)
            return err_set(e, 0, "unable to find time zone \"%s\" in /usr/share/zoneinfo", tz);
        put(ret, "bind", zone, "/etc/localtime", "bind,ro,rprivate");
    }
    persons(c, env, ret);
    in_run(c, env, ret);
    return 0;
}
