#include "inspect/inspect.h"

#include "plain/buf.h"
#include "plain/str.h"

#include <stdlib.h>
#include <string.h>

/* The volume's name when the source is one of ours: …/pod/volumes/NAME/_data. */
static char *volume_name(const struct roots *r, const char *source)
{
    cleanup_free char *dir = xasprintf("%s/pod/volumes/", r->graph_path);
    if (!str_starts(source, dir))
        return NULL;
    const char *name = source + strlen(dir);
    return xstrndup(name, strcspn(name, "/"));
}

/* What podman does not list among the options: they have members of their own. */
static bool is_member(const char *option)
{
    static const char *const own[] = {"ro",     "rw",     "private", "rprivate",   "slave",
                                      "rslave", "shared", "rshared", "unbindable", NULL};
    return str_in(option, own);
}

static json_t *one(const struct roots *r, const json_t *m)
{
    const char *type = jx_str(m, "type"), *source = jx_str(m, "source");
    const char *propagation = strcmp(type, "tmpfs") == 0 ? "" : "rprivate";
    cleanup_free char *volume = volume_name(r, source);
    cleanup(strv_free) struct strv options = STRV_INIT;
    json_t *o = json_object(), *kept = json_array();
    bool rw = true;
    jx_strv(m, "options", &options);
    for (size_t i = 0; i < options.n; i++) {
        const char *w = options.v[i];
        if (strcmp(w, "ro") == 0)
            rw = false;
        else if (is_member(w) && strcmp(w, "rw") != 0)
            propagation = w;
        if (!is_member(w))
            json_array_append_new(kept, json_string(w));
    }
    json_object_set_new(o, "Type", json_string(volume ? "volume" : type));
    if (volume)
        json_object_set_new(o, "Name", json_string(volume));
    json_object_set_new(o, "Source", json_string(strcmp(type, "tmpfs") == 0 ? "" : source));
    json_object_set_new(o, "Destination", json_string(jx_str(m, "destination")));
    json_object_set_new(o, "Driver", json_string(volume ? "local" : ""));
    json_object_set_new(o, "Mode", json_string(""));
    json_object_set_new(o, "Options", kept);
    json_object_set_new(o, "RW", json_boolean(rw));
    json_object_set_new(o, "Propagation", json_string(propagation));
    return o;
}

json_t *inspect_mounts(const struct roots *r, const json_t *rec)
{
    json_t *list = json_array();
    const json_t *m;
    size_t i;
    json_array_foreach(json_object_get(rec, "mounts"), i, m)
    {
        if (strcmp(jx_str(m, "type"), "tmpfs") != 0)
            json_array_append_new(list, one(r, m));
    }
    return list;
}

json_t *inspect_binds(const json_t *rec)
{
    json_t *list = json_array();
    const json_t *m;
    size_t i;
    json_array_foreach(json_object_get(rec, "mounts"), i, m)
    {
        cleanup(buf_free) struct buf b = BUF_INIT;
        cleanup(strv_free) struct strv options = STRV_INIT;
        if (strcmp(jx_str(m, "type"), "tmpfs") == 0)
            continue;
        jx_strv(m, "options", &options);
        buf_addf(&b, "%s:%s:%s", jx_str(m, "source"), jx_str(m, "destination"),
                 strv_has(&options, "ro") ? "ro" : "rw");
        for (size_t k = 0; k < options.n; k++)
            if (strcmp(options.v[k], "ro") != 0 && strcmp(options.v[k], "rw") != 0)
                buf_addf(&b, ",%s", options.v[k]);
        json_array_append_new(list, json_string(b.s));
    }
    return list;
}
