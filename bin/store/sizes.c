#include "store/sizes.h"

#include "disk/at.h"
#include "words/digest.h"

enum { MAX_SIZES = 16 << 20 };

static const char path[] = "cache/sizes";

static json_t *read_cache(const struct roots *r, const char *state)
{
    cleanup(buf_free) struct buf b = BUF_INIT;
    if (!state[0] || at_read(r->own, path, MAX_SIZES, &b) < 0 || b.len == 0)
        return NULL;
    char *end = strchr(b.s, '\n');
    if (!end || (size_t)(end - b.s) != strlen(state) || memcmp(b.s, state, strlen(state)) != 0)
        return NULL;
    json_t *by_id = json_object();
    char *line = end + 1;
    for (; (end = strchr(line, '\n')); line = end + 1) {
        int64_t n;
        *end = '\0';
        if (end - line < 66 || line[64] != ' ')
            break;
        line[64] = '\0';
        if (!digest_is_hex(line) || str_i64(line + 65, -1, INT64_MAX, &n) < 0)
            break;
        json_object_set_new_nocheck(by_id, line, json_integer(n));
    }
    return by_id;
}

/* Failing costs the next list some milliseconds. */
static void write_cache(const struct store *s, const char *state, const json_t *by_id)
{
    cleanup(buf_free) struct buf b = BUF_INIT;
    const char *id;
    json_t *v;
    buf_addf(&b, "%s\n", state);
    json_object_foreach((json_t *)by_id, id, v)
        buf_addf(&b, "%s %lld\n", id, (long long)json_integer_value(v));
    if (state[0])
        (void)at_write(s->roots->own, path, b.s, b.len, 0600, AT_PLAIN);
}

int sizes_load(struct store *s, struct sizes *ret, struct err *e)
{
    char state[STORE_STATE];
    size_t i;
    json_t *img;
    bool whole = true;
    store_state(s->roots, state);
    json_t *by_id = read_cache(s->roots, state);
    store_foreach_image(s, i, img) whole =
        whole && by_id && json_object_get(by_id, jx_str(img, "id"));
    if (whole && by_id) {
        ret->by_id = by_id;
        return 0;
    }
    json_decref(by_id);
    if (store_need_layers(s, e) < 0)
        return -1;
    by_id = json_object();
    store_foreach_image(s, i, img)
        json_object_set_new(by_id, jx_str(img, "id"), json_integer(store_image_size(s, img)));
    char now[STORE_STATE];
    store_state(s->roots, now);
    if (strcmp(now, state) == 0) /* else somebody writes just now */
        write_cache(s, state, by_id);
    ret->by_id = by_id;
    return 0;
}

int64_t sizes_of(const struct sizes *z, const json_t *img)
{
    const json_t *v = json_object_get(z->by_id, jx_str(img, "id"));
    return v ? (int64_t)json_integer_value(v) : -1;
}

void sizes_free(struct sizes *z)
{
    json_decref(z->by_id);
}
