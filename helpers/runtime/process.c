#include "rt.h"

#include "plain/buf.h"
#include "plain/fdio.h"
#include "plain/str.h"
#include "things/seccomp.h"

#include "disk/at.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/capability.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define MAX_BPF      (1 << 20)
#define DEFAULT_PATH "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

extern int capset(cap_user_header_t h, const cap_user_data_t d);

/* ---- limits ---- */

static const struct {
    const char *name;
    int which;
} limits[] = {
    {"RLIMIT_AS", RLIMIT_AS},
    {"RLIMIT_CORE", RLIMIT_CORE},
    {"RLIMIT_CPU", RLIMIT_CPU},
    {"RLIMIT_DATA", RLIMIT_DATA},
    {"RLIMIT_FSIZE", RLIMIT_FSIZE},
    {"RLIMIT_LOCKS", RLIMIT_LOCKS},
    {"RLIMIT_MEMLOCK", RLIMIT_MEMLOCK},
    {"RLIMIT_MSGQUEUE", RLIMIT_MSGQUEUE},
    {"RLIMIT_NICE", RLIMIT_NICE},
    {"RLIMIT_NOFILE", RLIMIT_NOFILE},
    {"RLIMIT_NPROC", RLIMIT_NPROC},
    {"RLIMIT_RSS", RLIMIT_RSS},
    {"RLIMIT_RTPRIO", RLIMIT_RTPRIO},
    {"RLIMIT_RTTIME", RLIMIT_RTTIME},
    {"RLIMIT_SIGPENDING", RLIMIT_SIGPENDING},
    {"RLIMIT_STACK", RLIMIT_STACK},
};

static int set_limits(const json_t *process, struct err *e)
{
    const json_t *r;
    size_t i;
    json_array_foreach(json_object_get(process, "rlimits"), i, r)
    {
        const char *type = jx_str(r, "type");
        size_t k, n = sizeof limits / sizeof *limits;
        for (k = 0; k < n && strcmp(limits[k].name, type) != 0; k++)
            ;
        if (k == n)
            return err_set(e, 0, "unknown resource limit \"%s\"", type);
        struct rlimit lim = {.rlim_cur = (rlim_t)jx_int(r, "soft", -1),
                             .rlim_max = (rlim_t)jx_int(r, "hard", -1)};
        if (setrlimit((__rlimit_resource_t)limits[k].which, &lim) < 0)
            return err_sys(e, "setrlimit `%s`", type);
    }
    return 0;
}

static int set_oom_score(const json_t *process, struct err *e)
{
    const json_t *v = json_object_get(process, "oomScoreAdj");
    char text[24];
    if (!json_is_integer(v))
        return 0;
    cleanup_fd int fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
    int n = snprintf(text, sizeof text, "%lld", (long long)json_integer_value(v));
    if (fd < 0 || write(fd, text, (size_t)n) != n)
        return err_sys(e, "cannot set the OOM score to %s", text);
    return 0;
}

/* ---- capabilities ---- */

static int cap_mask(const json_t *caps, const char *set, uint64_t *ret, struct err *e)
{
    const json_t *name;
    size_t i;
    *ret = 0;
    json_array_foreach(json_object_get(caps, set), i, name)
    {
        cap_value_t v;
        cleanup_free char *lower = xstrdup(json_string_value(name) ? json_string_value(name) : "");
        for (char *p = lower; *p; p++)
            *p = (char)(*p >= 'A' && *p <= 'Z' ? *p + 32 : *p);
        if (cap_from_name(lower, &v) < 0 || v > 63)
            return err_set(e, 0, "unknown capability \"%s\"", lower);
        *ret |= 1ull << v;
    }
    return 0;
}

struct capsets {
    uint64_t bounding, effective, permitted, inheritable, ambient;
};

static int read_caps(const json_t *process, struct capsets *c, struct err *e)
{
    const json_t *caps = json_object_get(process, "capabilities");
    return cap_mask(caps, "bounding", &c->bounding, e) < 0 ||
                   cap_mask(caps, "effective", &c->effective, e) < 0 ||
                   cap_mask(caps, "permitted", &c->permitted, e) < 0 ||
                   cap_mask(caps, "inheritable", &c->inheritable, e) < 0 ||
                   cap_mask(caps, "ambient", &c->ambient, e) < 0
               ? -1
               : 0;
}

static int drop_bounding(uint64_t keep, struct err *e)
{
    for (unsigned v = 0; v < 64 && prctl(PR_CAPBSET_READ, v, 0, 0, 0) >= 0; v++)
        if (!(keep >> v & 1) && prctl(PR_CAPBSET_DROP, v, 0, 0, 0) < 0)
            return err_sys(e, "cannot drop capability %u from the bounding set", v);
    return 0;
}

static int apply_caps(const struct capsets *c, struct err *e)
{
    struct __user_cap_header_struct h = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct d[2];
    for (int i = 0; i < 2; i++) {
        d[i].effective = (uint32_t)(c->effective >> (32 * i));
        d[i].permitted = (uint32_t)(c->permitted >> (32 * i));
        d[i].inheritable = (uint32_t)(c->inheritable >> (32 * i));
    }
    if (capset(&h, d) < 0)
        return err_sys(e, "cannot set capabilities");
    for (unsigned v = 0; v < 64; v++)
        if (c->ambient >> v & 1 && prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, v, 0, 0) < 0)
            return err_sys(e, "cannot set ambient capability %u", v);
    return 0;
}

/* ---- who ---- */

static int set_user(const json_t *process, struct err *e)
{
    const json_t *user = json_object_get(process, "user"), *g;
    uid_t uid = (uid_t)jx_int(user, "uid", 0);
    gid_t gid = (gid_t)jx_int(user, "gid", 0), groups[256];
    size_t n = 0, i;
    json_array_foreach(json_object_get(user, "additionalGids"), i, g)
    {
        if (n < 256)
            groups[n++] = (gid_t)json_integer_value(g);
    }
    if (setgroups(n, groups) < 0 && (n > 0 || errno != EPERM))
        return err_sys(e, "cannot set supplementary groups");
    if (json_is_integer(json_object_get(user, "umask")))
        umask((mode_t)jx_int(user, "umask", 022) & 0777);
    if (setresgid(gid, gid, gid) < 0)
        return err_sys(e, "cannot become group %u", gid);
    if (setresuid(uid, uid, uid) < 0)
        return err_sys(e, "cannot become user %u", uid);
    return 0;
}

/* ---- seccomp ---- */

static int load_filter(const struct rt *rt, struct err *e)
{
    const json_t *profile = json_object_get(json_object_get(rt->spec, "linux"), "seccomp");
    cleanup(buf_free) struct buf bpf = BUF_INIT;
    unsigned flags = 0;
    if (!profile)
        return 0;
    if (rt->seccomp_fd >= 0) {
        if (fd_read_all(rt->seccomp_fd, MAX_BPF, &bpf) < 0)
            return err_sys(e, "cannot read the compiled seccomp filter");
    } else if (seccomp_compile(profile, &bpf, e) < 0) {
        return -1;
    }
    if (seccomp_flags(profile, &flags, e) < 0)
        return -1;
    return seccomp_install(bpf.s, bpf.len, flags, NULL, e);
}

/* ---- which file ---- */

static int try_file(const char *path, int *worst)
{
    struct stat st;
    if (stat(path, &st) < 0) {
        if (errno == EACCES)
            *worst = EACCES;
        return -1;
    }
    if (S_ISDIR(st.st_mode)) {
        *worst = EISDIR;
        return -1;
    }
    if (faccessat(AT_FDCWD, path, X_OK, AT_EACCESS) < 0) {
        *worst = EACCES;
        return -1;
    }
    return 0;
}

static const char *env_of(const json_t *process, const char *name)
{
    const json_t *v;
    size_t i, n = strlen(name);
    json_array_foreach(json_object_get(process, "env"), i, v)
    {
        const char *s = json_string_value(v);
        if (s && strncmp(s, name, n) == 0 && s[n] == '=')
            return s + n + 1;
    }
    return NULL;
}

static int find_command(const json_t *process, char **ret, struct err *e)
{
    const char *name = json_string_value(json_array_get(json_object_get(process, "args"), 0));
    int worst = ENOENT;
    if (!name || !*name)
        return err_set(e, 127, "executable file `` not found in $PATH: No such file or directory");
    if (strchr(name, '/')) {
        if (try_file(name, &worst) == 0) {
            *ret = xstrdup(name);
            return 0;
        }
    } else {
        cleanup(strv_free) struct strv dirs = STRV_INIT;
        const char *path = env_of(process, "PATH");
        strv_split(&dirs, path ? path : DEFAULT_PATH, ':');
        for (size_t i = 0; i < dirs.n; i++) {
            char *full = xasprintf("%s/%s", *dirs.v[i] ? dirs.v[i] : ".", name);
            if (try_file(full, &worst) == 0) {
                *ret = full;
                return 0;
            }
            free(full);
        }
    }
    if (worst == ENOENT)
        return err_set(e, 127,
                       "executable file `%s` not found in $PATH: No such file or directory: "
                       "OCI runtime attempted to invoke a command that was not found",
                       name);
    return err_set(e, 126, "open executable `%s`: %s: OCI permission denied", name,
                   strerror(worst));
}

static int enter_cwd(const json_t *process, struct err *e)
{
    const char *cwd = jx_str(process, "cwd");
    if (!*cwd)
        cwd = "/";
    if (chdir(cwd) < 0 &&
        !(errno == ENOENT && at_mkdirs(AT_FDCWD, cwd, 0755) == 0 && chdir(cwd) == 0))
        return err_sys(e, "cannot enter working directory \"%s\"", cwd);
    return 0;
}

/* Ran with a working directory outside the root (a leaked descriptor): the kernel says so. */
static int check_inside(const json_t *process, struct err *e)
{
    char cwd[4096];
    if (syscall(SYS_getcwd, cwd, sizeof cwd) < 0 || cwd[0] != '/')
        return err_set(e, 0, "working directory \"%s\" is outside the container",
                       jx_str(process, "cwd"));
    return 0;
}

int process_prepare(const struct rt *rt, const json_t *process, char **ret_path, struct err *e)
{
    struct capsets caps = {0};
    bool nnp = jx_bool(process, "noNewPrivileges");
    if (set_limits(process, e) < 0 || set_oom_score(process, e) < 0 ||
        read_caps(process, &caps, e) < 0 || enter_cwd(process, e) < 0)
        return -1;
    /* without no_new_privs a filter needs CAP_SYS_ADMIN: it is loaded while we have it, and lets
       the few calls that follow pass, as every profile a payload can live with does */
    if (drop_bounding(caps.bounding, e) < 0 || prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) < 0)
        return -1;
    if (!nnp && load_filter(rt, e) < 0)
        return -1;
    if (set_user(process, e) < 0 || apply_caps(&caps, e) < 0)
        return -1;
    if (nnp && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
        return err_sys(e, "cannot set no_new_privs");
    if (check_inside(process, e) < 0 || find_command(process, ret_path, e) < 0)
        return -1;
    return nnp ? load_filter(rt, e) : 0;
}

int process_exec(const struct rt *rt, const json_t *process, const char *path, struct err *e)
{
    cleanup(strv_free) struct strv argv = STRV_INIT, env = STRV_INIT;
    jx_strv(process, "args", &argv);
    jx_strv(process, "env", &env);
    if (rt->preserve_fds > 0)
        strv_addf(&env, "LISTEN_PID=%d", getpid());
    static char *none[] = {NULL};
    /* what our caller ignores (a shell its background jobs' SIGINT) is not the payload's affair */
    for (int sig = 1; sig < NSIG; sig++)
        signal(sig, SIG_DFL);
    fd_close_from(3 + (int)rt->preserve_fds, NULL, 0);
    execve(path, argv.v, env.v ? env.v : none);
    int code = errno == ENOENT ? 127 : 126;
    const char *why = strerror(errno);
    return err_set(e, code, "exec `%s`: %s%s", path, why,
                   code == 126 ? ": OCI permission denied" : "");
}
