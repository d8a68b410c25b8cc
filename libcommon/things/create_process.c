/* args, environment, working directory and user: the image's wishes and the person's. */
#include "things/create.h"

#include "disk/at.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MAX_ETC      (4 << 20)
#define MAX_ENV_FILE (1 << 20)
#define DEFAULT_PATH "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

/* ---- command ---- */

static int read_entrypoint(const char *text, struct strv *ret, struct err *e)
{
    if (text[0] == '[') {
        json_t *list = NULL;
        if (jx_parse("--entrypoint", text, strlen(text), &list, e) < 0)
            return -1;
        cleanup_json holder = json_pack("{s:o}", "v", list);
        jx_strv(holder, "v", ret);
    } else if (*text) {
        strv_add(ret, text);
    }
    return 0;
}

static int set_args(const struct create_opts *o, const json_t *cfg, char *const *command,
                    const char *image, json_t *rec, struct err *e)
{
    cleanup(strv_free) struct strv args = STRV_INIT, cmd = STRV_INIT, entry = STRV_INIT;
    if (o->entrypoint) {
        if (read_entrypoint(o->entrypoint, &entry, e) < 0)
            return -1;
    } else {
        jx_strv(cfg, "Entrypoint", &entry);
    }
    for (char *const *c = command; c && *c; c++)
        strv_add(&cmd, *c);
    if (!cmd.n && !o->entrypoint)
        jx_strv(cfg, "Cmd", &cmd);
    if (o->init) {
        strv_add(&args, "/run/podman-init");
        strv_add(&args, "--");
    }
    for (size_t i = 0; i < entry.n; i++)
        strv_add(&args, entry.v[i]);
    for (size_t i = 0; i < cmd.n; i++)
        strv_add(&args, cmd.v[i]);
    if (!entry.n && !cmd.n) {
        err_set(e, 0, "no command or entrypoint provided, and no CMD or ENTRYPOINT from image");
        return err_hint(e, "Type: pod run %s COMMAND", image);
    }
    jx_set(rec, "args", jx_from_strv(&args));
    jx_set(rec, "command", jx_from_strv(&cmd));
    jx_set(rec, "entrypoint", jx_from_strv(&entry));
    return 0;
}

/* ---- environment ---- */

/* NAME=VALUE replaces an earlier value of NAME; NAME alone takes the caller's. */
static void env_put(struct strv *env, const char *text)
{
    size_t n = strcspn(text, "=");
    char *entry;
    if (text[n] == '=') {
        entry = xstrdup(text);
    } else {
        const char *ours = getenv(text);
        if (!ours)
            return;
        entry = xasprintf("%s=%s", text, ours);
    }
    for (size_t i = 0; i < env->n; i++)
        if (strncmp(env->v[i], entry, n + 1) == 0) {
            free(env->v[i]);
            env->v[i] = entry;
            return;
        }
    strv_take(env, entry);
}

static bool env_has(const struct strv *env, const char *name)
{
    size_t n = strlen(name);
    for (size_t i = 0; i < env->n; i++)
        if (strncmp(env->v[i], name, n) == 0 && env->v[i][n] == '=')
            return true;
    return false;
}

static void env_default(struct strv *env, const char *name, const char *value)
{
    if (env_has(env, name))
        return;
    cleanup_free char *entry = xasprintf("%s=%s", name, value);
    env_put(env, entry);
}

static int env_from_file(struct strv *env, const char *path, struct err *e)
{
    cleanup(buf_free) struct buf b = BUF_INIT;
    if (at_read(AT_FDCWD, path, MAX_ENV_FILE, &b) < 0)
        return err_sys(e, "cannot read environment file \"%s\"", path);
    char *save = NULL;
    for (char *l = strtok_r(b.s, "\n", &save); l; l = strtok_r(NULL, "\n", &save)) {
        l += strspn(l, " \t");
        l[strcspn(l, "\r")] = '\0';
        if (*l && *l != '#')
            env_put(env, l);
    }
    return 0;
}

static int set_env(const struct create_opts *o, const json_t *cfg, const struct user_ids *u,
                   json_t *rec, struct err *e)
{
    cleanup(strv_free) struct strv env = STRV_INIT, image = STRV_INIT;
    env_default(&env, "PATH", DEFAULT_PATH);
    env_default(&env, "container", "podman");
    if (o->tty)
        env_default(&env, "TERM", "xterm");
    jx_strv(cfg, "Env", &image);
    for (size_t i = 0; i < image.n; i++)
        env_put(&env, image.v[i]);
    for (size_t i = 0; i < o->env_file.n; i++)
        if (env_from_file(&env, o->env_file.v[i], e) < 0)
            return -1;
    for (size_t i = 0; i < o->env.n; i++)
        env_put(&env, o->env.v[i]);
    env_default(&env, "HOME", u->home);
    env_default(&env, "HOSTNAME", jx_str(rec, "hostname"));
    jx_set(rec, "env", jx_from_strv(&env));
    return 0;
}

/* ---- user ---- */

static int find_user(const struct roots *r, const struct create_opts *o, const struct image *img,
                     const json_t *cfg, struct user_ids *u, struct err *e)
{
    cleanup(buf_free) struct buf passwd = BUF_INIT, group = BUF_INIT;
    const char *spec = o->user ? o->user : jx_str(cfg, "User");
    if (!o->user && o->userns && str_starts(o->userns, "keep-id") && !*spec) {
        *u = (struct user_ids){.uid = getuid(), .gid = getgid(), .home = "/"};
        return 0;
    }
    if (img) {
        (void)image_read_file(r, &img->lowers, "etc/passwd", MAX_ETC, &passwd);
        (void)image_read_file(r, &img->lowers, "etc/group", MAX_ETC, &group);
    }
    if (user_resolve(spec, buf_str(&passwd), buf_str(&group), u, e) < 0)
        return -1;
    for (size_t i = 0; i < o->group_add.n; i++)
        if (user_add_group(o->group_add.v[i], buf_str(&group), u, e) < 0)
            return -1;
    return 0;
}

static void set_user(const struct user_ids *u, const char *spec, json_t *rec)
{
    json_t *groups = json_array();
    for (size_t i = 0; i < u->ngroups; i++)
        if (u->groups[i] != u->gid)
            json_array_append_new(groups, json_integer(u->groups[i]));
    json_object_set_new(rec, "uid", json_integer(u->uid));
    json_object_set_new(rec, "gid", json_integer(u->gid));
    jx_set(rec, "groups", groups);
    jx_set_str(rec, "user", spec);
}

int create_process(const struct roots *r, const struct create_opts *o, const struct image *img,
                   char *const *command, json_t *rec, struct err *e)
{
    const json_t *cfg = img ? json_object_get(img->config, "config") : NULL;
    struct user_ids u;
    if (set_args(o, cfg, command, img ? img->name : "", rec, e) < 0 ||
        find_user(r, o, img, cfg, &u, e) < 0 || set_env(o, cfg, &u, rec, e) < 0)
        return -1;
    set_user(&u, o->user ? o->user : jx_str(cfg, "User"), rec);
    const char *cwd = o->workdir ? o->workdir : jx_str(cfg, "WorkingDir");
    if (*cwd && cwd[0] != '/')
        return err_set(
            e, 0, "the working directory \"%s\" is invalid, it needs to be an absolute path", cwd);
    json_object_set_new(rec, "workdir", json_string(*cwd ? cwd : "/"));
    return 0;
}
