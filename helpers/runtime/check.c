/*
 * What can be told wrong, or not to be had here, by reading config.json. Everything later may
 * take shapes for granted that are refused here. Properties nobody knows are ignored, as the
 * specification wants it; what would weaken a container when ignored is an error.
 */
#include "rt.h"

#include "disk/at.h"
#include "plain/str.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static bool has_ns(const json_t *linux_, const char *type)
{
    const json_t *n;
    size_t i;
    json_array_foreach(json_object_get(linux_, "namespaces"), i, n)
    {
        if (strcmp(jx_str(n, "type"), type) == 0)
            return true;
    }
    return false;
}

static int check_version(const json_t *spec, struct err *e)
{
    const char *v = jx_str(spec, "ociVersion");
    if (!*v)
        return err_set(e, 0, "config.json has no ociVersion");
    if (!str_starts(v, "1."))
        return err_set(e, 0, "unsupported OCI version \"%s\": this runtime knows 1.0 to %s", v,
                       OCI_VERSION);
    return 0;
}

static int check_root(const json_t *spec, const char *rootfs, struct err *e)
{
    struct stat st;
    if (!*jx_str(json_object_get(spec, "root"), "path"))
        return err_set(e, 0, "config.json has no root.path");
    /* a directory behind a door that only root of the user namespace opens is met again later */
    if (stat(rootfs, &st) < 0)
        return errno == EACCES ? 0 : err_sys(e, "root filesystem \"%s\"", rootfs);
    return S_ISDIR(st.st_mode) ? 0
                               : err_set(e, 0, "root filesystem \"%s\" is not a directory", rootfs);
}

static int check_rlimits(const json_t *process, struct err *e)
{
    cleanup(strv_free) struct strv seen = STRV_INIT;
    const json_t *r;
    size_t i;
    json_array_foreach(json_object_get(process, "rlimits"), i, r)
    {
        const char *type = jx_str(r, "type");
        if (strv_has(&seen, type))
            return err_set(e, 0, "resource limit \"%s\" is given twice", type);
        strv_add(&seen, type);
        if (!json_is_number(json_object_get(r, "soft")) ||
            !json_is_number(json_object_get(r, "hard")))
            return err_set(e, 0, "resource limit \"%s\" needs soft and hard", type);
    }
    return 0;
}

static int check_process(const json_t *process, struct err *e)
{
    if (!process)
        return 0;
    if (!json_is_object(process))
        return err_set(e, 0, "process is not an object");
    if (json_array_size(json_object_get(process, "args")) == 0)
        return err_set(e, 0, "process.args must not be empty");
    const char *cwd = jx_str(process, "cwd");
    if (cwd[0] != '/')
        return err_set(e, 0, "process.cwd \"%s\" is not an absolute path", cwd);
    if (*jx_str(process, "selinuxLabel") && access("/sys/fs/selinux/enforce", F_OK) < 0)
        return err_set(e, 0, "process.selinuxLabel: SELinux is not enabled on this host");
    return check_rlimits(process, e);
}

static int check_mounts(const json_t *spec, struct err *e)
{
    const json_t *m;
    size_t i;
    json_array_foreach(json_object_get(spec, "mounts"), i, m)
    {
        const json_t *u = json_object_get(m, "uidMappings"), *g = json_object_get(m, "gidMappings");
        if (!*jx_str(m, "destination"))
            return err_set(e, 0, "mount %zu has no destination", i);
        if ((json_array_size(u) > 0) != (json_array_size(g) > 0))
            return err_set(e, 0, "mount \"%s\" needs uidMappings and gidMappings, or neither",
                           jx_str(m, "destination"));
    }
    return 0;
}

static int check_hooks(const json_t *spec, struct err *e)
{
    json_t *hooks = json_object_get(spec, "hooks"), *list;
    const char *stage;
    json_object_foreach(hooks, stage, list)
    {
        const json_t *h;
        size_t i;
        json_array_foreach(list, i, h)
        {
            if (jx_str(h, "path")[0] != '/')
                return err_set(e, 0, "%s: hook path \"%s\" is not absolute", stage,
                               jx_str(h, "path"));
            if (json_is_integer(json_object_get(h, "timeout")) && jx_int(h, "timeout", 1) <= 0)
                return err_set(e, 0, "%s: the timeout of hook \"%s\" must be greater than zero",
                               stage, jx_str(h, "path"));
        }
    }
    return 0;
}

static int check_paths(const json_t *l, const char *key, struct err *e)
{
    const json_t *p;
    size_t i;
    json_array_foreach(json_object_get(l, key), i, p)
    {
        if (!json_is_string(p) || json_string_value(p)[0] != '/')
            return err_set(e, 0, "linux.%s: \"%s\" is not an absolute path", key,
                           json_is_string(p) ? json_string_value(p) : "");
    }
    return 0;
}

/* A kernel parameter of a namespace that is the caller's would be the host's. */
static int check_sysctls(const json_t *spec, const json_t *l, struct err *e)
{
    static const char *const ipc[] = {"kernel.msgmax", "kernel.msgmnb",          "kernel.msgmni",
                                      "kernel.sem",    "kernel.shmall",          "kernel.shmmax",
                                      "kernel.shmmni", "kernel.shm_rmid_forced", NULL};
    json_t *value;
    const char *key;
    json_object_foreach(json_object_get(l, "sysctl"), key, value)
    {
        cleanup_free char *name = xstrdup(key);
        for (char *p = name; *p; p++)
            *p = (char)(*p == '/' ? '.' : *p);
        const char *ns = str_starts(name, "net.")                                    ? "network"
                         : str_in(name, ipc) || str_starts(name, "fs.mqueue.")       ? "ipc"
                         : str_in(name, (const char *[]){"kernel.domainname", NULL}) ? "uts"
                                                                                     : NULL;
        if (strcmp(name, "kernel.hostname") == 0)
            return err_set(e, 0, "sysctl \"%s\" is not allowed: use hostname instead", key);
        if (!ns)
            return err_set(e, 0, "sysctl \"%s\" is not allowed: it is not namespaced", key);
        if (!has_ns(l, ns))
            return err_set(e, 0, "sysctl \"%s\" is not allowed without a new %s namespace", key,
                           ns);
        if (!json_is_string(value))
            return err_set(e, 0, "sysctl \"%s\" is not a string", key);
    }
    for (const char *const *n = (const char *[]){"hostname", "domainname", NULL}; *n; n++)
        if (*jx_str(spec, *n) && !has_ns(l, "uts"))
            return err_set(e, 0, "%s needs a uts namespace", *n);
    return 0;
}

static int check_devices(const json_t *l, struct err *e)
{
    static const char *const types[] = {"c", "u", "b", "p", NULL};
    const json_t *d;
    size_t i;
    json_array_foreach(json_object_get(l, "devices"), i, d)
    {
        if (jx_str(d, "path")[0] != '/')
            return err_set(e, 0, "device path \"%s\" is not absolute", jx_str(d, "path"));
        if (!str_in(jx_str(d, "type"), types))
            return err_set(e, 0, "device \"%s\": unknown type \"%s\"", jx_str(d, "path"),
                           jx_str(d, "type"));
    }
    return 0;
}

/* Maps and lists of strings that go on as they are, to hooks and into the process. */
static int check_strings(const json_t *spec, struct err *e)
{
    json_t *annotations = json_object_get(spec, "annotations"), *value;
    const json_t *env = json_object_get(json_object_get(spec, "process"), "env");
    const char *key;
    size_t i;
    json_object_foreach(annotations, key, value)
    {
        if (!json_is_string(value))
            return err_set(e, 0, "annotation \"%s\" is not a string", key);
    }
    json_array_foreach(env, i, value)
    {
        if (!json_is_string(value))
            return err_set(e, 0, "process.env has something that is not a string");
    }
    return 0;
}

static int check_linux(const json_t *l, struct err *e)
{
    const char *prop = jx_str(l, "rootfsPropagation");
    if (*prop && !propagation_of(prop))
        return err_set(e, 0, "unknown rootfsPropagation \"%s\"", prop);
    if (*jx_str(l, "mountLabel") && access("/sys/fs/selinux/enforce", F_OK) < 0)
        return err_set(e, 0, "linux.mountLabel: SELinux is not enabled on this host");
    if (json_object_size(json_object_get(l, "intelRdt")) > 0)
        return err_set(e, 0, "linux.intelRdt is not supported");
    if (json_object_size(json_object_get(l, "netDevices")) > 0)
        return err_set(e, 0, "linux.netDevices is not supported");
    if (json_object_size(json_object_get(l, "memoryPolicy")) > 0)
        return err_set(e, 0, "linux.memoryPolicy is not supported");
    if (json_object_size(json_object_get(l, "timeOffsets")) > 0 && !has_ns(l, "time"))
        return err_set(e, 0, "linux.timeOffsets needs a time namespace");
    if (json_array_size(json_object_get(l, "uidMappings")) > 0 && !has_ns(l, "user"))
        return err_set(e, 0, "linux.uidMappings needs a user namespace");
    return check_paths(l, "maskedPaths", e) < 0 || check_paths(l, "readonlyPaths", e) < 0 ||
                   check_devices(l, e) < 0
               ? -1
               : 0;
}

int check_spec(const json_t *spec, const char *rootfs, struct err *e)
{
    const json_t *l = json_object_get(spec, "linux");
    return check_version(spec, e) < 0 || check_root(spec, rootfs, e) < 0 ||
                   check_process(json_object_get(spec, "process"), e) < 0 ||
                   check_mounts(spec, e) < 0 || check_hooks(spec, e) < 0 ||
                   check_strings(spec, e) < 0 || check_sysctls(spec, l, e) < 0 ||
                   check_linux(l, e) < 0
               ? -1
               : 0;
}
