/* The environment: defaults, the caller's, the image's, files, and what was asked for, in turn. */
#include "things/create.h"

#include "disk/at.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MAX_ENV_FILE (1 << 20)
#define DEFAULT_PATH "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

static const char *env_get(const struct strv *env, const char *name, size_t n)
{
    for (size_t i = 0; i < env->n; i++)
        if (strncmp(env->v[i], name, n) == 0 && env->v[i][n] == '=')
            return env->v[i] + n + 1;
    return NULL;
}

/* NAME=VALUE replaces an earlier value of NAME. */
static void env_set(struct strv *env, const char *entry)
{
    size_t n = strcspn(entry, "=") + 1;
    for (size_t i = 0; i < env->n; i++)
        if (strncmp(env->v[i], entry, n) == 0) {
            free(env->v[i]);
            env->v[i] = xstrdup(entry);
            return;
        }
    strv_add(env, entry);
}

static void env_unset(struct strv *env, const char *name)
{
    size_t len = strlen(name), kept = 0;
    for (size_t i = 0; i < env->n; i++) {
        if (strncmp(env->v[i], name, len) == 0 && env->v[i][len] == '=')
            free(env->v[i]);
        else
            env->v[kept++] = env->v[i];
    }
    for (size_t i = kept; i < env->n; i++)
        env->v[i] = NULL;
    env->n = kept;
}

/* NAME=VALUE; NAME alone takes the caller's value, and NAME* those of all that begin so. */
int env_put(struct strv *env, const char *text, struct err *e)
{
    size_t n = strcspn(text, "=");
    if (n == 0)
        return err_set(e, 0, "invalid environment variable: \"%s\"", text);
    if (text[n] == '=') {
        env_set(env, text);
        return 0;
    }
    bool all = text[n - 1] == '*';
    for (char **ours = environ; *ours; ours++)
        if (strncmp(*ours, text, n - all) == 0 && (all || (*ours)[n] == '='))
            env_set(env, *ours);
    return 0;
}

static void env_default(struct strv *env, const char *name, const char *value)
{
    if (!env_get(env, name, strlen(name)))
        strv_addf(env, "%s=%s", name, value);
}

int env_from_file(struct strv *env, const char *path, struct err *e)
{
    cleanup(buf_free) struct buf b = BUF_INIT;
    if (at_read(AT_FDCWD, path, MAX_ENV_FILE, &b) < 0)
        return err_set(e, 0, "parsing env file \"%s\": open %s: %s", path, path,
                       errno == ENOENT ? "no such file or directory" : strerror(errno));
    char *save = NULL;
    for (char *l = b.s ? strtok_r(b.s, "\n", &save) : NULL; l; l = strtok_r(NULL, "\n", &save)) {
        l += strspn(l, " \t");
        l[strcspn(l, "\r")] = '\0';
        if (*l && *l != '#' && env_put(env, l, e) < 0)
            return err_prefix(e, "parsing env file \"%s\"", path);
    }
    return 0;
}

static const char *const proxies[] = {"http_proxy", "https_proxy", "ftp_proxy", "no_proxy",
                                      "HTTP_PROXY", "HTTPS_PROXY", "FTP_PROXY", "NO_PROXY",
                                      "all_proxy",  "ALL_PROXY",   NULL};

static void add_callers(const struct create_opts *o, struct strv *env)
{
    struct err ignored = ERR_INIT;
    if (o->env_host)
        (void)env_put(env, "*", &ignored);
    for (size_t i = 0; o->http_proxy != 0 && proxies[i]; i++)
        (void)env_put(env, proxies[i], &ignored);
}

/* --env-merge: $NAME and ${NAME} stand for what the variable is so far. */
static int env_merge(struct strv *env, const char *text, struct err *e)
{
    cleanup(buf_free) struct buf b = BUF_INIT;
    for (const char *p = text; *p;) {
        if (*p != '$') {
            buf_addc(&b, *p++);
            continue;
        }
        bool braced = *++p == '{';
        const char *name = p + braced;
        size_t n = strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_");
        const char *value = env_get(env, name, n);
        if (n && value)
            buf_adds(&b, value);
        p = name + n;
        if (braced && *p == '}')
            p++;
    }
    return env_put(env, buf_str(&b), e);
}

int create_env(const struct create_opts *o, const json_t *cfg, const struct user_ids *u,
               json_t *rec, struct err *e)
{
    cleanup(strv_free) struct strv env = STRV_INIT, image = STRV_INIT;
    int res = 0;
    env_default(&env, "PATH", DEFAULT_PATH);
    env_default(&env, "container", "podman");
    env_default(&env, "TERM", "xterm");
    for (size_t i = 0; i < o->env_default.n && res == 0; i++)
        res = env_put(&env, o->env_default.v[i], e);
    add_callers(o, &env);
    jx_strv(cfg, "Env", &image);
    for (size_t i = 0; i < image.n; i++)
        if (strchr(image.v[i], '='))
            env_set(&env, image.v[i]);
    if (o->unsetenv_all)
        strv_free(&env);
    for (size_t i = 0; i < o->unsetenv.n; i++)
        env_unset(&env, o->unsetenv.v[i]);
    for (size_t i = 0; i < o->env_merge.n && res == 0; i++)
        res = env_merge(&env, o->env_merge.v[i], e);
    for (size_t i = 0; i < o->env_file.n && res == 0; i++)
        res = env_from_file(&env, o->env_file.v[i], e);
    for (size_t i = 0; i < o->env.n && res == 0; i++)
        res = env_put(&env, o->env.v[i], e);
    env_default(&env, "HOME", u->home);
    env_default(&env, "HOSTNAME", jx_str(rec, "hostname"));
    jx_set(rec, "env", jx_from_strv(&env));
    return res;
}
