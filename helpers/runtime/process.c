#include "rt.h"

#include "plain/buf.h"
#include "plain/fdio.h"
#include "plain/signals.h"
#include "plain/str.h"

#include "disk/at.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define DEFAULT_PATH "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

/* ---- who ---- */

/* crun's annotation, which podman's --group-add keep-groups writes. */
bool keeps_groups(const json_t *spec)
{
    const json_t *a = json_object_get(spec, "annotations");
    return strcmp(jx_str(a, "run.oci.keep_original_groups"), "1") == 0;
}

/* setgroups(2) and its like say EINVAL of an id that the user namespace has not. */
static int cannot_become(struct err *e, const char *kind, unsigned id)
{
    if (errno != EINVAL)
        return err_sys(e, "cannot become %s %u", kind, id);
    return err_set(e, 0,
                   "there is no %s ID %u in the container's user namespace (more come from a "
                   "longer range in /etc/sub%cid)",
                   kind, id, kind[0]);
}

static int set_groups(const gid_t *groups, size_t n, struct err *e)
{
    gid_t worst = 0;
    for (size_t i = 0; i < n; i++)
        worst = groups[i] > worst ? groups[i] : worst;
    if (setgroups(n, groups) == 0 || (n == 0 && errno == EPERM))
        return 0;
    return cannot_become(e, "group", worst);
}

static int set_user(const json_t *spec, const json_t *process, struct err *e)
{
    const json_t *user = json_object_get(process, "user"), *g;
    uid_t uid = (uid_t)jx_int(user, "uid", 0);
    gid_t gid = (gid_t)jx_int(user, "gid", 0), groups[256];
    size_t n = 0, i;
    json_array_foreach(json_object_get(user, "additionalGids"), i, g)
    {
        if (n == sizeof groups / sizeof *groups)
            return err_set(e, 0, "more than %zu supplementary groups", n);
        groups[n++] = (gid_t)json_integer_value(g);
    }
    if (!keeps_groups(spec) && set_groups(groups, n, e) < 0)
        return -1;
    if (json_is_integer(json_object_get(user, "umask")))
        umask((mode_t)jx_int(user, "umask", 022) & 0777);
    if (setresgid(gid, gid, gid) < 0)
        return cannot_become(e, "group", gid);
    if (setresuid(uid, uid, uid) < 0)
        return cannot_become(e, "user", uid);
    return 0;
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

static const char *cwd_of(const json_t *process)
{
    return *jx_str(process, "cwd") ? jx_str(process, "cwd") : "/";
}

/*
 * Tried as root, who also makes it when it is missing and the container is new. Where root of a
 * user namespace may not go, the user may (a home on a network filesystem), so the last word is
 * enter_cwd's.
 */
static int chdir_to(const struct rt *rt, const json_t *process)
{
    const char *cwd = cwd_of(process);
    if (chdir(cwd) == 0)
        return 0;
    return rt->creating && errno == ENOENT && at_mkdirs(AT_FDCWD, cwd, 0755) == 0 ? chdir(cwd) : -1;
}

static int enter_cwd(const json_t *process, struct err *e)
{
    if (chdir(cwd_of(process)) < 0)
        return err_sys(e, "cannot enter working directory \"%s\"", cwd_of(process));
    return 0;
}

/* HOME is the user's of the container's own passwd, where that is a plain file. */
static void add_home(const json_t *process, struct strv *env)
{
    uid_t uid = (uid_t)jx_int(json_object_get(process, "user"), "uid", 0);
    int fd = open("/etc/passwd", O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    struct stat st;
    FILE *f = fd >= 0 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode) ? fdopen(fd, "r") : NULL;
    const char *home = NULL;
    for (struct passwd *p; f && !home && (p = fgetpwent(f));)
        if (p->pw_uid == uid)
            home = p->pw_dir;
    strv_addf(env, "HOME=%s", home && *home ? home : "/");
    if (f)
        fclose(f);
    else if (fd >= 0)
        close(fd);
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

/*
 * Pipes become the user's, so that it may open /dev/stdout again. Not a file or terminal of the
 * caller, who would lose it.
 */
static void own_pipes(const json_t *process)
{
    uid_t uid = (uid_t)jx_int(json_object_get(process, "user"), "uid", 0);
    struct stat st;
    for (int fd = 0; fd < 3; fd++)
        if (fstat(fd, &st) == 0 && S_ISFIFO(st.st_mode) && st.st_uid != uid &&
            fchown(fd, uid, (gid_t)-1) < 0)
            continue; /* not ours to give: as it was */
}

/* Notifications are answered by the runtime, which a created container no longer has. */
static bool filter_early(const struct rt *rt, const json_t *process)
{
    return !jx_bool(process, "noNewPrivileges") || rt->listener_end >= 0;
}

int process_prepare(const struct rt *rt, const json_t *process, char **ret_path, struct err *e)
{
    struct capsets caps = {0};
    /* before any filter, which could forbid it */
    for (int i = 0; rt->o->preserve_at && i < rt->o->preserve_fds; i++)
        (void)dup2((int)rt->o->preserve_at + i, 3 + i);
    if (fd_close_from(3 + (int)(rt->o->preserve_fds + rt->listen_fds), NULL, 0) < 0)
        return err_sys(e, "cannot close the caller's descriptors");
    if (attrs_limits(process, e) < 0 || attrs_scheduling(process, e) < 0 ||
        attrs_personality(rt->spec, e) < 0 || attrs_labels(process, e) < 0)
        return -1;
    caps_read(process, &caps);
    /* without no_new_privs a filter needs CAP_SYS_ADMIN: it is loaded while we have it, and lets
       the few calls that follow pass, as every profile a payload can live with does */
    if (caps_drop_bounding(caps.bounding, e) < 0 || prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) < 0)
        return -1;
    int entered = chdir_to(rt, process);
    if (jx_bool(process, "noNewPrivileges") && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
        return err_sys(e, "cannot set no_new_privs");
    if (filter_early(rt, process) && filter_load(rt, e) < 0)
        return -1;
    own_pipes(process);
    if (set_user(rt->spec, process, e) < 0 || caps_apply(&caps, e) < 0)
        return -1;
    if (entered < 0 && enter_cwd(process, e) < 0)
        return -1;
    return check_inside(process, e) < 0 ? -1 : find_command(process, ret_path, e);
}

int process_filter(const struct rt *rt, const json_t *process, struct err *e)
{
    return filter_early(rt, process) ? 0 : filter_load(rt, e);
}

int process_exec(const struct rt *rt, const json_t *process, const char *path, struct err *e)
{
    cleanup(strv_free) struct strv argv = STRV_INIT, env = STRV_INIT;
    jx_strv(process, "args", &argv);
    jx_strv(process, "env", &env);
    if (!env_of(process, "HOME"))
        add_home(process, &env);
    if (rt->listen_fds > 0) {
        strv_addf(&env, "LISTEN_FDS=%lld", (long long)rt->listen_fds);
        strv_addf(&env, "LISTEN_PID=%d", getpid());
    }
    /* what our caller ignores (a shell its background jobs' SIGINT) is not the payload's affair */
    signals_default();
    execve(path, argv.v, env.v);
    int code = errno == ENOENT ? 127 : 126;
    const char *why = strerror(errno);
    return err_set(e, code, "exec `%s`: %s%s", path, why,
                   code == 126 ? ": OCI permission denied" : "");
}
