#include "inspect.h"

#include <stdio.h>
#include <string.h>

static bool is_propagation(const char *s)
{
    static const char *const all[] = {"private", "rprivate", "shared", "rshared",
                                      "slave",   "rslave",   NULL};
    return str_in(s, all);
}

struct facts {
    bool rw;
    const char *propagation;
    json_t *rest; /* options that say neither */
};

static struct facts facts_of(const json_t *m)
{
    struct facts f = {.rw = true, .propagation = "rprivate", .rest = json_array()};
    const json_t *o;
    size_t i;
    json_array_foreach(json_object_get(m, "options"), i, o)
    {
        const char *s = json_string_value(o);
        if (is_propagation(s))
            f.propagation = s;
        else if (strcmp(s, "ro") == 0)
            f.rw = false;
        else if (strcmp(s, "rw") == 0)
            f.rw = true;
        else if (strcmp(s, "z") != 0 && strcmp(s, "Z") != 0)
            json_array_append_new(f.rest, json_string(s));
    }
    return f;
}

json_t *inspect_mounts(const json_t *rec)
{
    json_t *list = json_array(), *m;
    size_t i;
    json_array_foreach(json_object_get(rec, "mounts"), i, m)
    {
        if (strcmp(jx_str(m, "type"), "bind") != 0)
            continue;
        const char *name = jx_str0(m, "volume");
        struct facts f = facts_of(m);
        json_t *item = json_pack("{s:s}", "Type", name ? "volume" : "bind");
        if (name)
            json_object_set_new(item, "Name", json_string(name));
        json_object_set_new(item, "Source", json_string(jx_str(m, "source")));
        json_object_set_new(item, "Destination", json_string(jx_str(m, "destination")));
        json_object_set_new(item, "Driver", json_string(name ? "local" : ""));
        json_object_set_new(item, "Mode", json_string(""));
        json_object_set_new(item, "Options", f.rest);
        json_object_set_new(item, "RW", json_boolean(f.rw));
        json_object_set_new(item, "Propagation", json_string(f.propagation));
        json_array_append_new(list, item);
    }
    return list;
}

static void add_words(struct buf *b, const struct facts *f)
{
    const json_t *o;
    size_t i;
    buf_addf(b, "%s,%s", f->rw ? "rw" : "ro", f->propagation);
    json_array_foreach(f->rest, i, o) buf_addf(b, ",%s", json_string_value(o));
}

json_t *inspect_binds(const json_t *rec)
{
    json_t *list = json_array(), *m;
    size_t i;
    json_array_foreach(json_object_get(rec, "mounts"), i, m)
    {
        cleanup(buf_free) struct buf b = BUF_INIT;
        if (strcmp(jx_str(m, "type"), "bind") != 0)
            continue;
        const char *name = jx_str0(m, "volume");
        struct facts f = facts_of(m);
        buf_addf(&b, "%s:%s:", name ? name : jx_str(m, "source"), jx_str(m, "destination"));
        add_words(&b, &f);
        json_decref(f.rest);
        json_array_append_new(list, json_string(buf_str(&b)));
    }
    return list;
}

/* Those that were asked for; what --read-only brings along is no wish. */
json_t *inspect_tmpfs(const json_t *rec)
{
    json_t *all = json_object(), *m;
    size_t i;
    json_array_foreach(json_object_get(rec, "mounts"), i, m)
    {
        cleanup(buf_free) struct buf b = BUF_INIT;
        if (strcmp(jx_str(m, "type"), "tmpfs") != 0 || jx_bool(m, "usual"))
            continue;
        struct facts f = facts_of(m);
        add_words(&b, &f);
        json_decref(f.rest);
        json_object_set_new(all, jx_str(m, "destination"), json_string(buf_str(&b)));
    }
    return all;
}
