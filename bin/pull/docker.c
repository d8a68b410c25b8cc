/* What `docker save` and `podman save` write: manifest.json, a list of images by file names. */
#include "pull.h"

#include "words/ref.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Both sides as docker means them: a short name is one of docker.io's. */
static bool same_name(const struct ref *want, const char *tag)
{
    cleanup(ref_free) struct ref r = REF_INIT;
    struct err ignored = ERR_INIT;
    if (ref_parse(tag, &r, &ignored) < 0)
        return false;
    return strcmp(r.domain, want->domain) == 0 && strcmp(r.path, want->path) == 0 &&
           str_eq(r.tag, want->tag);
}

static void hint_names(const struct origin *o, const json_t *list, struct err *e)
{
    cleanup(buf_free) struct buf b = BUF_INIT;
    const json_t *item, *tag;
    size_t i, k;
    json_array_foreach(list, i, item)
    {
        if (b.len < 600 && json_array_size(json_object_get(item, "RepoTags")) == 0)
            buf_addf(&b, "%s@%zu", b.len ? ", " : "", i);
        json_array_foreach(json_object_get(item, "RepoTags"), k, tag) if (b.len < 600)
            buf_addf(&b, "%s%.100s", b.len ? ", " : "", json_string_value(tag) ?: "");
    }
    if (b.len)
        err_hint(e, "The archive has: %s. Choose one: %.*s:NAME", b.s,
                 (int)(strlen(o->uri) - (*o->ref ? strlen(o->ref) + 1 : 0)), o->uri);
}

static json_t *by_name(const struct origin *o, json_t *list, char **ret_name, struct err *e)
{
    cleanup(ref_free) struct ref want = REF_INIT;
    json_t *item, *tag;
    size_t i, k;
    if (ref_parse(o->ref, &want, e) < 0) {
        err_prefix(e, "docker-archive parsing reference");
        return NULL;
    }
    json_array_foreach(list, i, item)
    {
        json_array_foreach(json_object_get(item, "RepoTags"), k, tag)
        {
            if (!json_is_string(tag) || !same_name(&want, json_string_value(tag)))
                continue;
            *ret_name = xstrdup(json_string_value(tag));
            return item;
        }
    }
    cleanup_free char *full = ref_str(&want);
    err_set(e, 0, "Tag \"%s\" not found", full);
    hint_names(o, list, e);
    return NULL;
}

static json_t *by_number(const struct origin *o, json_t *list, struct err *e)
{
    uint64_t n;
    if (str_u64(o->ref + 1, SIZE_MAX, &n) < 0) {
        err_set(e, 0, "Invalid source index %.40s: it is not a number", o->ref);
        return NULL;
    }
    if (n >= json_array_size(list)) {
        err_set(e, 0, "Invalid source index @%llu, only %zu manifest items available",
                (unsigned long long)n, json_array_size(list));
        return NULL;
    }
    return json_array_get(list, (size_t)n);
}

static json_t *only_one(const struct origin *o, json_t *list, struct err *e)
{
    if (json_array_size(list) == 1)
        return json_array_get(list, 0);
    err_set(e, 0, "Unexpected tar manifest.json: expected 1 item, got %zu", json_array_size(list));
    hint_names(o, list, e);
    return NULL;
}

int docker_choose(struct origin *o, json_t **ret_item, struct err *e)
{
    cleanup(buf_free) struct buf b = BUF_INIT;
    cleanup_json list = NULL;
    char *name = NULL;
    if (box_read(o->box, "manifest.json", MAX_MANIFEST, &b, e) < 0)
        return err_prefix(e, "loading tar component manifest.json");
    if (jx_parse("decoding tar component manifest.json", buf_str(&b), b.len, &list, e) < 0)
        return -1;
    json_t *item = !*o->ref           ? only_one(o, list, e)
                   : o->ref[0] == '@' ? by_number(o, list, e)
                                      : by_name(o, list, &name, e);
    if (!item)
        return -1;
    if (name)
        origin_add_name(o, name);
    free(name);
    const json_t *tag;
    size_t i;
    if (!*o->ref || o->ref[0] == '@')
        json_array_foreach(json_object_get(item, "RepoTags"), i, tag)
            origin_add_name(o, json_string_value(tag) ?: "");
    *ret_item = json_incref(item);
    return 0;
}
