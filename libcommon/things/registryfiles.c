#include "things/registryfiles.h"

#include "disk/at.h"
#include "plain/buf.h"
#include "plain/fdio.h"
#include "things/registries.h"
#include "things/spawn.h"
#include "words/json.h"
#include "words/toml.h"
#include "words/userdirs.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SYSTEM_DIR "/etc/containers"

void registries_free(struct registries *g)
{
    if (!g)
        return;
    json_decref(g->registries);
    json_decref(g->aliases);
    json_decref(g->alias_from);
    strv_free(&g->search);
    free(g->mode);
    free(g->main_file);
    free(g->search_file);
    free(g);
}

static const char *key_of(const json_t *reg)
{
    const char *p = jx_str(reg, "prefix");
    return *p ? p : jx_str(reg, "location");
}

static void put_registry(struct registries *g, json_t *reg)
{
    const json_t *old;
    size_t i;
    json_array_foreach(g->registries, i, old)
    {
        if (strcmp(key_of(old), key_of(reg)) == 0) {
            json_array_set(g->registries, i, reg);
            return;
        }
    }
    json_array_append(g->registries, reg);
}

static void set_search(struct registries *g, const char *path, const json_t *o, const char *key)
{
    free(g->search_file);
    g->search_file = xstrdup(path);
    strv_free(&g->search);
    jx_strv(o, key, &g->search);
    g->search_set = true;
}

/* [registries.insecure] and [registries.block]: lists of hosts */
static void merge_v1_list(struct registries *g, const json_t *v1, const char *table,
                          const char *key)
{
    const json_t *host, *list = json_object_get(json_object_get(v1, table), "registries");
    size_t i;
    json_array_foreach(list, i, host)
    {
        json_t *reg = NULL;
        size_t k;
        const json_t *r;
        json_array_foreach(g->registries, k, r)
        {
            if (strcmp(key_of(r), json_string_value(host) ?: "") == 0)
                reg = json_incref(json_array_get(g->registries, k));
        }
        if (!reg)
            reg = json_pack("{sO}", "location", host);
        json_object_set_new(reg, key, json_true());
        put_registry(g, reg);
        json_decref(reg);
    }
}

static void merge_v1(struct registries *g, const char *path, const json_t *v1)
{
    const json_t *found = json_object_get(v1, "search");
    if (found)
        set_search(g, path, found, "registries");
    merge_v1_list(g, v1, "insecure", "insecure");
    merge_v1_list(g, v1, "block", "blocked");
}

static int check_registry(const char *path, const json_t *reg, struct err *e)
{
    const char *prefix = jx_str(reg, "prefix");
    if (!json_is_object(reg) || !*key_of(reg))
        return err_set(e, 0, "%s: a [[registry]] needs a location or a prefix", path);
    if (strchr(prefix, '*') && (!str_starts(prefix, "*.") || strchr(prefix + 1, '*')))
        return err_set(e, 0, "%s: invalid prefix \"%s\": only *.DOMAIN may hold a star", path,
                       prefix);
    if (strstr(key_of(reg), "://") || strstr(jx_str(reg, "location"), "://"))
        return err_set(e, 0,
                       "%s: invalid location \"%s\": a host has no scheme (https://) before it",
                       path, key_of(reg));
    return 0;
}

/* What this file sets takes the place of what earlier ones set. */
static int merge(struct registries *g, const char *path, const json_t *o, struct err *e)
{
    const json_t *v1 = json_object_get(o, "registries");
    json_t *reg;
    size_t i;
    if (json_object_get(o, "unqualified-search-registries"))
        set_search(g, path, o, "unqualified-search-registries");
    if (json_is_object(v1))
        merge_v1(g, path, v1);
    json_array_foreach(json_object_get(o, "registry"), i, reg)
    {
        if (check_registry(path, reg, e) < 0)
            return -1;
        put_registry(g, reg);
    }
    const char *mode = jx_str0(o, "short-name-mode");
    if (mode) {
        free(g->mode);
        g->mode = xstrdup(mode);
    }
    json_t *aliases = json_object_get(o, "aliases");
    json_object_update(g->aliases, aliases);
    const char *name;
    json_t *full;
    json_object_foreach(aliases, name, full)
        json_object_set_new(g->alias_from, name, json_string(path));
    return 0;
}

/* must: a missing file is an error */
static int read_file(struct registries *g, const char *path, bool must, struct err *e)
{
    json_t *o = NULL;
    struct err why = ERR_INIT;
    if (toml_load(path, &o, &why) < 0) {
        /* as podman: what this user may not read is as if it were not there */
        if (!must && (why.sys == ENOENT || why.sys == EACCES || why.sys == ENOTDIR))
            return 0;
        *e = why;
        return -1;
    }
    int r = merge(g, path, o, e);
    json_decref(o);
    return r;
}

static int read_dropins(struct registries *g, const char *dir, struct err *e)
{
    cleanup(strv_free) struct strv names = STRV_INIT;
    DIR *d = dir ? opendir(dir) : NULL;
    if (!d)
        return 0;
    for (const struct dirent *de; (de = readdir(d));)
        if (de->d_name[0] != '.' && str_ends(de->d_name, ".conf"))
            strv_add(&names, de->d_name);
    closedir(d);
    strv_sort(&names);
    for (size_t i = 0; i < names.n; i++) {
        cleanup_free char *path = xasprintf("%s/%s", dir, names.v[i]);
        if (read_file(g, path, false, e) < 0)
            return -1;
    }
    return 0;
}

/* The main file's path; *must when it was named on purpose. */
static char *main_file(bool *must)
{
    static const char *const vars[] = {"CONTAINERS_REGISTRIES_CONF", "REGISTRIES_CONFIG_PATH"};
    for (size_t i = 0; i < 2; i++) {
        const char *named = getenv(vars[i]);
        if (named && *named) {
            *must = true;
            return xstrdup(named);
        }
    }
    *must = false;
    char *user = userdir_config("containers/registries.conf");
    if (user && access(user, R_OK) == 0)
        return user;
    free(user);
    if (access(SYSTEM_DIR "/registries.conf", R_OK) == 0)
        return xstrdup(SYSTEM_DIR "/registries.conf");
    return share_path("registries.conf");
}

/* From the weakest voice to the strongest. */
static int read_all(struct registries *g, struct err *e)
{
    cleanup_free char *shipped = share_path("shortnames.conf");
    cleanup_free char *user_dir = userdir_config("containers/registries.conf.d");
    cleanup_free char *saved = userdir_cache("containers/short-name-aliases.conf");
    bool must;
    g->main_file = main_file(&must);
    if (read_file(g, shipped, false, e) < 0 || read_file(g, g->main_file, must, e) < 0 ||
        read_dropins(g, SYSTEM_DIR "/registries.conf.d", e) < 0 || read_dropins(g, user_dir, e) < 0)
        return -1;
    return saved ? read_file(g, saved, false, e) : 0;
}

int registries_load(struct registries **ret, struct err *e)
{
    struct registries *g = xcalloc(1, sizeof *g);
    g->registries = json_array();
    g->aliases = json_object();
    g->alias_from = json_object();
    if (read_all(g, e) < 0) {
        registries_free(g);
        return err_prefix(e, "loading registries configuration");
    }
    *ret = g;
    return 0;
}
