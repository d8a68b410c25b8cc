#include "things/store_write.h"

#include "disk/at.h"
#include "disk/lock.h"
#include "plain/fdio.h"
#include "things/store_files.h"

#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { SPEAK_AFTER_MS = 2000, STEP_MS = 5, MAX_STEP_MS = 50 };

static void (*wait_hook)(pid_t holder, const char *lock);

void store_on_wait(void (*fn)(pid_t holder, const char *lock))
{
    wait_hook = fn;
}

/* Go's tools lock by process, so that the kernel knows the holder; ours are nameless. */
static pid_t holder_of(int dir, const char *path)
{
    cleanup_fd int fd = openat(dir, path, O_RDONLY | O_CLOEXEC);
    struct flock fl = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    if (fd < 0 || fcntl(fd, F_OFD_GETLK, &fl) < 0 || fl.l_type == F_UNLCK || fl.l_pid < 0)
        return 0;
    return fl.l_pid;
}

static int lock_slowly(int dir, const char *path, enum lock_mode mode, struct err *e)
{
    bool spoken = false;
    for (int waited = 0, step = STEP_MS;; waited += step) {
        int fd = lock_try(dir, path, mode);
        if (fd >= 0)
            return fd;
        if (errno != EAGAIN)
            return err_sys(e, "cannot lock \"%s\" of the image store", path);
        if (waited >= SPEAK_AFTER_MS && !spoken) {
            spoken = true;
            if (wait_hook)
                wait_hook(holder_of(dir, path), path);
        }
        nanosleep(&(struct timespec){.tv_nsec = step * 1000000L}, NULL);
        step = step < MAX_STEP_MS ? step + STEP_MS : step;
    }
}

int store_hold(const struct roots *r, struct err *e)
{
    return lock_slowly(r->own, STORE_OWN_LOCK, LOCK_SHARED, e);
}

static int make_dirs(const struct roots *r, struct err *e)
{
    static const struct {
        const char *name;
        mode_t mode;
    } dirs[] = {{"overlay", 0700},
                {"overlay/l", 0755},
                {"overlay-layers", 0700},
                {"overlay-images", 0700},
                {"overlay-containers", 0700}};
    for (size_t i = 0; i < sizeof dirs / sizeof *dirs; i++)
        if (mkdirat(r->graph, dirs[i].name, dirs[i].mode) < 0 && errno != EEXIST)
            return err_sys(e, "cannot create \"%s/%s\"", r->graph_path, dirs[i].name);
    return 0;
}

int store_edit(const struct roots *r, struct store *ret, struct err *e)
{
    static const char *const locks[] = {STORE_LAYERS_LOCK, STORE_IMAGES_LOCK,
                                        STORE_CONTAINERS_LOCK};
    struct store s = STORE_INIT;
    s.roots = r;
    if (store_check_driver(r, e) < 0 || make_dirs(r, e) < 0)
        return -1;
    for (int i = 0; i < 3; i++) {
        s.lock[i] = lock_slowly(r->graph, locks[i], i < 2 ? LOCK_EXCLUSIVE : LOCK_SHARED, e);
        if (s.lock[i] < 0) {
            store_close(&s);
            return -1;
        }
    }
    if (store_load(&s, e) < 0 || store_load_containers(&s, e) < 0) {
        store_close(&s);
        return -1;
    }
    *ret = s;
    return 0;
}

/* The 64 bytes by which long-lived readers notice a change; any value nobody wrote before. */
static int write_token(int lock)
{
    static uint64_t counter;
    unsigned char t[64];
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    uint64_t ns = htole64((uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec);
    uint64_t count = htole64(++counter);
    uint32_t pid = htole32((uint32_t)getpid());
    memcpy(t, &ns, 8);
    memcpy(t + 8, &count, 8);
    memcpy(t + 16, &pid, 4);
    if (getrandom(t + 20, sizeof t - 20, 0) != (ssize_t)sizeof t - 20)
        memset(t + 20, 0, sizeof t - 20);
    return pwrite(lock, t, sizeof t, 0) == (ssize_t)sizeof t ? 0 : -1;
}

static int save(struct store *s, int lock, const char *path, const json_t *list, struct err *e)
{
    char *text = json_dumps(list, JSON_COMPACT);
    if (!text)
        return err_set(e, 0, "cannot write \"%s\" of the image store: it cannot be JSON", path);
    int r = write_token(s->lock[lock]) < 0 ||
                    at_write(s->roots->graph, path, text, strlen(text), 0600, AT_DURABLE) < 0
                ? -1
                : 0;
    free(text);
    return r < 0 ? err_sys(e, "cannot write \"%s\" of the image store", path) : 0;
}

int store_save_layers(struct store *s, struct err *e)
{
    return save(s, 0, STORE_LAYERS_JSON, s->layers[0], e);
}

int store_save_images(struct store *s, struct err *e)
{
    return save(s, 1, STORE_IMAGES_JSON, s->images, e);
}

static bool has_name(const json_t *img, const char *name)
{
    size_t i;
    json_t *v;
    json_array_foreach(json_object_get(img, "names"), i, v)
    {
        if (str_eq(json_string_value(v), name))
            return true;
    }
    return false;
}

bool store_name_drop(json_t *img, const char *name)
{
    json_t *names = json_object_get(img, "names"), *v;
    size_t i;
    json_array_foreach(names, i, v)
    {
        if (str_eq(json_string_value(v), name)) {
            json_array_remove(names, i);
            return true;
        }
    }
    return false;
}

/* The list at key, made where missing, without text. */
static json_t *without(json_t *img, const char *key, const char *text)
{
    json_t *list = json_object_get(img, key);
    if (!json_is_array(list)) {
        list = json_array();
        json_object_set_new(img, key, list);
    }
    for (size_t i = json_array_size(list); i-- > 0;)
        if (str_eq(json_string_value(json_array_get(list, i)), text))
            json_array_remove(list, i);
    return list;
}

void store_name_add(struct store *s, json_t *img, const char *name)
{
    size_t i;
    json_t *other;
    store_foreach_image(s, i, other) if (other != img) store_name_drop(other, name);
    if (!has_name(img, name))
        json_array_append_new(without(img, "names", name), json_string(name));
    json_array_insert_new(without(img, "names-history", name), 0, json_string(name));
}

bool store_layer_exists(const struct store *s, const char *id)
{
    char path[128];
    snprintf(path, sizeof path, "overlay/%.64s/diff", id);
    return store_layer(s, id) && at_exists(s->roots->graph, path);
}
