#include "store/room.h"

#include "words/timefmt.h"

static void say_waiting(pid_t holder, const char *lock)
{
    if (holder)
        fprintf(stderr, "Waiting for process %d, which holds \"%s\" of the image store\n",
                (int)holder, lock);
    else
        fprintf(stderr, "Waiting for another program, which holds \"%s\" of the image store\n",
                lock);
}

int room_open(struct room *ret, struct err *e)
{
    if (roots_open(&ret->roots, e) < 0)
        return -1;
    return store_open(&ret->roots, &ret->store, e);
}

int room_edit(struct room *ret, struct err *e)
{
    store_on_wait(say_waiting);
    if (roots_open(&ret->roots, e) < 0)
        return -1;
    return store_edit(&ret->roots, &ret->store, e);
}

void room_close(struct room *r)
{
    store_close(&r->store);
    roots_close(&r->roots);
}

void name_split(const char *name, char **repo, char **tag)
{
    const char *slash = strrchr(name, '/'), *from = slash ? slash : name;
    size_t n = (size_t)(from - name) + strcspn(from, ":@");
    *repo = xstrndup(name, n);
    *tag = name[n] == ':' ? xstrndup(name + n + 1, strcspn(name + n + 1, "@")) : xstrdup("<none>");
}

const char *image_name(const json_t *img, size_t i)
{
    const char *s = json_string_value(json_array_get(json_object_get(img, "names"), i));
    return s ? s : "";
}

size_t image_names(const json_t *img)
{
    return json_array_size(json_object_get(img, "names"));
}

struct timespec image_created(const json_t *img)
{
    struct timespec t = {.tv_sec = TIMEFMT_NEVER};
    (void)timefmt_parse(jx_str(img, "created"), &t);
    return t;
}

json_t *config_labels(const json_t *config)
{
    json_t *labels = json_object_get(json_object_get(config, "config"), "Labels");
    return json_object_size(labels) ? labels : NULL;
}

bool config_is_child(const json_t *parent, const json_t *child)
{
    const json_t *ph = json_object_get(parent, "history"), *ch = json_object_get(child, "history");
    const json_t *pd = json_object_get(json_object_get(parent, "rootfs"), "diff_ids");
    const json_t *cd = json_object_get(json_object_get(child, "rootfs"), "diff_ids");
    size_t i, diffs = json_array_size(pd);
    json_t *v;
    if (json_array_size(ph) + 1 != json_array_size(ch) || json_array_size(ph) == 0 ||
        json_array_size(cd) < diffs || json_array_size(cd) > diffs + 1)
        return false;
    json_array_foreach(pd, i, v)
    {
        if (!json_equal(v, json_array_get(cd, i)))
            return false;
    }
    json_array_foreach(ph, i, v)
    {
        if (!json_equal(v, json_array_get(ch, i)))
            return false;
    }
    return true;
}

/* Can `lower` be what `upper` was built on: the same layer, or the one below? */
static bool layers_fit(const struct store *s, const json_t *lower, const json_t *upper)
{
    const char *l = jx_str(lower, "layer"), *u = jx_str(upper, "layer");
    return lower != upper &&
           (strcmp(l, u) == 0 || strcmp(l, jx_str(store_layer(s, u), "parent")) == 0);
}

static bool is_child(const struct store *s, const json_t *parent, const json_t *child)
{
    cleanup_json p = NULL;
    cleanup_json c = NULL;
    struct err ignored = ERR_INIT;
    return layers_fit(s, parent, child) && store_config(s, parent, &p, &ignored) == 0 &&
           store_config(s, child, &c, &ignored) == 0 && config_is_child(p, c);
}

json_t *image_parent(const struct store *s, const json_t *img)
{
    size_t i;
    json_t *other;
    store_foreach_image(s, i, other) if (is_child(s, other, img)) return other;
    return NULL;
}

bool image_has_child(const struct store *s, const json_t *img)
{
    size_t i;
    json_t *other;
    store_foreach_image(s, i, other) if (is_child(s, img, other)) return true;
    return false;
}

bool image_dangling(const struct store *s, const json_t *img)
{
    return image_names(img) == 0 && !image_has_child(s, img);
}

static void add_repo_digests(const json_t *img, const char *digest, json_t *list)
{
    for (size_t i = 0; i < image_names(img); i++) {
        char *repo, *tag;
        name_split(image_name(img, i), &repo, &tag);
        json_t *text = json_sprintf("%s@%s", repo, digest);
        bool have = false;
        for (size_t k = 0; k < json_array_size(list); k++)
            have = have || json_equal(json_array_get(list, k), text);
        if (have || !text)
            json_decref(text);
        else
            json_array_append_new(list, text);
        free(repo);
        free(tag);
    }
}

json_t *image_tags(const json_t *img)
{
    json_t *list = json_array();
    for (size_t i = 0; i < image_names(img); i++)
        if (!strchr(image_name(img, i), '@'))
            json_array_append(list, json_array_get(json_object_get(img, "names"), i));
    return list;
}

static int by_text(const void *a, const void *b)
{
    return strcmp(json_string_value(*(json_t *const *)a), json_string_value(*(json_t *const *)b));
}

static json_t *sorted(json_t *list)
{
    size_t n = json_array_size(list);
    json_t **v = xcalloc(n + 1, sizeof(json_t *)), *out = json_array();
    for (size_t i = 0; i < n; i++)
        v[i] = json_array_get(list, i);
    qsort(v, n, sizeof(json_t *), by_text);
    for (size_t i = 0; i < n; i++)
        json_array_append(out, v[i]);
    free(v);
    json_decref(list);
    return out;
}

json_t *image_repo_digests(const json_t *img)
{
    json_t *list = json_array(), *v;
    const char *key;
    if (*jx_str(img, "digest"))
        add_repo_digests(img, jx_str(img, "digest"), list);
    json_object_foreach(json_object_get(img, "big-data-digests"), key, v)
    {
        if (str_starts(key, "manifest") && json_is_string(v))
            add_repo_digests(img, json_string_value(v), list);
    }
    return sorted(list);
}

void row_text(json_t *row, const char *key, struct buf *text)
{
    json_t *v = json_string(buf_str(text));
    json_object_set_new(row, key, v ? v : json_string("?"));
    buf_clear(text);
}

void errors_add(struct errors *l, const struct err *e)
{
    strv_add(&l->msgs, e->msg);
    if (e->hint[0])
        str_copy(l->hint, sizeof l->hint, e->hint);
}

void errors_say(struct errors *l)
{
    fflush(stdout);
    if (l->msgs.n == 1) {
        fprintf(stderr, "Error: %s\n", l->msgs.v[0]);
    } else if (l->msgs.n > 1) {
        fprintf(stderr, "Error: %zu errors occurred:\n", l->msgs.n);
        for (size_t i = 0; i < l->msgs.n; i++)
            fprintf(stderr, "\t* %s\n", l->msgs.v[i]);
    }
    if (l->hint[0])
        fprintf(stderr, "%s\n", l->hint);
    strv_free(&l->msgs);
}
