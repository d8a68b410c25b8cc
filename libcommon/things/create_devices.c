/* --device, and the host's devices for --privileged: kept in the record by their host path. */
#include "things/create.h"

#include "plain/fdio.h"
#include "things/cdi.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#define MAX_DEPTH 4

struct wanted {
    json_t *list;
    const char *access; /* "r", "rw", "rwm" */
    bool only_open;     /* leave out what the caller may not open: --privileged */
};

static void add_node(const struct wanted *w, const char *host, const char *inside,
                     const struct stat *st)
{
    json_array_append_new(w->list,
                          json_pack("{s:s, s:s, s:s, s:s, s:I, s:I}", "host", host, "path", inside,
                                    "access", w->access, "type", S_ISBLK(st->st_mode) ? "b" : "c",
                                    "major", (json_int_t)major(st->st_rdev), "minor",
                                    (json_int_t)minor(st->st_rdev)));
}

/* What a container has of its own there. */
static bool is_own(const char *path)
{
    static const char *const own[] = {"/dev/pts",     "/dev/shm",  "/dev/mqueue", "/dev/console",
                                      "/dev/null",    "/dev/zero", "/dev/full",   "/dev/random",
                                      "/dev/urandom", "/dev/tty",  "/dev/ptmx",   NULL};
    return str_in(path, own);
}

static void add_tree(const struct wanted *w, const char *host, const char *inside, int depth)
{
    DIR *d = depth < MAX_DEPTH ? opendir(host) : NULL;
    for (struct dirent *de; d && (de = readdir(d));) {
        struct stat st;
        cleanup_free char *from = xasprintf("%s/%s", host, de->d_name);
        cleanup_free char *to = xasprintf("%s/%s", inside, de->d_name);
        if (de->d_name[0] == '.' || is_own(from) || lstat(from, &st) < 0)
            continue;
        if (S_ISDIR(st.st_mode))
            add_tree(w, from, to, depth + 1);
        else if ((S_ISCHR(st.st_mode) || S_ISBLK(st.st_mode)) &&
                 (!w->only_open || access(from, R_OK) == 0 || access(from, W_OK) == 0))
            add_node(w, from, to, &st);
    }
    if (d)
        closedir(d);
}

/* HOST[:INSIDE][:rwm]; of a directory, the devices in it. */
static int add_device(struct wanted *w, const char *text, struct err *e)
{
    cleanup(strv_free) struct strv part = STRV_INIT;
    struct stat st;
    strv_split(&part, text, ':');
    const char *host = part.v[0], *inside = host, *access = "rwm";
    size_t next = 1;
    if (part.n > next && part.v[next][0] == '/')
        inside = part.v[next++];
    if (part.n > next)
        access = part.v[next++];
    if (part.n > next || !*access || strspn(access, "rwm") != strlen(access))
        return err_set(e, 0, "invalid device specification: %s", text);
    if (stat(host, &st) < 0)
        return err_set(e, 0, "stat %s: %s", host,
                       errno == ENOENT ? "no such file or directory" : strerror(errno));
    w->access = access;
    if (S_ISDIR(st.st_mode))
        add_tree(w, host, inside, 0);
    else if (S_ISCHR(st.st_mode) || S_ISBLK(st.st_mode))
        add_node(w, host, inside, &st);
    else
        return err_set(e, 0, "%s: is not a device node", host);
    return 0;
}

/* What they are, the container's start sees; that they are, is seen now. */
static int set_cdi(const struct create_opts *o, const struct strv *names, json_t *rec,
                   struct err *e)
{
    cleanup(strv_free) struct strv dirs = STRV_INIT;
    for (size_t i = 0; i < o->cdi_dirs.n; i++)
        strv_add(&dirs, o->cdi_dirs.v[i]);
    for (size_t i = 0; !o->cdi_dirs.n && cdi_dirs[i]; i++)
        strv_add(&dirs, cdi_dirs[i]);
    jx_set(rec, "cdi", jx_from_strv(names));
    jx_set(rec, "cdiDirs", jx_from_strv(&dirs));
    return cdi_apply(&dirs, names, false, NULL, e);
}

int create_devices(const struct create_opts *o, json_t *rec, struct err *e)
{
    struct wanted w = {.list = json_array(), .access = "rwm"};
    cleanup(strv_free) struct strv vendors = STRV_INIT;
    int res = 0;
    for (size_t i = 0; i < o->device.n && res == 0; i++) {
        if (cdi_is_name(o->device.v[i]))
            strv_add(&vendors, o->device.v[i]);
        else
            res = add_device(&w, o->device.v[i], e);
    }
    for (size_t i = 0; i < o->gpus.n; i++)
        strv_addf(&vendors, "nvidia.com/gpu=%s", o->gpus.v[i]);
    if (vendors.n && res == 0)
        res = set_cdi(o, &vendors, rec, e);
    if (o->privileged && res == 0) {
        w.only_open = true;
        add_tree(&w, "/dev", "/dev", 0);
    }
    jx_set(rec, "devices", w.list);
    return res;
}
