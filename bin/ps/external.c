#include "ps/ps.h"

#include "things/store.h"

#include <string.h>

static json_t *row_of(const struct store *s, const json_t *c, const struct ps_view *v)
{
    const char *id = jx_str(c, "id"), *image = jx_str(c, "image");
    const char *name = json_string_value(json_array_get(json_object_get(c, "names"), 0));
    const json_t *names = json_object_get(store_image(s, image), "names");
    const char *image_name = json_string_value(json_array_get(names, 0));
    json_t *row = json_object();
    cleanup_free char *short_image = xstrndup(image, v->whole ? 64 : 12);
    ps_put(row, "Id", id);
    ps_put(row, "Image", image_name ? image_name : image);
    ps_put(row, "ImageID", image);
    ps_put(row, ".ImageID", short_image);
    json_object_set_new(row, "Names", json_pack("[s]", name ? name : ""));
    ps_put(row, ".Names", name ? name : "");
    json_object_set_new(row, "Command", json_pack("[s]", "storage"));
    ps_put(row, "State", "unknown");
    ps_put(row, "Status", "Storage");
    ps_common(row, id, jx_str(c, "created"), "storage", v->whole);
    static const char *const texts[] = {".Ports",  ".Networks", ".Size", "Pod",
                                        "PodName", ".CIDFile",  NULL};
    for (size_t i = 0; texts[i]; i++)
        ps_put(row, texts[i], "");
    static const char *const numbers[] = {"Pid",       "ExitCode", "ExitedAt",
                                          "StartedAt", "Restarts", NULL};
    for (size_t i = 0; numbers[i]; i++)
        json_object_set_new(row, numbers[i], json_integer(0));
    return row;
}

int ps_external(const struct roots *r, const struct ps_view *v, json_t *rows, struct err *e)
{
    cleanup_store s = STORE_INIT;
    if (store_open_images(r, &s, e) < 0 || store_load_containers(&s, e) < 0)
        return -1;
    for (size_t k = 0; k < 2; k++) {
        const json_t *c;
        size_t i;
        json_array_foreach(s.containers[k], i, c) if (store_record_ok(c))
            json_array_append_new(rows, row_of(&s, c, v));
    }
    return 0;
}
