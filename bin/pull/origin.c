/* Where an image comes from when it is not a registry: layouts, directories, archives. */
#include "pull.h"

#include "disk/at.h"
#include "disk/rmtree.h"
#include "plain/fdio.h"
#include "things/spawn.h"
#include "words/ref.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* tar checks names itself; what it writes lies in a directory of ours that goes away again. */
static int unpack_archive(const struct roots *r, const char *file, struct origin *o, struct err *e)
{
    char name[64];
    if (access(file, R_OK) < 0)
        return err_sys(e, "open %s", file);
    at_temp_name(name, sizeof name, "archive-");
    o->temp = xasprintf("staging/%s", name);
    if (mkdirat(r->own, o->temp, 0700) < 0)
        return err_sys(e, "cannot make a directory for the archive");
    cleanup(strv_free) struct strv argv = STRV_INIT;
    strv_add(&argv, "tar");
    strv_add(&argv, "-xf");
    strv_add(&argv, file);
    strv_add(&argv, "--no-same-owner");
    strv_add(&argv, "-C");
    strv_addf(&argv, "%s/pod/%s", r->graph_path, o->temp);
    struct spawn s = {.argv = argv.v, .in = -1, .out = -1, .err = -1, .report = -1};
    pid_t pid;
    if (spawn(&s, &pid, e) < 0)
        return -1;
    if (spawn_wait(pid) != 0)
        return err_set(e, 0, "%s is not an archive that tar can read, or the disk is full", file);
    o->dir = at_open_dir(r->own, o->temp);
    return o->dir < 0 ? err_sys(e, "cannot open the unpacked archive") : 0;
}

/* localhost/NAME:TAG for a layout, as podman names it. */
static void name_after(struct origin *o, const char *path, const char *ref)
{
    struct ref parsed = REF_INIT;
    struct err e = ERR_INIT;
    const char *base = strrchr(path, '/') ? strrchr(path, '/') + 1 : path;
    cleanup_free char *whole =
        *ref ? (strchr(ref, '/') || strchr(ref, ':') ? xstrdup(ref)
                                                     : xasprintf("localhost/%s:%s", base, ref))
             : xasprintf("localhost/%s:latest", base);
    if (ref_parse(whole, &parsed, &e) == 0)
        strv_take(&o->names, ref_str(&parsed));
    ref_free(&parsed);
}

static int open_local(const struct roots *r, const char *transport, const char *rest,
                      struct origin *o, struct err *e)
{
    cleanup_free char *path = xstrdup(rest);
    char *colon = strcmp(transport, "dir") == 0 ? NULL : strchr(path, ':');
    if (colon)
        *colon++ = '\0';
    o->ref = xstrdup(colon ? colon : "");
    o->kind = strcmp(transport, "dir") == 0              ? ORIGIN_DIR
              : strcmp(transport, "docker-archive") == 0 ? ORIGIN_DOCKER
                                                         : ORIGIN_LAYOUT;
    if (str_ends(transport, "-archive")) {
        if (unpack_archive(r, path, o, e) < 0)
            return -1;
    } else if ((o->dir = at_open_dir(AT_FDCWD, path)) < 0) {
        return err_sys(e, "open %s", path);
    }
    if (o->kind != ORIGIN_DOCKER)
        name_after(o, path, o->ref);
    return 0;
}

int origin_open(const struct roots *r, const struct pull_opts *opts, const char *typed,
                struct origin *ret, struct err *e)
{
    static const char *const local[] = {"oci", "oci-archive", "docker-archive", "dir", NULL};
    struct origin o = {.kind = ORIGIN_REGISTRY, .dir = -1, .uri = xstrdup(typed)};
    int res;
    size_t n = strcspn(typed, ":");
    cleanup_free char *transport = xstrndup(typed, n);
    if (typed[n] && str_in(transport, local))
        res = open_local(r, transport, typed + n + 1, &o, e);
    else
        res = registry_open(opts, typed, &o, e);
    if (res < 0)
        origin_close(r, &o);
    else
        *ret = o;
    return res;
}

void origin_close(const struct roots *r, struct origin *o)
{
    fetch_close(o->fetch);
    if (o->dir >= 0)
        close(o->dir);
    if (o->temp)
        rmtree(r->own, o->temp);
    free(o->uri);
    free(o->version);
    free(o->ref);
    free(o->temp);
    strv_free(&o->names);
    *o = (struct origin){.dir = -1};
}

static int read_file(const struct origin *o, const char *path, size_t max, struct buf *ret,
                     struct err *e)
{
    if (at_read(o->dir, path, max, ret) == 0)
        return 0;
    if (errno == EFBIG)
        return err_set(e, 0, "%s: \"%s\" is larger than the %d bytes that are allowed", o->uri,
                       path, MAX_MANIFEST);
    return err_sys(e, "%s: open %s", o->uri, path);
}

/* The entry of index.json that the reference names; the only one when none was said. */
static int from_index(struct origin *o, struct buf *ret, struct err *e)
{
    cleanup(buf_free) struct buf b = BUF_INIT;
    json_t *parsed = NULL, *item, *chosen = NULL;
    size_t i;
    if (read_file(o, "index.json", MAX_MANIFEST, &b, e) < 0 ||
        jx_parse("index.json", buf_str(&b), b.len, &parsed, e) < 0)
        return -1;
    cleanup_json index = parsed;
    json_t *list = json_object_get(index, "manifests");
    json_array_foreach(list, i, item)
    {
        const char *name =
            jx_str(json_object_get(item, "annotations"), "org.opencontainers.image.ref.name");
        if (*o->ref ? strcmp(name, o->ref) == 0 : json_array_size(list) == 1)
            chosen = item;
    }
    if (!chosen && *o->ref)
        return err_set(e, 0, "%s: no descriptor found for reference \"%s\"", o->uri, o->ref);
    if (!chosen)
        return err_set(e, 0, "%s: more than one image in oci, choose an image", o->uri);
    if (digest_parse(jx_str(chosen, "digest"), &o->digest) < 0)
        return err_set(e, 0, "%s: index.json has no valid digest", o->uri);
    o->has_digest = true;
    return origin_manifest(o, &o->digest, ret, e);
}

int origin_manifest(struct origin *o, const struct digest *which, struct buf *ret, struct err *e)
{
    if (o->kind == ORIGIN_REGISTRY) {
        struct digest_text t = which ? digest_text(which) : (struct digest_text){""};
        struct fetched f = FETCHED_INIT;
        if (fetch_manifest(o->fetch, which ? t.s : o->version, NULL, &f, e) < 0)
            return -1;
        buf_add(ret, f.body.s, f.body.len);
        fetched_free(&f);
        return 0;
    }
    if (!which)
        return o->kind == ORIGIN_DIR ? read_file(o, "manifest.json", MAX_MANIFEST, ret, e)
                                     : from_index(o, ret, e);
    cleanup_free char *path = o->kind == ORIGIN_DIR ? xasprintf("%s.manifest.json", which->hex)
                                                    : xasprintf("blobs/sha256/%s", which->hex);
    return read_file(o, path, MAX_MANIFEST, ret, e);
}

int origin_blob(const struct origin *o, const struct digest *d, const char *path, struct err *e)
{
    cleanup_free char *name = path                    ? xstrdup(path)
                              : o->kind == ORIGIN_DIR ? xstrdup(d->hex)
                                                      : xasprintf("blobs/sha256/%s", d->hex);
    struct stat st;
    cleanup_fd int fd = openat(o->dir, name, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0 || fstat(fd, &st) < 0)
        return err_sys(e, "%s: open %s", o->uri, name);
    if (!S_ISREG(st.st_mode))
        return err_set(e, 0, "%s: %s is not a file", o->uri, name);
    return fd_take(&fd);
}

int origin_small(struct origin *o, const struct digest *d, int64_t size, struct buf *ret,
                 struct err *e)
{
    if (o->kind == ORIGIN_REGISTRY) {
        struct fetched f = FETCHED_INIT;
        if (fetch_blob(o->fetch, d, size, &f, e) < 0)
            return -1;
        buf_add(ret, f.body.s, f.body.len);
        fetched_free(&f);
        return 0;
    }
    cleanup_fd int fd = origin_blob(o, d, NULL, e);
    if (fd < 0)
        return -1;
    return fd_read_all(fd, MAX_MANIFEST, ret) < 0 ? err_sys(e, "%s: cannot read %s", o->uri, d->hex)
                                                  : 0;
}
