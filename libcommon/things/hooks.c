#include "things/hooks.h"

#include "disk/at.h"

#include <dirent.h>
#include <fcntl.h>
#include <regex.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MAX_FILE (1 << 20)

static const char *const stages[] = {
    "prestart",  "createRuntime", "createContainer", "startContainer",
    "poststart", "poststop",      "precreate",       NULL};

/* ---- files ---- */

/* NAME → path, of the last directory that has it */
static void list_files(const json_t *record, json_t *files)
{
    cleanup(strv_free) struct strv dirs = STRV_INIT;
    jx_strv(record, "hooksDirs", &dirs);
    for (size_t i = 0; i < dirs.n; i++) {
        DIR *d = opendir(dirs.v[i]);
        for (struct dirent *de; d && (de = readdir(d));)
            if (str_ends(de->d_name, ".json"))
                json_object_set_new(files, de->d_name,
                                    json_sprintf("%s/%s", dirs.v[i], de->d_name));
        if (d)
            closedir(d);
    }
}

/* ---- whom a file means ---- */

/* Go's regular expressions, as far as POSIX' extended ones are the same. */
static int matches(const char *pattern, const char *text, bool *ret, struct err *e)
{
    regex_t re;
    char why[128];
    int code = regcomp(&re, pattern, REG_EXTENDED | REG_NOSUB);
    if (code) {
        regerror(code, &re, why, sizeof why);
        return err_set(e, 0, "\"%s\": %s", pattern, why);
    }
    *ret = regexec(&re, text, 0, NULL, 0) == 0;
    regfree(&re);
    return 0;
}

/* Does one annotation have a key like one of the keys and a value like that one's? */
static int annotation_matches(const json_t *want, const json_t *spec, bool *ret, struct err *e)
{
    const char *key_like, *key;
    const json_t *value_like, *value;
    json_t *have = json_object_get(spec, "annotations");
    *ret = false;
    json_object_foreach((json_t *)(uintptr_t)want, key_like, value_like)
        json_object_foreach(have, key, value)
    {
        bool k, v;
        if (!json_is_string(value_like))
            return err_set(e, 0, "annotations are no strings");
        if (matches(key_like, key, &k, e) < 0 ||
            matches(json_string_value(value_like), json_string_value(value), &v, e) < 0)
            return -1;
        *ret |= k && v;
    }
    return 0;
}

static int text_matches(const json_t *patterns, const char *text, bool *ret, struct err *e)
{
    cleanup(strv_free) struct strv list = STRV_INIT;
    cleanup_json wrapped = json_pack("{s:O}", "v", patterns);
    *ret = false;
    jx_strv(wrapped, "v", &list);
    for (size_t i = 0; i < list.n && !*ret; i++)
        if (matches(list.v[i], text, ret, e) < 0)
            return -1;
    return 0;
}

static const char *command_of(const json_t *spec)
{
    const json_t *args = json_object_get(json_object_get(spec, "process"), "args");
    const char *first = json_string_value(json_array_get(args, 0));
    return first ? first : "";
}

/* A person's own, which lie nowhere in our directories. */
static bool has_binds(const json_t *record)
{
    const json_t *m;
    size_t i;
    json_array_foreach(json_object_get(record, "mounts"), i, m)
    {
        if (strcmp(jx_str(m, "type"), "bind") == 0 && !jx_str0(m, "volume"))
            return true;
    }
    return false;
}

/* One condition of a file; asked: is it there at all? */
struct condition {
    bool asked, met;
};

/*
 * 1.0.0: all conditions that are there must be met, and one must be there. The older kind: one
 * met is enough; its annotations are patterns of values alone.
 */
static int is_meant(const json_t *file, bool old, const struct ctr *c, const json_t *spec,
                    bool *ret, struct err *e)
{
    const json_t *when = old ? file : json_object_get(file, "when"), *v;
    struct condition k[4] = {{0}};
    if ((v = json_object_get(when, "always")) && !old)
        k[0] = (struct condition){true, json_is_true(v)};
    v = json_object_get(when, old ? "hasbindmounts" : "hasBindMounts");
    if (json_is_boolean(v) && (!old || json_is_true(v)))
        k[1] = (struct condition){true, json_is_true(v) == has_binds(c->record)};
    v = json_object_get(when, old ? "cmds" : "commands");
    v = v || !old ? v : json_object_get(when, "cmd");
    k[2].asked = v;
    if (v && text_matches(v, command_of(spec), &k[2].met, e) < 0)
        return -1;
    v = json_object_get(when, "annotations");
    v = v || !old ? v : json_object_get(when, "annotation");
    k[3].asked = v;
    const char *key;
    const json_t *value;
    json_object_foreach(old && v ? json_object_get(spec, "annotations") : NULL, key, value)
    {
        bool one;
        if (text_matches(v, json_string_value(value), &one, e) < 0)
            return -1;
        k[3].met |= one;
    }
    if (!old && v && annotation_matches(v, spec, &k[3].met, e) < 0)
        return -1;
    bool all = true, any = false;
    for (size_t i = 0; i < 4; i++) {
        all &= !k[i].asked || k[i].met;
        any |= k[i].asked && k[i].met;
    }
    *ret = old ? any : all && any;
    return 0;
}

/* ---- what it adds ---- */

static json_t *old_hook(const json_t *file)
{
    json_t *hook = json_object(), *args = json_array();
    const char *path = jx_str(file, "hook");
    json_array_append_new(args, json_string(path));
    json_array_extend(args, json_object_get(file, "arguments"));
    json_object_set_new(hook, "path", json_string(path));
    json_object_set_new(hook, "args", args);
    return hook;
}

static int add_to_stages(const json_t *file, bool old, json_t *hook, json_t *hooks,
                         json_t *precreate, struct err *e)
{
    cleanup(strv_free) struct strv wanted = STRV_INIT;
    jx_strv(file, old && !json_object_get(file, "stages") ? "stage" : "stages", &wanted);
    if (!wanted.n)
        return err_set(e, 0, "missing stages");
    for (size_t i = 0; i < wanted.n; i++) {
        if (!str_in(wanted.v[i], stages))
            return err_set(e, 0, "unknown stage \"%s\"", wanted.v[i]);
        bool ours = strcmp(wanted.v[i], "precreate") == 0;
        json_t *list = ours ? precreate : json_object_get(hooks, wanted.v[i]);
        if (!list) {
            list = json_array();
            json_object_set_new(hooks, wanted.v[i], list);
        }
        json_array_append(list, hook);
    }
    return 0;
}

static int add_file(const char *path, const struct ctr *c, json_t *spec, json_t *hooks,
                    json_t *precreate, struct err *e)
{
    cleanup_json file = NULL;
    bool meant;
    if (jx_load(AT_FDCWD, path, MAX_FILE, &file, e) < 0)
        return -1;
    const char *version = jx_str(file, "version");
    bool old = !*version || strcmp(version, "0.1.0") == 0;
    if (!old && strcmp(version, "1.0.0") != 0)
        return err_set(e, 0, "unrecognized hook version: \"%s\"", version);
    cleanup_json hook = old ? old_hook(file) : json_incref(json_object_get(file, "hook"));
    const char *program = jx_str(hook, "path");
    if (program[0] != '/')
        return err_set(e, 0, "missing required property: hook.path, which is absolute");
    if (access(program, X_OK) < 0)
        return err_sys(e, "hook \"%s\"", program);
    if (is_meant(file, old, c, spec, &meant, e) < 0)
        return -1;
    return meant ? add_to_stages(file, old, hook, hooks, precreate, e) : 0;
}

int hooks_add(const struct ctr *c, json_t *spec, json_t **ret_precreate, struct err *e)
{
    cleanup_json files = json_object();
    cleanup_json precreate = json_array();
    cleanup(strv_free) struct strv names = STRV_INIT;
    json_t *hooks = json_object();
    const char *name;
    const json_t *v;
    list_files(c->record, files);
    json_object_foreach(files, name, v) strv_add(&names, name);
    strv_sort(&names);
    int res = 0;
    for (size_t i = 0; i < names.n && res == 0; i++) {
        const char *path = jx_str(files, names.v[i]);
        res = add_file(path, c, spec, hooks, precreate, e);
        if (res < 0)
            err_prefix(e, "parsing hook \"%s\"", path);
    }
    jx_set(spec, "hooks", hooks);
    *ret_precreate = json_incref(precreate);
    return res;
}
