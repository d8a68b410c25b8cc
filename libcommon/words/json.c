#include "words/json.h"

#include "disk/at.h"
#include "plain/buf.h"

#include <errno.h>
#include <string.h>

const char *jx_str0(const json_t *o, const char *key)
{
    return json_string_value(json_object_get(o, key));
}

const char *jx_str(const json_t *o, const char *key)
{
    const char *s = jx_str0(o, key);
    return s ? s : "";
}

int64_t jx_int(const json_t *o, const char *key, int64_t otherwise)
{
    const json_t *v = json_object_get(o, key);
    return json_is_integer(v) ? (int64_t)json_integer_value(v) : otherwise;
}

bool jx_bool(const json_t *o, const char *key)
{
    return json_is_true(json_object_get(o, key));
}

void jx_strv(const json_t *o, const char *key, struct strv *ret)
{
    const json_t *v = json_object_get(o, key), *item;
    size_t i;
    if (json_is_string(v))
        strv_add(ret, json_string_value(v));
    json_array_foreach(v, i, item)
    {
        if (json_is_string(item))
            strv_add(ret, json_string_value(item));
    }
}

json_t *jx_from_strv(const struct strv *l)
{
    json_t *a = json_array();
    for (size_t i = 0; i < l->n; i++)
        json_array_append_new(a, json_string(l->v[i]));
    return a;
}

void jx_set(json_t *o, const char *key, json_t *value)
{
    if (!value)
        return;
    bool empty = (json_is_array(value) && json_array_size(value) == 0) ||
                 (json_is_object(value) && json_object_size(value) == 0) ||
                 (json_is_string(value) && json_string_length(value) == 0);
    if (empty)
        json_decref(value);
    else
        json_object_set_new(o, key, value);
}

void jx_set_str(json_t *o, const char *key, const char *s)
{
    if (s && *s)
        json_object_set_new(o, key, json_string(s));
}

int jx_parse(const char *what, const char *p, size_t n, json_t **ret, struct err *e)
{
    json_error_t je;
    json_t *v = json_loadb(p, n, JSON_REJECT_DUPLICATES, &je);
    if (!v)
        return err_set(e, 0, "%s: malformed JSON: %s (line %d)", what, je.text, je.line);
    *ret = v;
    return 0;
}

void jx_put_env(json_t *process, const char *text)
{
    size_t n = strcspn(text, "=") + 1, i;
    json_t *env = json_object_get(process, "env"), *v;
    if (!json_is_array(env)) {
        env = json_array();
        json_object_set_new(process, "env", env);
    }
    json_array_foreach(env, i, v)
    {
        if (json_is_string(v) && strncmp(json_string_value(v), text, n) == 0) {
            json_array_set_new(env, i, json_string(text));
            return;
        }
    }
    json_array_append_new(env, json_string(text));
}

int jx_load(int dir, const char *path, size_t max, json_t **ret, struct err *e)
{
    cleanup(buf_free) struct buf b = BUF_INIT;
    if (at_read(dir, path, max, &b) < 0)
        return err_sys(e, "cannot read \"%s\"", path);
    return jx_parse(path, buf_str(&b), b.len, ret, e);
}

void jx_cleanup(json_t **p)
{
    json_decref(*p);
}
