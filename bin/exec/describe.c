#include "exec.h"

#include "disk/at.h"
#include "plain/fdio.h"
#include "things/create.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#define MAX_ETC      (4 << 20)
#define MAX_ENV_FILE (1 << 20)

/* A file of the running container; links are followed as if its root were ours. */
static void read_inside(pid_t pid, const char *path, struct buf *out)
{
    cleanup_free char *root_path = xasprintf("/proc/%d/root", pid);
    cleanup_fd int root = open(root_path, O_PATH | O_DIRECTORY | O_CLOEXEC);
    struct open_how how = {.flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY,
                           .resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS};
    cleanup_fd int fd = root < 0 ? -1 : (int)syscall(SYS_openat2, root, path, &how, sizeof how);
    if (fd >= 0 && fd_read_all(fd, MAX_ETC, out) < 0)
        buf_clear(out);
}

static int set_user(const struct ctr *c, const struct ctr_status *s, const struct exec_opts *o,
                    json_t *process, bool *root, struct err *e)
{
    struct user_ids u;
    json_t *user = json_object(), *groups = json_array();
    json_object_set_new(process, "user", user);
    json_object_set_new(user, "additionalGids", groups);
    if (!o->user) {
        json_object_set_new(user, "uid", json_integer(jx_int(c->record, "uid", 0)));
        json_object_set_new(user, "gid", json_integer(jx_int(c->record, "gid", 0)));
        json_array_extend(groups, json_object_get(c->record, "groups"));
        *root = jx_int(c->record, "uid", 0) == 0;
        return 0;
    }
    cleanup(buf_free) struct buf passwd = BUF_INIT, group = BUF_INIT;
    read_inside(s->pid, "etc/passwd", &passwd);
    read_inside(s->pid, "etc/group", &group);
    if (user_resolve(o->user, buf_str(&passwd), buf_str(&group), &u, e) < 0)
        return -1;
    json_object_set_new(user, "uid", json_integer(u.uid));
    json_object_set_new(user, "gid", json_integer(u.gid));
    for (size_t i = 0; i < u.ngroups; i++)
        json_array_append_new(groups, json_integer(u.groups[i]));
    cleanup_free char *home = xasprintf("HOME=%s", u.home);
    json_object_set_new(process, "home", json_string(home));
    *root = u.uid == 0;
    return 0;
}

/* A later NAME= replaces an earlier one. */
static void put_env(json_t *env, const char *text)
{
    size_t i, n = strcspn(text, "=");
    json_t *v;
    cleanup_free char *own = NULL;
    if (text[n] != '=') {
        const char *ours = getenv(text);
        if (!ours)
            return;
        text = own = xasprintf("%s=%s", text, ours);
    }
    json_array_foreach(env, i, v)
    {
        if (strncmp(json_string_value(v), text, n + 1) == 0) {
            json_array_set_new(env, i, json_string(text));
            return;
        }
    }
    json_array_append_new(env, json_string(text));
}

static int set_env(const struct ctr *c, const struct exec_opts *o, json_t *process, struct err *e)
{
    json_t *env = json_object_get(c->record, "env");
    env = env ? json_deep_copy(env) : json_array();
    const char *home = jx_str0(process, "home");
    if (home)
        put_env(env, home);
    json_object_del(process, "home");
    json_object_set_new(process, "env", env);
    if (o->tty)
        put_env(env, "TERM=xterm");
    for (size_t i = 0; i < o->env_file.n; i++) {
        cleanup(buf_free) struct buf b = BUF_INIT;
        char *save = NULL;
        if (at_read(AT_FDCWD, o->env_file.v[i], MAX_ENV_FILE, &b) < 0)
            return err_sys(e, "cannot read environment file \"%s\"", o->env_file.v[i]);
        for (char *l = b.s ? strtok_r(b.s, "\n", &save) : NULL; l; l = strtok_r(NULL, "\n", &save))
            if (*l && *l != '#')
                put_env(env, l);
    }
    for (size_t i = 0; i < o->env.n; i++)
        put_env(env, o->env.v[i]);
    return 0;
}

static void set_caps(const struct ctr *c, const struct exec_opts *o, bool root, json_t *process)
{
    static const char *const sets[] = {"bounding", "permitted", "effective"};
    json_t *caps = json_object_get(c->record, "caps"), *all = json_object();
    (void)o;
    for (size_t i = 0; i < 3; i++)
        json_object_set_new(all, sets[i],
                            caps && (root || i == 0) ? json_deep_copy(caps) : json_array());
    json_object_set_new(process, "capabilities", all);
}

static void set_size(json_t *process)
{
    struct winsize ws;
    if (ioctl(0, TIOCGWINSZ, &ws) == 0)
        json_object_set_new(process, "consoleSize",
                            json_pack("{s:i, s:i}", "height", ws.ws_row, "width", ws.ws_col));
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
    if (set_user(c, s, o, process, &root, e) < 0 || set_env(c, o, process, e) < 0)
        return -1;
    set_caps(c, o, root, process);
    if (jx_bool(c->record, "noNewPrivileges"))
        json_object_set_new(process, "noNewPrivileges", json_true());
    if (o->tty)
        set_size(process);
    cleanup_free char *text = json_dumps(process, JSON_COMPACT);
    cleanup_fd int fd = memfd_create("process.json", MFD_CLOEXEC);
    if (!text)
        return err_set(e, 0, "the command line is not UTF-8");
    if (fd < 0 || fd_write_all(fd, text, strlen(text)) < 0)
        return err_sys(e, "cannot describe the process");
    *ret_fd = fd_take(&fd);
    return 0;
}
