#include "things/create.h"

#include "disk/at.h"
#include "disk/journal.h"
#include "disk/lock.h"
#include "disk/nursery.h"
#include "plain/fdio.h"
#include "things/ctr.h"
#include "things/health.h"
#include "things/pod.h"
#include "things/secret.h"
#include "things/store_write.h"
#include "things/volume.h"
#include "words/digest.h"
#include "words/ident.h"
#include "words/timefmt.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define MAX_NAME_TRIES 1000

static int set_pod(const struct roots *r, const struct create_opts *o, json_t *rec, struct err *e)
{
    char id[65];
    if (o->infra) {
        jx_set_str(rec, "pod", o->infra_pod);
        return 0;
    }
    if (o->init_ctr && strcmp(o->init_ctr, "always") != 0 && strcmp(o->init_ctr, "once") != 0)
        return err_set(e, 0, "init-ctr value must be 'always' or 'once'");
    if (o->init_ctr && !o->pod)
        return err_set(e, 0, "must specify pod value with init-ctr");
    if (!o->pod)
        return 0;
    struct pod p;
    if (pod_find_id(r, o->pod, id, e) < 0 || pod_open(r, id, &p, e) < 0)
        return -1;
    if (create_pod_check(&p, o, e) < 0) {
        pod_close(&p);
        return -1;
    }
    jx_set_str(rec, "initCtr", o->init_ctr);
    jx_set_str(rec, "pod", id);
    const char *host = jx_str(p.record, "hostname");
    if (*host && pod_shares(&p, "uts") && !o->uts && !o->hostname)
        jx_set_str(rec, "hostname", host);
    pod_close(&p);
    return 0;
}

/* --rootfs DIR[:O]: with O the directory is the lower layer and stays as it is. */
static int set_rootfs(const char *text, json_t *rec, struct err *e)
{
    cleanup_free char *path = xstrdup(text);
    bool overlay = str_ends(path, ":O");
    if (overlay)
        path[strlen(path) - 2] = '\0';
    cleanup_free char *real = realpath(path, NULL);
    if (!real)
        return err_set(e, 0, "cannot use root filesystem \"%s\": %s", path, strerror(errno));
    jx_set_str(rec, "rootfs", real);
    if (overlay)
        json_object_set_new(rec, "rootfsOverlay", json_true());
    return 0;
}

/* Everything a person asked for, checked, in one object. */
static int make_record(const struct roots *r, const struct create_opts *o, const struct image *img,
                       const char *rootfs, char *const *command, const char *id, json_t *rec,
                       struct err *e)
{
    cleanup(buf_free) struct buf created = BUF_INIT;
    const json_t *cfg = img ? json_object_get(img->config, "config") : NULL;
    timefmt_rfc3339(&created, timefmt_clock());
    json_object_set_new(rec, "version", json_integer(1));
    json_object_set_new(rec, "id", json_string(id));
    json_object_set_new(rec, "created", json_string(created.s));
    if (img) {
        json_object_set_new(rec, "image", json_string(img->id));
        jx_set_str(rec, "imageName", img->name);
        jx_set(rec, "lowers", jx_from_strv(&img->lowers));
    }
    cleanup_free char *host = xstrndup(id, 12);
    if (o->uts && strcmp(o->uts, "host") == 0 && !o->hostname) {
        char ours[256] = "";
        gethostname(ours, sizeof ours - 1);
        jx_set_str(rec, "hostname", ours);
    } else {
        jx_set_str(rec, "hostname", o->hostname ? o->hostname : host);
    }
    if (o->rootfs && set_rootfs(rootfs, rec, e) < 0)
        return -1;
    if (set_pod(r, o, rec, e) < 0 || create_plain(r, o, cfg, rec, e) < 0 ||
        create_mounts(r, o, cfg, rec, e) < 0 || create_network(r, o, rec, e) < 0 ||
        create_security(o, rec, e) < 0 || create_seccomp(o, cfg, rec, e) < 0 ||
        create_limits(o, rec, e) < 0 || create_health(o, cfg, rec, e) < 0 ||
        create_secrets(r, &o->secret, rec, e) < 0)
        return -1;
    jx_set_str(rec, "ociUser", jx_str(cfg, "User"));
    if (create_process(r, o, img, command, rec, e) < 0 || create_systemd(o, cfg, rec, e) < 0)
        return -1;
    create_pod_maps(r, rec);
    create_skeleton(r, rec);
    return 0;
}

/*
 * The directory, built aside. The lock in it says that its maker lives (names.c looks at it); gc
 * leaves staging alone while the caller holds store_hold().
 */
static int build(const struct roots *r, const char *id, int *ret_dir, int *ret_lock, struct err *e)
{
    static const char *const dirs[] = {"rootfs", "upper", "work"};
    char path[128];
    snprintf(path, sizeof path, "staging/%s", id);
    if (nursery_mkdir(r->own, path, 0700) < 0)
        return err_sys(e, "cannot create container %s", id);
    cleanup_fd int dir = at_open_dir(r->own, path);
    if (dir < 0 || (*ret_lock = lock_try(dir, "lock", LOCK_EXCLUSIVE)) < 0)
        return err_sys(e, "cannot create container %s", id);
    for (size_t i = 0; i < 3; i++)
        if (mkdirat(dir, dirs[i], i == 2 ? 0700 : 0755) < 0)
            return err_sys(e, "cannot create container %s", id);
    if (fchmodat(dir, "upper", 0755, 0) < 0)
        return err_sys(e, "cannot create container %s", id);
    *ret_dir = fd_take(&dir);
    return 0;
}

/*
 * The root of a pause program, which has no image: what is mounted on, made by us, since root of a
 * user namespace may be nobody here.
 */
static int make_pause_root(int dir, const struct create_opts *o, struct err *e)
{
    static const char *const dirs[] = {"rootfs/dev", "rootfs/proc", "rootfs/run",    "rootfs/sys",
                                       "rootfs/tmp", "rootfs/var",  "rootfs/var/tmp"};
    if (!o->infra || o->infra_image)
        return 0;
    for (size_t i = 0; i < sizeof dirs / sizeof *dirs; i++)
        if (mkdirat(dir, dirs[i], 0755) < 0)
            return err_sys(e, "cannot make the root of a pod");
    cleanup_fd int fd = openat(dir, "rootfs/pause", O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0755);
    return fd < 0 ? err_sys(e, "cannot make the root of a pod") : 0;
}

/* Where mounts with option O write: over/N of the Nth mount, upper as its directory looks. */
static int make_overs(int dir, const json_t *rec, struct err *e)
{
    const json_t *m;
    size_t i;
    json_array_foreach(json_object_get(rec, "mounts"), i, m)
    {
        char upper[64], work[64];
        struct stat st;
        if (strcmp(jx_str(m, "type"), "overlay") != 0)
            continue;
        snprintf(upper, sizeof upper, "over/%zu/upper", i);
        snprintf(work, sizeof work, "over/%zu/work", i);
        if (at_mkdirs(dir, upper, 0755) < 0 || at_mkdirs(dir, work, 0755) < 0 ||
            (stat(jx_str(m, "source"), &st) == 0 &&
             fchmodat(dir, upper, st.st_mode & 07777, 0) < 0))
            return err_sys(e, "cannot make directories for the mount on \"%s\"",
                           jx_str(m, "destination"));
    }
    return 0;
}

/* The name that was asked for, or the first free one of those we think of. */
static int claim_name(const struct roots *r, const char *wanted, const char *id, json_t *rec,
                      struct err *e)
{
    char name[256];
    str_copy(name, sizeof name, wanted ? wanted : "");
    for (int i = 0; i < MAX_NAME_TRIES; i++) {
        if (!wanted)
            ident_random_name(name, sizeof name);
        if (!wanted && i > 10)
            snprintf(name + strlen(name), 12, "%d", i);
        if (name_claim(r, name, id, false, e) == 0) {
            json_object_set_new(rec, "name", json_string(name));
            return 0;
        }
        if (wanted || e->sys != EEXIST)
            break;
    }
    return -1;
}

/* A file that names a container which is still there is not ours to take; a stale one is. */
static bool cidfile_in_use(const struct roots *r, const char *path)
{
    cleanup(buf_free) struct buf b = BUF_INIT;
    char ctr[128];
    if (at_read(AT_FDCWD, path, 4096, &b) < 0 || !b.len)
        return false;
    b.s[strcspn(b.s, " \n")] = '\0';
    snprintf(ctr, sizeof ctr, "containers/%s", b.s);
    return digest_is_hex(b.s) && at_exists(r->own, ctr);
}

static int write_cidfile(const struct roots *r, const char *path, const char *id, struct err *e)
{
    if (!path)
        return 0;
    if (cidfile_in_use(r, path)) {
        err_set(e, 0,
                "container id file exists. Ensure another container is not using it or delete %s",
                path);
        return err_hint(e, "Type: rm %s", path);
    }
    cleanup_fd int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    if (fd < 0 || fd_write_all(fd, id, strlen(id)) < 0)
        return err_sys(e, "cannot write container id file \"%s\"", path);
    return 0;
}

static int publish(const struct roots *r, const char *id, json_t *rec, const struct create_opts *o,
                   struct err *e)
{
    int lock = -1;
    char path[128], trash[160];
    bool named = false, noted = false;
    cleanup(strv_free) struct strv volumes = STRV_INIT;
    struct err ignored = ERR_INIT;
    cleanup_fd int dir = -1;
    cleanup_fd int hold = store_hold(r, e);
    cleanup_fd int ids = -1;
    if (hold < 0 || create_auto_pick(r, rec, &ids, e) < 0)
        return -1;
    int res = build(r, id, &dir, &lock, e);
    if (res == 0)
        res = make_pause_root(dir, o, e);
    if (res == 0)
        res = etc_write(r, dir, rec, e);
    if (res == 0)
        res = create_seccomp_write(r, dir, rec, e);
    if (res == 0)
        res = secrets_write(r, dir, rec, e);
    if (res == 0)
        res = make_overs(dir, rec, e);
    if (res == 0)
        res = volumes_make(r, rec, e);
    if (res == 0)
        named = (res = claim_name(r, o->name, id, rec, e)) == 0;
    if (res == 0)
        res = ctr_write_record(dir, rec, e);
    if (res == 0)
        noted = (res = write_cidfile(r, o->cidfile, id, e)) == 0;
    if (res == 0)
        res = ctr_publish(r, id, e);
    if (res == 0)
        journal_container(dir, "create", NULL);
    if (res < 0) {
        if (named)
            name_drop(r, jx_str(rec, "name"), id);
        if (noted && o->cidfile)
            unlink(o->cidfile);
        snprintf(path, sizeof path, "staging/%s", id);
        at_temp_name(trash, sizeof trash, "trash/ctr-");
        volumes_of(rec, true, &volumes);
        if (renameat(r->own, path, r->own, trash) == 0)
            (void)volumes_reclaim(r, &volumes, trash + strlen("trash/"), &ignored);
    }
    if (lock >= 0)
        close(lock);
    return res;
}

int create_container(const struct roots *r, const struct create_opts *o, char *const *operands,
                     char ret_id[65], struct err *e)
{
    struct image img = IMAGE_INIT;
    struct create_opts all;
    char id[65];
    if (o->name && !ident_name_ok(o->name))
        return err_set(e, 0,
                       "running container create option: names must match "
                       "[a-zA-Z0-9][a-zA-Z0-9_.-]*: invalid argument");
    bool has_image = (!o->infra || o->infra_image) && !o->rootfs;
    if (has_image && image_find(r, operands[0], &img, e) < 0)
        return -1;
    if (create_of_pod(r, o, &all, e) < 0) {
        image_free(&img);
        return -1;
    }
    if (!o->id || str_copy(id, sizeof id, o->id) < 0)
        ident_new(id);
    cleanup_json rec = json_object();
    int res = make_record(r, &all, has_image ? &img : NULL, operands[0],
                          operands + (has_image || o->rootfs), id, rec, e);
    image_free(&img);
    if (res == 0)
        res = publish(r, id, rec, &all, e);
    create_of_pod_free(&all);
    if (res == 0)
        memcpy(ret_id, id, sizeof id);
    return res;
}
