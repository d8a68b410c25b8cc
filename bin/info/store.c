#include "info.h"

#include "disk/storageconf.h"
#include "things/ctr.h"
#include "things/store.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>

struct counts {
    int all, running, paused, stopped;
};

static int count(const struct roots *r, struct counts *n, struct err *e)
{
    cleanup_walk w = {.roots = r};
    if (ctr_list(r, &w.ids, e) < 0)
        return -1;
    while (ctr_walk(&w)) {
        struct ctr_status s;
        ctr_status(r, &w.c, &s);
        n->all++;
        n->running += s.state == CTR_RUNNING;
        n->paused += s.state == CTR_PAUSED;
        n->stopped += s.state == CTR_EXITED || s.state == CTR_CREATED;
    }
    return 0;
}

static int images(const struct roots *r)
{
    cleanup_store s = STORE_INIT;
    struct err ignored = ERR_INIT;
    const json_t *img;
    size_t i;
    int n = 0;
    if (store_open_images(r, &s, &ignored) < 0)
        return 0;
    store_foreach_image(&s, i, img) n++;
    return n;
}

static json_t *config_file(void)
{
    const char *named = getenv("CONTAINERS_STORAGE_CONF"), *config = getenv("XDG_CONFIG_HOME");
    const char *home = getenv("HOME");
    if (named && *named)
        return json_string(named);
    if (config && *config)
        return json_sprintf("%s/containers/storage.conf", config);
    return json_sprintf("%s/.config/containers/storage.conf", home ? home : "");
}

json_t *info_store(const struct roots *r, struct err *e)
{
    struct counts n = {0};
    struct statvfs fs = {0};
    if (count(r, &n, e) < 0)
        return NULL;
    (void)fstatvfs(r->graph, &fs);
    json_int_t block = (json_int_t)fs.f_frsize;
    return json_pack(
        "{s:o, s:{s:i, s:i, s:i, s:i}, s:s, s:{}, s:s, s:I, s:I, s:{s:s, s:s}, s:s, s:{s:i}, s:s, "
        "s:o}",
        "configFile", config_file(), "containerStore", "number", n.all, "paused", n.paused,
        "running", n.running, "stopped", n.stopped, "graphDriverName", "overlay", "graphOptions",
        "graphRoot", r->graph_path, "graphRootAllocated", block * (json_int_t)fs.f_blocks,
        "graphRootUsed", block * (json_int_t)(fs.f_blocks - fs.f_bfree), "graphStatus",
        "Supports d_type", "true", "Using metacopy", "false", "imageCopyTmpDir", "/var/tmp",
        "imageStore", "number", images(r), "runRoot", r->run_path, "volumePath",
        json_sprintf("%s/pod/volumes", r->graph_path));
}
