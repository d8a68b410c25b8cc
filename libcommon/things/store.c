#include "things/store.h"

#include "disk/at.h"
#include "disk/lock.h"
#include "plain/fdio.h"
#include "things/store_files.h"
#include "words/digest.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { WAIT_MS = 250, STEP_MS = 5 };

bool store_record_ok(const json_t *record)
{
    const char *id = jx_str0(record, "id");
    return id && digest_is_hex(id);
}

/* A file that is absent or empty is an empty list, as for the Go tools. */
int store_load_list(int graph, const char *path, json_t **ret, struct err *e)
{
    cleanup(buf_free) struct buf b = BUF_INIT;
    if (at_read(graph, path, STORE_MAX_JSON, &b) < 0) {
        if (errno != ENOENT)
            return err_sys(e, "cannot read \"%s\" of the image store", path);
        buf_clear(&b);
    }
    json_t *list = NULL;
    if (b.len == 0) {
        list = json_array();
    } else if (jx_parse(path, b.s, b.len, &list, e) < 0) {
        return err_hint(e, "The store's list is damaged. Type: pod store check");
    } else if (json_is_null(list)) {
        json_decref(list);
        list = json_array();
    }
    if (!json_is_array(list)) {
        json_decref(list);
        err_set(e, 0, "%s: malformed JSON: not a list", path);
        return err_hint(e, "The store's list is damaged. Type: pod store check");
    }
    json_decref(*ret);
    *ret = list;
    return 0;
}

void store_state(const struct roots *r, char out[STORE_STATE])
{
    static const char *const files[] = {STORE_IMAGES_JSON, STORE_LAYERS_JSON};
    int n = 0;
    for (int i = 0; i < 2; i++) {
        struct stat st;
        if (fstatat(r->graph, files[i], &st, 0) < 0) {
            out[0] = '\0';
            return;
        }
        n += snprintf(out + n, STORE_STATE - (size_t)n, "%llx:%llx:%llx:%lld.%09ld ",
                      (unsigned long long)st.st_dev, (unsigned long long)st.st_ino,
                      (unsigned long long)st.st_size, (long long)st.st_mtim.tv_sec,
                      st.st_mtim.tv_nsec);
    }
}

static bool is_incomplete(const json_t *layer)
{
    return json_is_true(json_object_get(json_object_get(layer, "flags"), "incomplete"));
}

static void index_layers(struct store *s)
{
    json_decref(s->layer_by_id);
    s->layer_by_id = json_object();
    json_decref(s->users);
    s->users = json_object();
    for (int k = 0; k < 2; k++) {
        size_t i;
        json_t *layer;
        json_array_foreach(s->layers[k], i, layer)
        {
            if (store_record_ok(layer) && !is_incomplete(layer))
                json_object_set(s->layer_by_id, jx_str(layer, "id"), layer);
        }
    }
}

static int load_layers(struct store *s, struct err *e)
{
    int graph = s->roots->graph;
    if (store_load_list(graph, STORE_LAYERS_JSON, &s->layers[0], e) < 0 ||
        store_load_list(graph, STORE_VOLATILE_LAYERS_JSON, &s->layers[1], e) < 0)
        return -1;
    index_layers(s);
    return 0;
}

int store_load(struct store *s, struct err *e)
{
    if (store_load_list(s->roots->graph, STORE_IMAGES_JSON, &s->images, e) < 0)
        return -1;
    return load_layers(s, e);
}

/* A shared lock, or -1 when somebody keeps it to himself for longer than a reader should wait. */
static int shared_lock(int graph, const char *path)
{
    for (int waited = 0;; waited += STEP_MS) {
        int fd = lock_try(graph, path, LOCK_SHARED);
        if (fd >= 0 || errno != EAGAIN || waited >= WAIT_MS)
            return fd;
        nanosleep(&(struct timespec){.tv_nsec = STEP_MS * 1000000L}, NULL);
    }
}

/* Another driver's images, and none of ours: what is there would seem to have vanished. */
int store_check_driver(const struct roots *r, struct err *e)
{
    static const char *const drivers[] = {"vfs", "btrfs", "zfs", "aufs", "devicemapper"};
    if (at_exists(r->graph, "overlay-images"))
        return 0;
    for (size_t i = 0; i < sizeof drivers / sizeof *drivers; i++) {
        char path[64];
        struct stat st;
        snprintf(path, sizeof path, "%s-images/images.json", drivers[i]);
        if (fstatat(r->graph, path, &st, 0) < 0 || st.st_size <= 4)
            continue;
        err_set(e, 0,
                "the image store \"%s\" was made with the \"%s\" driver; pod reads \"overlay\"",
                r->graph_path, drivers[i]);
        return err_hint(e,
                        "To begin an overlay store beside it (nothing is lost), type: mkdir -m 700 "
                        "%s/overlay-images\nTo bring an image over, type: podman --storage-driver "
                        "%s save --format oci-archive -o IMAGE.tar IMAGE && pod pull "
                        "oci-archive:IMAGE.tar",
                        r->graph_path, drivers[i]);
    }
    return 0;
}

int store_open(const struct roots *r, struct store *ret, struct err *e)
{
    struct store s = STORE_INIT;
    s.roots = r;
    if (store_check_driver(r, e) < 0)
        return -1;
    cleanup_fd int layers = shared_lock(r->graph, STORE_LAYERS_LOCK);
    cleanup_fd int images = shared_lock(r->graph, STORE_IMAGES_LOCK);
    (void)layers, (void)images; /* given back on return */
    if (store_load(&s, e) < 0) {
        store_close(&s);
        return -1;
    }
    *ret = s;
    return 0;
}

int store_open_images(const struct roots *r, struct store *ret, struct err *e)
{
    struct store s = STORE_INIT;
    s.roots = r;
    if (store_check_driver(r, e) < 0)
        return -1;
    cleanup_fd int images = shared_lock(r->graph, STORE_IMAGES_LOCK);
    (void)images;
    if (store_load_list(r->graph, STORE_IMAGES_JSON, &s.images, e) < 0)
        return -1;
    *ret = s;
    return 0;
}

int store_need_layers(struct store *s, struct err *e)
{
    if (s->layer_by_id)
        return 0;
    cleanup_fd int layers = shared_lock(s->roots->graph, STORE_LAYERS_LOCK);
    (void)layers;
    return load_layers(s, e);
}

int store_load_containers(struct store *s, struct err *e)
{
    cleanup_fd int lock =
        s->lock[2] >= 0 ? -1 : shared_lock(s->roots->graph, STORE_CONTAINERS_LOCK);
    (void)lock;
    if (store_load_list(s->roots->graph, STORE_CONTAINERS_JSON, &s->containers[0], e) < 0 ||
        store_load_list(s->roots->graph, STORE_VOLATILE_CONTAINERS_JSON, &s->containers[1], e) < 0)
        return -1;
    return 0;
}

void store_close(struct store *s)
{
    json_decref(s->images);
    json_decref(s->layer_by_id);
    json_decref(s->users);
    for (int i = 0; i < 2; i++) {
        json_decref(s->layers[i]);
        json_decref(s->containers[i]);
    }
    for (int i = 2; i >= 0; i--)
        if (s->lock[i] >= 0)
            close(s->lock[i]);
    *s = (struct store)STORE_INIT;
}

json_t *store_layer(const struct store *s, const char *id)
{
    return json_object_get(s->layer_by_id, id);
}

json_t *store_image(const struct store *s, const char *id)
{
    size_t i;
    json_t *img;
    store_foreach_image(s, i, img) if (strcmp(jx_str(img, "id"), id) == 0) return img;
    return NULL;
}
