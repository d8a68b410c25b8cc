#include "things/event.h"

#include <string.h>

/* An object's text without its braces. */
static char *members(json_t *o)
{
    char *text = json_dumps(o, JSON_COMPACT);
    json_decref(o);
    if (!text)
        return NULL;
    size_t n = strlen(text);
    memmove(text, text + 1, n - 2);
    text[n - 2] = '\0';
    return text;
}

char *event_members(const json_t *record)
{
    json_t *o = json_pack("{s:s, s:s, s:s}", "ID", jx_str(record, "id"), "Image",
                          jx_str(record, "imageName"), "Name", jx_str(record, "name"));
    jx_set_str(o, "PodID", jx_str0(record, "pod"));
    json_t *labels = json_incref(json_object_get(record, "labels"));
    json_object_set_new(o, "Attributes", labels ? labels : json_object());
    return members(o);
}

static void add(const struct roots *r, const char *type, const char *status, const char *id,
                const char *name)
{
    json_t *o = json_object();
    jx_set_str(o, "ID", id);
    jx_set_str(o, "Name", name);
    cleanup_free char *text = members(o);
    journal_add(r->own, type, status, text);
}

void event_image(const struct roots *r, const char *status, const char *id, const char *name)
{
    add(r, "image", status, id, name);
}

void event_image_names(const struct roots *r, const char *status, const json_t *image)
{
    const json_t *names = json_object_get(image, "names");
    for (size_t i = 0; i < json_array_size(names); i++)
        add(r, "image", status, jx_str(image, "id"), json_string_value(json_array_get(names, i)));
    if (!json_array_size(names))
        add(r, "image", status, jx_str(image, "id"), NULL);
}

void event_pod(const struct roots *r, const char *status, const char *id, const char *name)
{
    add(r, "pod", status, id, name);
}

void event_volume(const struct roots *r, const char *status, const char *name)
{
    add(r, "volume", status, NULL, name);
}
