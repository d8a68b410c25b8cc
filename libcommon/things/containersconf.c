#include "things/containersconf.h"

#include "disk/at.h"
#include "words/toml.h"
#include "words/userdirs.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define SYSTEM_CONF "/etc/containers/containers.conf"

/* ["a", {append = true}] adds to what is there; without the mark a list takes its place. */
static json_t *list_of(const json_t *before, const json_t *list)
{
    json_t *ret = json_array();
    bool append = false;
    const json_t *v;
    size_t i;
    json_array_foreach(list, i, v)
    {
        append |= json_is_true(json_object_get(v, "append"));
    }
    if (append && json_is_array(before))
        json_array_extend(ret, (json_t *)(uintptr_t)before);
    json_array_foreach(list, i, v)
    {
        if (!json_is_object(v))
            json_array_append(ret, (json_t *)(uintptr_t)v);
    }
    return ret;
}

static void lay_over(json_t *all, const json_t *file)
{
    const char *key;
    json_t *v;
    json_object_foreach((json_t *)(uintptr_t)file, key, v)
    {
        json_t *before = json_object_get(all, key);
        if (json_is_object(v) && json_is_object(before))
            lay_over(before, v);
        else if (json_is_object(v)) {
            json_t *fresh = json_object();
            lay_over(fresh, v);
            json_object_set_new(all, key, fresh);
        } else if (json_is_array(v))
            json_object_set_new(all, key, list_of(before, v));
        else
            json_object_set(all, key, v);
    }
}

static int read_one(const char *path, bool must, json_t **all, struct err *e)
{
    cleanup_json file = NULL;
    struct err why = ERR_INIT;
    if (toml_load(path, &file, &why) < 0) {
        if (why.sys == ENOENT && !must)
            return 0;
        *e = why;
        return err_prefix(e, "containers.conf");
    }
    if (!*all)
        *all = json_object();
    lay_over(*all, file);
    return 0;
}

static int read_dir(const char *dir, json_t **all, struct err *e)
{
    cleanup(strv_free) struct strv names = STRV_INIT;
    DIR *d = opendir(dir);
    int res = 0;
    for (struct dirent *de; d && (de = readdir(d));)
        if (str_ends(de->d_name, ".conf"))
            strv_add(&names, de->d_name);
    if (d)
        closedir(d);
    strv_sort(&names);
    for (size_t i = 0; i < names.n && res == 0; i++) {
        cleanup_free char *path = xasprintf("%s/%s", dir, names.v[i]);
        res = read_one(path, false, all, e);
    }
    return res;
}

static int read_all(json_t **all, struct err *e)
{
    cleanup_free char *user = userdir_config("containers/containers.conf");
    const char *files[] = {SYSTEM_CONF, user};
    for (size_t i = 0; i < 2; i++) {
        if (!files[i])
            continue;
        cleanup_free char *dir = xasprintf("%s.d", files[i]);
        if (read_one(files[i], false, all, e) < 0 || read_dir(dir, all, e) < 0)
            return -1;
    }
    return 0;
}

int containersconf_load(json_t **ret, struct err *e)
{
    const char *only = getenv("CONTAINERS_CONF"), *last = getenv("CONTAINERS_CONF_OVERRIDE");
    json_t *all = NULL;
    int res = only && *only ? read_one(only, true, &all, e) : read_all(&all, e);
    if (res == 0 && last && *last)
        res = read_one(last, true, &all, e);
    if (res < 0) {
        json_decref(all);
        return -1;
    }
    *ret = all;
    return 0;
}
