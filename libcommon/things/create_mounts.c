/* -v, --mount and --tmpfs: parsed and checked once, kept as OCI mounts in the record. */
#include "things/create.h"

#include "disk/at.h"
#include "words/ident.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

static int add(json_t *list, const char *type, const char *source, const char *dest,
               const struct strv *options, struct err *e)
{
    json_t *item;
    size_t i;
    if (dest[0] != '/')
        return err_set(e, 0, "invalid container path \"%s\", must be an absolute path", dest);
    json_array_foreach(list, i, item)
    {
        if (strcmp(jx_str(item, "destination"), dest) == 0)
            return err_set(e, 0, "%s: duplicate mount destination", dest);
    }
    json_t *m = json_pack("{s:s, s:s, s:s, s:o}", "type", type, "source", source, "destination",
                          dest, "options", jx_from_strv(options));
    if (!m)
        return err_set(e, 0, "mount \"%s\": the path is not UTF-8", dest);
    json_array_append_new(list, m);
    return 0;
}

/* Host paths as they are; anything else is a volume of that name, made when it is missing. */
static int resolve_source(const struct roots *r, const char *source, char **ret, struct err *e)
{
    if (source[0] == '/' || source[0] == '.' || source[0] == '~') {
        *ret = realpath(source, NULL);
        if (*ret)
            return 0;
        int sys = errno;
        return err_set(e, 0, "statfs %s: %s", source,
                       sys == ENOENT ? "no such file or directory" : strerror(sys));
    }
    if (!ident_name_ok(source))
        return err_set(e, 0,
                       "volume name \"%s\": names must match [a-zA-Z0-9][a-zA-Z0-9_.-]*: "
                       "invalid argument",
                       source);
    cleanup_free char *dir = xasprintf("volumes/%s/_data", source);
    if (at_mkdirs(r->own, dir, 0755) < 0)
        return err_sys(e, "cannot create volume \"%s\"", source);
    *ret = xasprintf("%s/pod/%s", r->graph_path, dir);
    return 0;
}

static int bind_options(const char *text, struct strv *out, struct err *e)
{
    static const char *const known[] = {
        "ro",     "rw",      "z",     "Z",      "rbind",  "bind", "private", "rprivate",
        "shared", "rshared", "slave", "rslave", "nosuid", "suid", "nodev",   "dev",
        "noexec", "exec",    "rro",   "U",      "O",      "copy", "nocopy",  NULL};
    cleanup(strv_free) struct strv words = STRV_INIT;
    bool kind = false, propagation = false;
    strv_split(&words, text, ',');
    for (size_t i = 0; i < words.n; i++) {
        const char *w = words.v[i];
        if (!*w)
            continue;
        if (!str_in(w, known))
            return err_set(e, 0, "invalid mount option \"%s\"", w);
        if (strcmp(w, "U") == 0 || strcmp(w, "O") == 0)
            return err_set(e, 0, "mount option \"%s\" is not supported yet", w);
        kind |= strcmp(w, "bind") == 0;
        propagation |= strstr(w, "private") || strstr(w, "shared") || strstr(w, "slave");
        if (!str_ends(w, "copy"))
            strv_add(out, w);
    }
    if (!kind)
        strv_add(out, "rbind");
    if (!propagation)
        strv_add(out, "rprivate");
    return 0;
}

static int add_volume(const struct roots *r, json_t *list, const char *text, struct err *e)
{
    cleanup(strv_free) struct strv part = STRV_INIT, options = STRV_INIT;
    cleanup_free char *source = NULL;
    strv_split(&part, text, ':');
    if (part.n == 1) {
        char id[IDENT_LEN + 1];
        ident_new(id);
        if (resolve_source(r, id, &source, e) < 0 || bind_options("", &options, e) < 0)
            return -1;
        return add(list, "bind", source, part.v[0], &options, e);
    }
    if (part.n > 3 || !*part.v[0])
        return err_set(e, 0, "%s: incorrect volume format, should be [host-dir:]ctr-dir[:option]",
                       text);
    if (resolve_source(r, part.v[0], &source, e) < 0 ||
        bind_options(part.n == 3 ? part.v[2] : "", &options, e) < 0)
        return -1;
    return add(list, "bind", source, part.v[1], &options, e);
}

static int add_tmpfs(json_t *list, const char *dest, const char *more, struct err *e)
{
    cleanup(strv_free) struct strv options = STRV_INIT, words = STRV_INIT;
    strv_split(&options, "nosuid,nodev,noexec", ',');
    strv_split(&words, more, ',');
    for (size_t i = 0; i < words.n; i++)
        if (*words.v[i] && !str_in(words.v[i], (const char *const[]){"notmpcopyup", NULL}))
            strv_add(&options, words.v[i]);
    return add(list, "tmpfs", "tmpfs", dest, &options, e);
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
    else if (strcmp(w, "bind-propagation") == 0 && value)
        strv_add(&m->options, value);
    else if (strcmp(w, "tmpfs-size") == 0 && value)
        strv_addf(&m->options, "size=%s", value);
    else if (strcmp(w, "tmpfs-mode") == 0 && value)
        strv_addf(&m->options, "mode=%s", value);
    else if (strcmp(w, "relabel") == 0 || strcmp(w, "consistency") == 0 ||
             strcmp(w, "notmpcopyup") == 0)
        return 0;
    else
        return err_set(e, 0, "%s: invalid mount option", w);
    return 0;
}

static int add_mount(const struct roots *r, json_t *list, const char *text, struct err *e)
{
    cleanup(strv_free) struct strv words = STRV_INIT, options = STRV_INIT;
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
        return add_tmpfs(list, m.dest, more, e);
    if (strcmp(m.type, "bind") != 0 && strcmp(m.type, "volume") != 0)
        return err_set(e, 0, "invalid filesystem type \"%s\"", m.type);
    cleanup_free char *source = NULL;
    char id[IDENT_LEN + 1];
    ident_new(id);
    if (resolve_source(r, m.source ? m.source : id, &source, e) < 0 ||
        bind_options(more, &options, e) < 0)
        return -1;
    return add(list, "bind", source, m.dest, &options, e);
}

int create_mounts(const struct roots *r, const struct create_opts *o, json_t *rec, struct err *e)
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
        res = add_tmpfs(list, dest, colon ? colon : "", e);
    }
    jx_set(rec, "mounts", list);
    return res < 0 ? -1 : create_devices(o, rec, e);
}
