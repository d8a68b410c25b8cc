/*
 * pod store gc: sweeps what nothing names. Three kinds: leftovers of killed programs (staging,
 * trash, directories without a record, records without an end), layers that belong to no image and
 * no container for a day, and answers cached about images that have changed since.
 */
#include "store/room.h"

#include "disk/at.h"
#include "disk/lock.h"
#include "disk/nursery.h"
#include "plain/fdio.h"
#include "store/findings.h"
#include "things/ctr.h"
#include "things/pod.h"
#include "things/store_files.h"
#include "words/timefmt.h"
#include "words/units.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

enum { UNUSED_AFTER = 24 * 3600, TEMPORARY = 60 };

struct gc_opts {
    bool all, quiet;
};
static const struct opt options[] = {
    {"all", 'a', OPT_BOOL, NULL, "Unused layers too that are younger than a day",
     offsetof(struct gc_opts, all)},
    {"quiet", 'q', OPT_BOOL, NULL, "Print nothing", offsetof(struct gc_opts, quiet)},
    {0},
};
static const struct cmd command = {
    .name = "pod store gc",
    .operands = "",
    .summary = "Remove what no image and no container needs",
    .more = "Images and containers stay. Prints how many bytes the filesystem gained.\n\n"
            "Exit codes: 0 done, 125 pod failed.",
    .opts = options,
    .min = 0,
    .max = 0,
};

static uint64_t bytes_free(const struct roots *r)
{
    struct statvfs v;
    return fstatvfs(r->graph, &v) == 0 ? (uint64_t)v.f_bfree * v.f_frsize : 0;
}

static int sweep_dir(const struct roots *r, const char *dir, const char *prefix, struct err *e)
{
    char path[400];
    int fd = at_open_dir(r->own, dir);
    DIR *d = fd < 0 ? NULL : fdopendir(fd);
    if (!d) {
        if (fd >= 0)
            close(fd);
        return errno == ENOENT ? 0 : err_sys(e, "cannot open \"%s/pod/%s\"", r->graph_path, dir);
    }
    int result = 0;
    for (struct dirent *de; (de = readdir(d));) {
        if (strcmp(de->d_name, ".") == 0 || strcmp(de->d_name, "..") == 0 ||
            !str_starts(de->d_name, prefix))
            continue;
        snprintf(path, sizeof path, "pod/%s/%s", dir, de->d_name);
        if (store_trash(r, path, e) < 0)
            result = -1;
    }
    closedir(d);
    return result;
}

/* Half-written lists: those who write them hold the locks that we hold. */
static void sweep_temporary(const struct roots *r, const char *dir, int older)
{
    char path[400];
    struct stat st;
    int fd = at_open_dir(r->graph, dir);
    DIR *d = fd < 0 ? NULL : fdopendir(fd);
    for (struct dirent *de; d && (de = readdir(d));) {
        snprintf(path, sizeof path, "%s/%s", dir, de->d_name);
        if (str_starts(de->d_name, ".tmp-") && fstatat(r->graph, path, &st, 0) == 0 &&
            timefmt_clock().tv_sec - st.st_mtim.tv_sec >= older)
            (void)unlinkat(r->graph, path, 0);
    }
    if (d)
        closedir(d);
}

/* What killed commands have left of containers and pods. */
static void sweep_containers(const struct roots *r)
{
    pods_sweep(r);
    names_sweep(r);
    ctr_sweep_run(r);
    sweep_temporary(r, "pod/cache", TEMPORARY);
}

/* Nobody may be half-way with what lies there; else it waits for the next time. */
static int sweep_staging(const struct roots *r, bool quiet, struct err *e)
{
    cleanup_fd int lock = lock_try(r->own, STORE_OWN_LOCK, LOCK_EXCLUSIVE);
    if (lock < 0 && errno == EAGAIN) {
        if (!quiet)
            fprintf(stderr, "Somebody is pulling or creating: staging is left for the next time\n");
        return 0;
    }
    if (lock < 0)
        return err_sys(e, "cannot lock \"%s/pod/" STORE_OWN_LOCK "\"", r->graph_path);
    (void)nursery_sweep(r->own);
    return sweep_dir(r, "staging", "", e);
}

static bool is_old(const json_t *layer)
{
    struct timespec t;
    return timefmt_parse(jx_str(layer, "created"), &t) == 0 &&
           timefmt_clock().tv_sec - t.tv_sec > UNUSED_AFTER;
}

/* From the leaves down, until nothing more is unused. */
static void drop_unused(struct store *s, bool all, struct strv *garbage)
{
    for (size_t before = SIZE_MAX; before != garbage->n;) {
        struct strv ids = STRV_INIT;
        const char *id;
        json_t *layer;
        before = garbage->n;
        json_object_foreach(s->layer_by_id, id, layer)
        {
            if ((all || is_old(layer)) && !store_layer_needed(s, id))
                strv_add(&ids, id);
        }
        for (size_t i = 0; i < ids.n; i++)
            store_layer_drop(s, ids.v[i], garbage);
        strv_free(&ids);
    }
}

/* Our locks are held: a layer that is incomplete now was left so by somebody who is dead. */
static void drop_incomplete(struct store *s, struct strv *garbage)
{
    for (size_t i = json_array_size(s->layers[0]); i-- > 0;) {
        json_t *layer = json_array_get(s->layers[0], i);
        const char *id = jx_str(layer, "id");
        if (store_record_ok(layer) && !store_layer(s, id)) {
            cleanup_free char *copy = xstrdup(id);
            store_layer_drop(s, copy, garbage);
        }
    }
}

static int sweep_store(struct room *r, const struct gc_opts *o, struct strv *garbage, struct err *e)
{
    struct strv orphans = STRV_INIT;
    int result = 0;
    drop_incomplete(&r->store, garbage);
    drop_unused(&r->store, o->all, garbage);
    if (garbage->n)
        result = store_save_removed(&r->store, garbage, e);
    find_orphans(&r->store, &orphans);
    for (size_t i = 0; i < orphans.n; i++)
        if (store_trash(&r->roots, orphans.v[i], e) < 0)
            result = -1;
    struct strv links = STRV_INIT;
    find_dangling_links(&r->store, &links);
    for (size_t i = 0; i < links.n; i++)
        (void)unlinkat(r->roots.graph, links.v[i], 0);
    sweep_temporary(&r->roots, "overlay-images", 0);
    sweep_temporary(&r->roots, "overlay-layers", 0);
    strv_free(&links);
    strv_free(&orphans);
    return result;
}

int verb_gc(int argc, char **argv)
{
    struct gc_opts o = {0};
    struct err e = ERR_INIT;
    cleanup_room r = ROOM_INIT;
    cleanup(strv_free) struct strv garbage = STRV_INIT;
    cleanup(buf_free) struct buf text = BUF_INIT;
    int code;
    if (say_parse(&command, &o, argc, argv, &code) < 0)
        return code;
    if (room_edit(&r, &e) < 0)
        return say_error(&e);
    uint64_t before = bytes_free(&r.roots);
    int result = sweep_store(&r, &o, &garbage, &e);
    store_close(&r.store);
    sweep_containers(&r.roots);
    if (sweep_staging(&r.roots, o.quiet, &e) < 0 ||
        sweep_dir(&r.roots, "cache", "image-", &e) < 0 || store_trash_empty(&r.roots, &e) < 0)
        result = -1;
    uint64_t after = bytes_free(&r.roots);
    units_human_size(&text, after > before ? after - before : 0, 4, "");
    if (!o.quiet)
        printf("Total reclaimed space: %s\n", text.s);
    if (result < 0)
        return say_error(&e);
    return say_end(EXIT_DONE);
}
