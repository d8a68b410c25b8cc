#include "exec.h"

#include "disk/inside.h"
#include "plain/fdio.h"
#include "say.h"
#include "things/create.h"
#include "things/secret.h"
#include "things/spec.h"
#include "words/exitcode.h"
#include "words/userns.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define MAX_ETC (4 << 20)

/* The runtime would make it, as it does for a container's own; a command is not to leave one. */
static int check_workdir(pid_t pid, const char *dir, struct err *e)
{
    cleanup_fd int fd = inside_open(pid, dir, O_PATH | O_DIRECTORY);
    if (fd >= 0 || errno != ENOENT)
        return 0;
    return err_set(
        e, EXIT_NOTFOUND,
        "chdir `%s`: No such file or directory: OCI runtime attempted to invoke a command "
        "that was not found",
        dir);
}

void exec_find_single(const struct ctr_status *s, struct exec_opts *o)
{
    o->only_uid = userns_only_id_of(s->pid, "uid_map");
    o->only_gid = userns_only_id_of(s->pid, "gid_map");
    o->single = geteuid() != 0 && o->only_uid >= 0 && o->only_gid >= 0;
}

/* Whoever was meant, it is the only one there is; as root it still has root's capabilities. */
static void set_only_user(const struct exec_opts *o, json_t *user)
{
    int64_t meant = jx_int(user, "uid", 0);
    if (meant != o->only_uid)
        say_warning("user %lld of the container runs as %lld, its only user ID (single-id mode)",
                    (long long)meant, (long long)o->only_uid);
    json_object_set_new(user, "uid", json_integer(o->only_uid));
    json_object_set_new(user, "gid", json_integer(o->only_gid));
    json_object_del(user, "additionalGids");
}

static int set_user(const struct ctr *c, const struct ctr_status *s, const struct exec_opts *o,
                    json_t *process, bool *root, struct err *e)
{
    struct user_ids u;
    json_t *user = json_object(), *groups = json_array();
    json_object_set_new(process, "user", user);
    json_object_set_new(user, "umask", json_integer(spec_umask(c)));
    json_object_set_new(user, "additionalGids", groups);
    if (!o->user) {
        json_object_set_new(user, "uid", json_integer(jx_int(c->record, "uid", 0)));
        json_object_set_new(user, "gid", json_integer(jx_int(c->record, "gid", 0)));
        json_array_extend(groups, json_object_get(c->record, "groups"));
        *root = jx_int(c->record, "uid", 0) == 0;
        return 0;
    }
    cleanup(buf_free) struct buf passwd = BUF_INIT, group = BUF_INIT;
    inside_read(s->pid, "etc/passwd", MAX_ETC, &passwd);
    inside_read(s->pid, "etc/group", MAX_ETC, &group);
    if (user_resolve(o->user, buf_str(&passwd), buf_str(&group), &u, e) < 0)
        return -1;
    json_object_set_new(user, "uid", json_integer(u.uid));
    json_object_set_new(user, "gid", json_integer(u.gid));
    json_array_append_new(groups, json_integer(u.gid));
    for (size_t i = 0; i < u.ngroups; i++)
        json_array_append_new(groups, json_integer(u.groups[i]));
    json_array_extend(groups, json_object_get(c->record, "groupAdd"));
    cleanup_free char *home = xasprintf("HOME=%s", u.home);
    json_object_set_new(process, "home", json_string(home));
    *root = u.uid == 0;
    return 0;
}

static int set_env(const struct ctr *c, const struct exec_opts *o, json_t *process, struct err *e)
{
    cleanup(strv_free) struct strv env = STRV_INIT, own = STRV_INIT;
    const char *home = jx_str0(process, "home");
    int res = 0;
    if (o->tty)
        strv_add(&env, "TERM=xterm");
    jx_strv(c->record, "env", &own);
    for (size_t i = 0; i < own.n && res == 0; i++)
        res = env_put(&env, own.v[i], e);
    if (home && res == 0)
        res = env_put(&env, home, e);
    json_object_del(process, "home");
    for (size_t i = 0; i < o->env_file.n && res == 0; i++)
        res = env_from_file(&env, o->env_file.v[i], e);
    for (size_t i = 0; i < o->env.n && res == 0; i++)
        res = env_put(&env, o->env.v[i], e);
    if (res < 0)
        err_prefix(e, "parsing environment variables");
    json_t *all = jx_from_strv(&env);
    json_object_set_new(process, "env", all);
    return res < 0 ? res : secrets_env(c->dir, c->record, all, e);
}

static void set_caps(const struct ctr *c, const struct exec_opts *o, bool root, json_t *process)
{
    static const char *const sets[] = {"bounding", "permitted", "effective", "inheritable",
                                       "ambient"};
    const json_t *added = o->privileged ? NULL : json_object_get(c->record, "capAdd");
    json_t *own = json_object_get(c->record, "caps"), *all = json_object();
    cleanup_json every = o->privileged ? caps_all() : NULL;
    const json_t *caps = every ? every : own;
    for (size_t i = 0; i < (root ? 3 : 5); i++) {
        const json_t *set = root || i == 0 ? caps : added;
        json_object_set_new(all, sets[i], set ? json_deep_copy(set) : json_array());
    }
    json_object_set_new(process, "capabilities", all);
}

int exec_describe(const struct ctr *c, const struct ctr_status *s, const struct exec_opts *o,
                  char *const *command, int *ret_fd, struct err *e)
{
    cleanup_json process = json_object();
    json_t *args = json_array();
    bool root = true;
    for (; *command; command++)
        json_array_append_new(args, json_string(*command));
    json_object_set_new(process, "args", args);
    json_object_set_new(process, "cwd",
                        json_string(o->workdir ? o->workdir : jx_str(c->record, "workdir")));
    json_object_set_new(process, "terminal", json_boolean(o->tty));
    if (o->workdir && check_workdir(s->pid, o->workdir, e) < 0)
        return -1;
    if (set_user(c, s, o, process, &root, e) < 0)
        return -1;
    if (o->single)
        set_only_user(o, json_object_get(process, "user"));
    if (set_env(c, o, process, e) < 0)
        return -1;
    set_caps(c, o, root, process);
    if (json_object_get(c->record, "ulimits"))
        json_object_set(process, "rlimits", json_object_get(c->record, "ulimits"));
    if (jx_bool(c->record, "noNewPrivileges"))
        json_object_set_new(process, "noNewPrivileges", json_true());
    if (o->tty)
        spec_set_size(process);
    cleanup_free char *text = json_dumps(process, JSON_COMPACT);
    cleanup_fd int fd = memfd_create("process.json", MFD_CLOEXEC);
    if (!text)
        return err_set(e, 0, "the command line is not UTF-8");
    if (fd < 0 || fd_write_all(fd, text, strlen(text)) < 0)
        return err_sys(e, "cannot describe the process");
    *ret_fd = fd_take(&fd);
    return 0;
}
