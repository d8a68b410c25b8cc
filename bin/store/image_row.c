#include "store/image_row.h"

#include "words/timefmt.h"
#include "words/units.h"

static void set_times(json_t *row, struct timespec created)
{
    cleanup(buf_free) struct buf b = BUF_INIT;
    struct timespec whole = {.tv_sec = created.tv_sec};
    json_object_set_new(row, "Created", json_integer(created.tv_sec));
    timefmt_ago(&b, whole, timefmt_clock());
    json_object_set_new(row, ".CreatedSince", json_string(buf_str(&b)));
    row_text(row, ".Created", &b);
    timefmt_rfc3339(&b, whole);
    row_text(row, "CreatedAt", &b);
    timefmt_go(&b, whole, TIMEFMT_UTC);
    json_object_set_new(row, ".CreatedTime", json_string(buf_str(&b)));
    row_text(row, ".CreatedAt", &b);
}

static void set_history(json_t *row, const json_t *img)
{
    cleanup(buf_free) struct buf b = BUF_INIT;
    size_t i;
    json_t *v, *history = json_object_get(img, "names-history");
    json_object_set_new(row, "History", history ? json_incref(history) : json_array());
    json_array_foreach(history, i, v)
    {
        if (json_is_string(v))
            buf_addf(&b, "%s%s", b.len ? ", " : "", json_string_value(v));
    }
    row_text(row, ".History", &b);
}

/* What has to be read from the image's own files, or from containers: only where it is asked for.
 */
static void set_dear(const struct store *s, json_t *img, json_t *row)
{
    cleanup_json config = NULL;
    struct err ignored = ERR_INIT;
    struct strv users = STRV_INIT;
    const json_t *parent = image_parent(s, img);
    json_t *labels = store_config(s, img, &config, &ignored) == 0 ? config_labels(config) : NULL;
    json_object_set_new(row, "ParentId", json_string(jx_str(parent, "id")));
    json_object_set_new(row, "Labels", labels ? json_incref(labels) : json_null());
    if (!labels)
        json_object_set_new(row, ".Labels", json_object());
    (void)store_users(s, jx_str(img, "id"), &users, &ignored);
    json_object_set_new(row, "Containers", json_integer((json_int_t)users.n));
    strv_free(&users);
}

json_t *image_row(const struct store *s, const struct item *it, bool no_trunc, bool dear)
{
    cleanup(buf_free) struct buf b = BUF_INIT;
    const char *id = jx_str(it->img, "id"), *digest = jx_str(it->img, "digest");
    int64_t size = it->size < 0 ? 0 : it->size;
    json_t *names = json_object_get(it->img, "names");
    json_t *row = json_pack("{s:s, s:s, s:n, s:o, s:I, s:I, s:I, s:n, s:i}", "Id", id, "ParentId",
                            "", "RepoTags", "RepoDigests", image_repo_digests(it->img), "Size",
                            (json_int_t)size, "SharedSize", (json_int_t)0, "VirtualSize",
                            (json_int_t)size, "Labels", "Containers", 0);
    if (dear)
        set_dear(s, it->img, row);
    const char *names_key = json_array_size(names) ? "Names" : ".Names"; /* empty: not in JSON */
    json_object_set_new(row, names_key, names ? json_incref(names) : json_array());
    json_object_set(row, ".RepoTags", json_object_get(row, names_key));
    json_object_set_new(row, "Digest", json_string(digest));
    if (image_names(it->img) == 0)
        json_object_set_new(row, "Dangling", json_boolean(image_dangling(s, it->img)));
    else
        json_object_set_new(row, ".Dangling", json_false());
    set_history(row, it->img);
    set_times(row, it->created);
    json_object_set_new(row, ".ReadOnly", json_false());
    json_object_set_new(row, ".Repository", json_string(it->repo));
    json_object_set_new(row, ".Tag", json_string(it->tag));
    json_object_set_new(row, ".ID",
                        no_trunc ? json_sprintf("sha256:%s", id)
                                 : json_stringn(id, strlen(id) < 12 ? strlen(id) : 12));
    units_human_size(&b, (uint64_t)size, 3, " ");
    if (it->size < 0)
        buf_clear(&b), buf_adds(&b, "?");
    row_text(row, ".Size", &b);
    return row;
}
