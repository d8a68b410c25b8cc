#include "things/cdi.h"

#include "disk/at.h"
#include "words/yaml.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#define MAX_FILE (4 << 20)

const char *const cdi_dirs[] = {"/etc/cdi", "/var/run/cdi", NULL};

/* ---- names ---- */

static size_t span(const char *s, const char *also)
{
    size_t n = 0;
    while (isalnum((unsigned char)s[n]) || (s[n] && strchr(also, s[n])))
        n++;
    return n;
}

bool cdi_is_name(const char *text)
{
    size_t vendor = span(text, "._-");
    if (!isalpha((unsigned char)text[0]) || text[vendor] != '/')
        return false;
    const char *class = text + vendor + 1;
    size_t kind = span(class, "._-");
    if (!isalpha((unsigned char)class[0]) || class[kind] != '=')
        return false;
    const char *name = class + kind + 1;
    return isalnum((unsigned char)name[0]) && !name[span(name, "._:-")];
}

/* ---- files ---- */

static int load(const char *path, json_t **ret, struct err *e)
{
    cleanup(buf_free) struct buf b = BUF_INIT;
    if (at_read(AT_FDCWD, path, MAX_FILE, &b) < 0)
        return err_sys(e, "cannot read CDI specification \"%s\"", path);
    return str_ends(path, ".json") ? jx_parse(path, buf_str(&b), b.len, ret, e)
                                   : yaml_parse(path, buf_str(&b), b.len, ret, e);
}

static const json_t *device_in(const json_t *file, const char *name)
{
    const json_t *d;
    size_t i, kind = strcspn(name, "=");
    const char *own = jx_str(file, "kind");
    if (strlen(own) != kind || strncmp(own, name, kind) != 0)
        return NULL;
    json_array_foreach(json_object_get(file, "devices"), i, d)
    {
        if (strcmp(jx_str(d, "name"), name + kind + 1) == 0)
            return d;
    }
    return NULL;
}

/*
 * The file in dir that has the device: 1 and a reference, 0 for none; two are one too many. A file
 * that cannot be read is somebody else's until it is this device that is missing: then broken has
 * it.
 */
static int find_in(const char *dir, const char *name, json_t **ret, struct err *broken,
                   struct err *e)
{
    DIR *d = opendir(dir);
    int found = 0;
    for (struct dirent *de; d && found >= 0 && (de = readdir(d));) {
        const char *const endings[] = {".json", ".yaml", ".yml"};
        bool ours = false;
        for (size_t i = 0; i < 3; i++)
            ours |= str_ends(de->d_name, endings[i]);
        cleanup_free char *path = xasprintf("%s/%s", dir, de->d_name);
        json_t *file = NULL;
        if (!ours || load(path, &file, broken) < 0)
            continue;
        if (!device_in(file, name)) {
            json_decref(file);
        } else if (found) {
            json_decref(file);
            found = err_set(e, 0, "CDI device %s is in more than one file of \"%s\"", name, dir);
        } else {
            *ret = file;
            found = 1;
        }
    }
    if (d)
        closedir(d);
    return found;
}

static int find(const struct strv *dirs, const char *name, json_t **ret, struct err *e)
{
    struct err broken = ERR_INIT;
    for (size_t i = dirs->n; i-- > 0;) {
        int found = find_in(dirs->v[i], name, ret, &broken, e);
        if (found)
            return found < 0 ? -1 : 0;
    }
    cleanup(buf_free) struct buf where = BUF_INIT;
    for (size_t i = 0; i < dirs->n; i++)
        buf_addf(&where, "%s%s", i ? ", " : "", dirs->v[i]);
    err_set(e, 0, "setting up CDI devices: unresolvable CDI devices %s", name);
    return broken.msg[0] ? err_hint(e, "One file cannot be read: %s", broken.msg)
                         : err_hint(e, "See what is in %s", buf_str(&where));
}

/* ---- edits ---- */

static json_t *below(json_t *o, const char *key, json_t *(*make)(void))
{
    json_t *v = json_object_get(o, key);
    if (v)
        return v;
    v = make();
    json_object_set_new(o, key, v);
    return v;
}

static json_t *array(void)
{
    return json_array();
}

static json_t *object(void)
{
    return json_object();
}

static int add_node(const json_t *node, bool nodes, json_t *spec, struct err *e)
{
    const char *path = jx_str(node, "path");
    const char *host = *jx_str(node, "hostPath") ? jx_str(node, "hostPath") : path;
    struct stat st;
    if (path[0] != '/' || stat(host, &st) < 0)
        return err_set(e, 0, "CDI device node \"%s\": %s", host,
                       path[0] == '/' ? strerror(errno) : "not an absolute path");
    if (!nodes) {
        json_array_append_new(below(spec, "mounts", array),
                              json_pack("{s:s, s:s, s:s, s:[s, s, s]}", "destination", path, "type",
                                        "bind", "source", host, "options", "bind", "nosuid",
                                        "noexec"));
        return 0;
    }
    json_t *d = json_pack("{s:s, s:s, s:I, s:I, s:I}", "path", path, "type",
                          S_ISBLK(st.st_mode) ? "b" : "c", "major",
                          (json_int_t)jx_int(node, "major", major(st.st_rdev)), "minor",
                          (json_int_t)jx_int(node, "minor", minor(st.st_rdev)), "fileMode",
                          (json_int_t)jx_int(node, "fileMode", st.st_mode & 07777));
    json_object_set_new(d, "uid", json_integer(jx_int(node, "uid", st.st_uid)));
    json_object_set_new(d, "gid", json_integer(jx_int(node, "gid", st.st_gid)));
    json_array_append_new(below(below(spec, "linux", object), "devices", array), d);
    return 0;
}

static void add_mount(const json_t *mount, json_t *spec)
{
    const char *type = jx_str(mount, "type");
    json_t *options = json_object_get(mount, "options");
    json_t *m = json_pack("{s:s, s:s, s:s}", "destination", jx_str(mount, "containerPath"), "type",
                          *type ? type : "bind", "source", jx_str(mount, "hostPath"));
    json_t *words = options ? json_deep_copy(options) : json_array();
    if (!*type)
        json_array_append_new(words, json_string("rbind"));
    json_object_set_new(m, "options", words);
    json_array_append_new(below(spec, "mounts", array), m);
}

static void add_hook(const json_t *hook, json_t *spec)
{
    json_t *h = json_copy((json_t *)(uintptr_t)hook);
    json_object_del(h, "hookName");
    json_array_append_new(below(below(spec, "hooks", object), jx_str(hook, "hookName"), array), h);
}

static int edit(const json_t *edits, bool nodes, json_t *spec, struct err *e)
{
    json_t *process = below(spec, "process", object), *v;
    size_t i;
    json_array_foreach(json_object_get(edits, "env"), i, v)
    {
        if (json_is_string(v))
            jx_put_env(process, json_string_value(v));
    }
    json_array_foreach(json_object_get(edits, "deviceNodes"), i, v)
    {
        if (add_node(v, nodes, spec, e) < 0)
            return -1;
    }
    json_array_foreach(json_object_get(edits, "mounts"), i, v)
    {
        add_mount(v, spec);
    }
    json_array_foreach(json_object_get(edits, "hooks"), i, v)
    {
        add_hook(v, spec);
    }
    json_array_foreach(json_object_get(edits, "additionalGids"), i, v)
    {
        json_array_append(below(below(process, "user", object), "additionalGids", array), v);
    }
    return 0;
}

/* What a file says for all of its devices is said once, however many a container has. */
int cdi_apply(const struct strv *dirs, const struct strv *names, bool nodes, json_t *spec,
              struct err *e)
{
    cleanup_json kinds = json_object();
    for (size_t i = 0; i < names->n; i++) {
        cleanup_json file = NULL;
        if (find(dirs, names->v[i], &file, e) < 0)
            return -1;
        if (!spec)
            continue;
        const json_t *device = device_in(file, names->v[i]);
        const char *kind = jx_str(file, "kind");
        if (!json_object_get(kinds, kind) &&
            edit(json_object_get(file, "containerEdits"), nodes, spec, e) < 0)
            return -1;
        json_object_set_new(kinds, kind, json_true());
        if (edit(json_object_get(device, "containerEdits"), nodes, spec, e) < 0)
            return -1;
    }
    return 0;
}
