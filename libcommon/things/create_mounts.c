/* -v, --mount and --tmpfs: parsed and checked once, kept as OCI mounts in the record. */
#include "things/create.h"

#include "things/create_mounts.h"
#include "things/ctr.h"
#include "things/volume.h"
#include "words/ident.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

struct source {
    char *path, *volume;                  /* volume: its name, or NULL */
    char *tmpfs;                          /* its options, when the volume is one */
    bool anonymous, nocopy, own, overlay; /* own: option U; overlay: option O */
};

static void source_free(struct source *s)
{
    free(s->path);
    free(s->volume);
    free(s->tmpfs);
}

static int append(json_t *list, json_t *m, struct err *e)
{
    const char *dest = jx_str(m, "destination");
    json_t *item;
    size_t i;
    json_array_foreach(list, i, item)
    {
        if (json_equal(item, m))
            return 0;
        if (strcmp(jx_str(item, "destination"), dest) == 0)
            return err_set(e, 0, "%s: duplicate mount destination", dest);
    }
    json_array_append(list, m);
    return 0;
}

static int add(json_t *list, const char *type, const struct source *s, const char *dest,
               const struct strv *options, struct err *e)
{
    if (dest[0] != '/')
        return err_set(e, 0, "invalid container path \"%s\", must be an absolute path", dest);
    if (dest[strspn(dest, "/")] == '\0')
        return err_set(e, 0, "invalid container path \"%s\", destination can't be '/'", dest);
    cleanup_json m = json_pack("{s:s, s:s, s:s, s:o}", "type", type, "source", s->path,
                               "destination", dest, "options", jx_from_strv(options));
    if (!m)
        return err_set(e, 0, "mount \"%s\": the path is not UTF-8", dest);
    jx_set_str(m, "volume", s->volume);
    if (s->anonymous)
        json_object_set_new(m, "anonymous", json_true());
    if (s->nocopy)
        json_object_set_new(m, "nocopy", json_true());
    if (s->own)
        json_object_set_new(m, "own", json_true());
    return append(list, m, e);
}

/* Host paths as they are; anything else is a volume of that name, an anonymous one without. */
static int resolve_source(const struct roots *r, const char *source, struct source *ret,
                          struct err *e)
{
    char id[IDENT_LEN + 1];
    ret->anonymous = !source || !*source;
    if (ret->anonymous) {
        ident_new(id);
        source = id;
    }
    if (source[0] == '/' || source[0] == '.' || source[0] == '~') {
        ret->path = realpath(source, NULL);
        if (ret->path)
            return 0;
        int sys = errno;
        return err_set(e, 0, "statfs %s: %s", source,
                       sys == ENOENT ? "no such file or directory" : strerror(sys));
    }
    if (!ident_name_ok(source))
        return err_set(e, 0,
                       "creating named volume \"%s\": running volume create option: names must "
                       "match [a-zA-Z0-9][a-zA-Z0-9_.-]*: invalid argument",
                       source);
    cleanup_json volume = NULL;
    if (volume_exists(r, source) && volume_load(r, source, &volume, e) < 0)
        return -1;
    ret->volume = xstrdup(source);
    ret->path = volume_path(r, source, volume);
    if (volume_is_tmpfs(volume))
        ret->tmpfs = xstrdup(jx_str(json_object_get(volume, "options"), "o"));
    return 0;
}

static const struct source tmpfs = {.path = "tmpfs"};

static int add_tmpfs(json_t *list, const struct source *source, const char *dest, const char *more,
                     struct err *e)
{
    static const char *const known[] = {
        "size",      "mode",        "uid",         "gid",      "nr_inodes",  "nr_blocks",
        "mpol",      "huge",        "ro",          "rw",       "exec",       "noexec",
        "suid",      "nosuid",      "dev",         "nodev",    "sync",       "atime",
        "noatime",   "relatime",    "strictatime", "diratime", "nodiratime", "private",
        "rprivate",  "shared",      "rshared",     "slave",    "rslave",     "U",
        "tmpcopyup", "notmpcopyup", NULL};
    cleanup(strv_free) struct strv options = STRV_INIT, words = STRV_INIT;
    strv_split(&options, "nosuid,nodev,noexec", ',');
    strv_split(&words, more, ',');
    for (size_t i = 0; i < words.n; i++) {
        cleanup_free char *key = xstrndup(words.v[i], strcspn(words.v[i], "="));
        if (*key && !str_in(key, known))
            return err_set(e, 0, "unknown mount option \"%s\": invalid mount option", words.v[i]);
        if (*key && !str_ends(key, "tmpcopyup") && strcmp(key, "U") != 0)
            strv_add(&options, words.v[i]);
    }
    if (!strv_has(&words, "notmpcopyup"))
        strv_add(&options, "tmpcopyup");
    return add(list, "tmpfs", source, dest, &options, e);
}

/* What is written goes to the container's own directory, with which it goes. */
static int add_overlay(json_t *list, const struct source *source, const char *dest, struct err *e)
{
    static const struct strv none = STRV_INIT;
    struct stat st;
    if (stat(source->path, &st) == 0 && !S_ISDIR(st.st_mode))
        return err_set(e, 0, "mount option O needs a directory: \"%s\" is none", source->path);
    if (strpbrk(source->path, ",:\\"))
        return err_set(e, 0, "mount option O: the path \"%s\" has a comma, colon or backslash",
                       source->path);
    return add(list, "overlay", source, dest, &none, e);
}

/* A directory of the host's or a volume, which may say itself that it is a tmpfs. */
static int add_source(const struct roots *r, json_t *list, const char *from, const char *dest,
                      const char *words, struct err *e)
{
    cleanup(strv_free) struct strv said = STRV_INIT, options = STRV_INIT;
    cleanup(source_free) struct source source = {0};
    strv_split(&said, words, ',');
    if (resolve_source(r, from, &source, e) < 0 || mount_bind(&said, &options, e) < 0)
        return -1;
    source.overlay = strv_has(&said, "O");
    source.own = strv_has(&said, "U");
    source.nocopy = strv_has(&said, "nocopy");
    if (source.overlay)
        return add_overlay(list, &source, dest, e);
    if (!source.tmpfs)
        return add(list, "bind", &source, dest, &options, e);
    const struct source mount = {.path = tmpfs.path, .volume = source.volume};
    cleanup_free char *more =
        xasprintf("exec,%s%s", source.tmpfs, strv_has(&options, "ro") ? ",ro" : "");
    return add_tmpfs(list, &mount, dest, more, e);
}

static int add_volume(const struct roots *r, json_t *list, const char *text, struct err *e)
{
    cleanup(strv_free) struct strv part = STRV_INIT;
    strv_split(&part, text, ':');
    if (part.n > 3 || (part.n > 1 && !*part.v[0]))
        return err_set(e, 0, "%s: incorrect volume format, should be [host-dir:]ctr-dir[:option]",
                       text);
    return add_source(r, list, part.n > 1 ? part.v[0] : NULL, part.v[part.n > 1],
                      part.n == 3 ? part.v[2] : "", e);
}

struct mount_words {
    const char *type, *source, *dest;
    struct strv options;
};

static int mount_word(char *w, struct mount_words *m, struct err *e)
{
    char *value = strchr(w, '=');
    if (value)
        *value++ = '\0';
    bool truth = !value || strcmp(value, "true") == 0 || strcmp(value, "1") == 0;
    if (strcmp(w, "type") == 0 && value)
        m->type = value;
    else if ((strcmp(w, "src") == 0 || strcmp(w, "source") == 0) && value)
        m->source = value;
    else if ((strcmp(w, "dst") == 0 || strcmp(w, "destination") == 0 || strcmp(w, "target") == 0) &&
             value)
        m->dest = value;
    else if (strcmp(w, "ro") == 0 || strcmp(w, "readonly") == 0)
        strv_add(&m->options, truth ? "ro" : "rw");
    else if (strcmp(w, "rw") == 0)
        strv_add(&m->options, truth ? "rw" : "ro");
    else if (strcmp(w, "U") == 0 || strcmp(w, "chown") == 0) {
        if (truth)
            strv_add(&m->options, "U");
    } else if (strcmp(w, "bind-propagation") == 0 && value)
        strv_add(&m->options, value);
    else if (strcmp(w, "tmpfs-size") == 0 && value)
        strv_addf(&m->options, "size=%s", value);
    else if (strcmp(w, "tmpfs-mode") == 0 && value)
        strv_addf(&m->options, "mode=%s", value);
    else if (strcmp(w, "nocopy") == 0 || strcmp(w, "volume-nocopy") == 0)
        strv_add(&m->options, truth ? "nocopy" : "copy");
    else if (str_ends(w, "tmpcopyup"))
        strv_add(&m->options, truth == (*w == 't') ? "tmpcopyup" : "notmpcopyup");
    else if (value && (strcmp(w, "uid") == 0 || strcmp(w, "gid") == 0 || strcmp(w, "mode") == 0 ||
                       strcmp(w, "max") == 0 || strcmp(w, "ptmxmode") == 0))
        strv_addf(&m->options, "%s=%s", w, value);
    else if (strcmp(w, "relabel") == 0 || strcmp(w, "consistency") == 0)
        return 0;
    else
        return err_set(e, 0,
                       value ? "%s: invalid mount option"
                             : "incorrect mount format: should be --mount "
                               "type=<bind|devpts|image|tmpfs|volume>,[src=<host-dir|volume-name>,]"
                               "target=<ctr-dir>[,options]",
                       w);
    return 0;
}

static int add_kind(const struct roots *r, json_t *list, const struct mount_words *m,
                    const char *options, struct err *e)
{
    cleanup(strv_free) struct strv words = STRV_INIT;
    cleanup_json item = NULL;
    strv_split(&words, options, ',');
    if (m->dest[0] != '/')
        return err_set(e, 0, "invalid container path \"%s\", must be an absolute path", m->dest);
    if ((strcmp(m->type, "image") == 0 ? mount_image(r, m->source, m->dest, &words, &item, e)
                                       : mount_devpts(m->dest, &words, &item, e)) < 0)
        return -1;
    return append(list, item, e);
}

static int add_mount(const struct roots *r, json_t *list, const char *text, struct err *e)
{
    cleanup(strv_free) struct strv words = STRV_INIT;
    struct mount_words m = {.type = "volume"};
    strv_split(&words, text, ',');
    int res = 0;
    for (size_t i = 0; i < words.n && res == 0; i++)
        res = mount_word(words.v[i], &m, e);
    struct buf joined = BUF_INIT;
    for (size_t i = 0; i < m.options.n; i++)
        buf_addf(&joined, "%s%s", i ? "," : "", m.options.v[i]);
    strv_free(&m.options);
    cleanup_free char *more = buf_take(&joined);
    if (res < 0)
        return -1;
    if (!m.dest)
        return err_set(e, 0, "must set volume destination");
    if (strcmp(m.type, "tmpfs") == 0)
        return add_tmpfs(list, &tmpfs, m.dest, more, e);
    if (strcmp(m.type, "image") == 0 || strcmp(m.type, "devpts") == 0)
        return add_kind(r, list, &m, more, e);
    if (strcmp(m.type, "bind") != 0 && strcmp(m.type, "volume") != 0)
        return err_set(e, 0, "invalid filesystem type \"%s\"", m.type);
    return add_source(r, list, m.source, m.dest, more, e);
}

static bool mounted(const json_t *list, const char *dest)
{
    const json_t *m;
    size_t i;
    json_array_foreach(list, i, m)
    {
        if (strcmp(jx_str(m, "destination"), dest) == 0)
            return true;
    }
    return false;
}

/* CTR[:ro|rw|z]: what that container has mounted, unless something of our own is there. */
static int volumes_from(const struct roots *r, json_t *list, const char *text, struct err *e)
{
    cleanup_free char *name = xstrdup(text);
    char *options = strchr(name, ':');
    struct ctr c;
    const json_t *m;
    size_t i;
    if (options)
        *options++ = '\0';
    if (options && strcmp(options, "ro") != 0 && strcmp(options, "rw") != 0 &&
        strcmp(options, "z") != 0)
        return err_set(e, 0, "invalid options \"%s\", can only specify 'ro', 'rw', and 'z'",
                       options);
    if (ctr_find(r, name, &c, e) < 0)
        return err_prefix(e, "looking up container \"%s\" for volumes-from", name);
    json_array_foreach(json_object_get(c.record, "mounts"), i, m)
    {
        if (mounted(list, jx_str(m, "destination")) || strcmp(jx_str(m, "type"), "bind") != 0)
            continue;
        json_t *copy = json_deep_copy(m);
        if (options && strcmp(options, "ro") == 0)
            json_array_append_new(json_object_get(copy, "options"), json_string("ro"));
        json_array_append_new(list, copy);
    }
    ctr_close(&c);
    return 0;
}

/* --read-only leaves places to write to that go with the container. */
static int writable_places(const struct create_opts *o, json_t *list, struct err *e)
{
    static const char *const places[] = {"/run", "/tmp", "/var/tmp"};
    for (size_t i = 0; o->read_only && o->read_only_tmpfs != 0 && i < 3; i++) {
        if (mounted(list, places[i]))
            continue;
        cleanup(strv_free) struct strv options = STRV_INIT;
        strv_split(&options, i == 0 ? "rw,nosuid,nodev,mode=755" : "rw,nosuid,nodev,mode=1777",
                   ',');
        if (add(list, "tmpfs", &tmpfs, places[i], &options, e) < 0)
            return -1;
        json_object_set_new(json_array_get(list, json_array_size(list) - 1), "usual", json_true());
    }
    return 0;
}

/* VOLUMEs of the image, where nothing else is mounted: --image-volume says as what. */
static int image_volumes(const struct roots *r, const struct create_opts *o, const json_t *cfg,
                         json_t *list, struct err *e)
{
    static const char *const kinds[] = {"anonymous", "bind", "tmpfs", "ignore", NULL};
    const char *kind = o->image_volume ? o->image_volume : kinds[0], *dest;
    cleanup(strv_free) struct strv dests = STRV_INIT;
    const json_t *v;
    if (o->infra)
        return 0;
    if (!str_in(kind, kinds))
        return err_set(e, 0,
                       "invalid --image-volume type \"%s\"; valid types: bind, ignore, tmpfs, "
                       "anonymous",
                       kind);
    json_object_foreach(json_object_get(cfg, "Volumes"), dest, v) strv_add(&dests, dest);
    strv_sort(&dests);
    for (size_t i = 0; i < dests.n && strcmp(kind, "ignore") != 0; i++) {
        char *d = dests.v[i];
        for (size_t n = strlen(d); n > 1 && d[n - 1] == '/'; n--)
            d[n - 1] = '\0';
        if (d[0] != '/' || !d[1] || mounted(list, d))
            continue;
        if ((strcmp(kind, "tmpfs") == 0 ? add_tmpfs(list, &tmpfs, d, "rw,exec", e)
                                        : add_source(r, list, NULL, d, "", e)) < 0)
            return -1;
    }
    return 0;
}

int create_mounts(const struct roots *r, const struct create_opts *o, const json_t *cfg,
                  json_t *rec, struct err *e)
{
    json_t *list = json_array();
    int res = 0;
    for (size_t i = 0; i < o->volume.n && res == 0; i++)
        res = add_volume(r, list, o->volume.v[i], e);
    for (size_t i = 0; i < o->mount.n && res == 0; i++)
        res = add_mount(r, list, o->mount.v[i], e);
    for (size_t i = 0; i < o->tmpfs.n && res == 0; i++) {
        cleanup_free char *dest = xstrdup(o->tmpfs.v[i]);
        char *colon = strchr(dest, ':');
        if (colon)
            *colon++ = '\0';
        res = add_tmpfs(list, &tmpfs, dest, colon ? colon : "", e);
    }
    for (size_t i = 0; i < o->volumes_from.n && res == 0; i++)
        res = volumes_from(r, list, o->volumes_from.v[i], e);
    if (res == 0)
        res = image_volumes(r, o, cfg, list, e);
    if (res == 0)
        res = writable_places(o, list, e);
    jx_set(rec, "mounts", list);
    return res < 0 ? -1 : create_devices(o, rec, e);
}
