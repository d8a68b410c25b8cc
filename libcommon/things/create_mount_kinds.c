/*
 * The options of binds and volumes; --mount type=image and type=devpts: mounts that come neither
 * from the host nor from a volume.
 */
#include "things/create.h"
#include "things/create_mounts.h"
#include "things/image.h"

#include <stdlib.h>
#include <string.h>

/* Words of which one may be said, once. */
static const struct {
    const char *of[8], *sentence;
} choices[] = {
    {{"ro", "rw"}, "'rw' or 'ro' option"},
    {{"z", "Z"}, "'z', 'Z' option"},
    {{"suid", "nosuid"}, "'nosuid' or 'suid' option"},
    {{"dev", "nodev"}, "'nodev' or 'dev' option"},
    {{"exec", "noexec"}, "'noexec' or 'exec' option"},
    {{"bind", "rbind"}, "'rbind' or 'bind' option"},
    {{"copy", "nocopy"}, "'copy' or 'nocopy' option"},
    {{"shared", "rshared", "slave", "rslave", "private", "rprivate"},
     "'[r]shared', '[r]private' or '[r]slave' option"},
};

static int check_choices(const struct strv *words, struct err *e)
{
    for (size_t i = 0; i < sizeof choices / sizeof *choices; i++) {
        int said = 0;
        for (size_t k = 0; k < words->n; k++)
            said += str_in(words->v[k], choices[i].of);
        if (said <= 1)
            continue;
        struct buf b = BUF_INIT;
        for (size_t k = 0; k < words->n; k++)
            buf_addf(&b, "%s%s", k ? ", " : "", words->v[k]);
        cleanup_free char *all = buf_take(&b);
        return err_set(e, 0, "invalid options \"%s\", can only specify 1 %s", all,
                       choices[i].sentence);
    }
    return 0;
}

int mount_bind(const struct strv *words, struct strv *options, struct err *e)
{
    static const char *const known[] = {
        "ro",      "rw",    "z",      "Z",      "rbind",  "bind",  "private", "rprivate", "shared",
        "rshared", "slave", "rslave", "nosuid", "suid",   "nodev", "dev",     "noexec",   "exec",
        "rro",     "U",     "O",      "copy",   "nocopy", "idmap", NULL};
    bool kind = false, propagation = false;
    for (size_t i = 0; i < words->n; i++) {
        const char *w = words->v[i];
        if (!*w)
            continue;
        if (!str_in(w, known))
            return err_set(e, 0, "invalid option type \"%s\"", w);
        kind |= strcmp(w, "bind") == 0;
        propagation |= strstr(w, "private") || strstr(w, "shared") || strstr(w, "slave");
        if (!str_ends(w, "copy") && strcmp(w, "U") != 0 && strcmp(w, "O") != 0)
            strv_add(options, w);
    }
    if (!kind)
        strv_add(options, "rbind");
    if (!propagation)
        strv_add(options, "rprivate");
    return check_choices(words, e);
}

int mount_devpts(const char *dest, const struct strv *words, json_t **ret, struct err *e)
{
    static const char *const known[] = {"gid", "max", "mode", "ptmxmode", "uid", NULL};
    cleanup(strv_free) struct strv options = STRV_INIT;
    bool mode = false;
    strv_split(&options, "nosuid,noexec,newinstance,ptmxmode=0666", ',');
    for (size_t i = 0; i < words->n; i++) {
        cleanup_free char *key = xstrndup(words->v[i], strcspn(words->v[i], "="));
        if (strcmp(key, "rw") == 0 || !*key)
            continue;
        if (!str_in(key, known) || !strchr(words->v[i], '='))
            return err_set(e, 0, "%s: invalid mount option", words->v[i]);
        mode |= strcmp(key, "mode") == 0;
        strv_add(&options, words->v[i]);
    }
    if (!mode)
        strv_add(&options, "mode=0620");
    *ret = json_pack("{s:s, s:s, s:s, s:o}", "type", "devpts", "source", "devpts", "destination",
                     dest, "options", jx_from_strv(&options));
    return 0;
}

/*
 * The image's layers, below a directory of the container's own in which what is written goes with
 * it; to be written it is only when that was asked for.
 */
int mount_image(const struct roots *r, const char *name, const char *dest, const struct strv *words,
                json_t **ret, struct err *e)
{
    struct image img = IMAGE_INIT;
    cleanup(buf_free) struct buf lowers = BUF_INIT;
    bool rw = strv_has(words, "rw");
    if (!name || !*name)
        return err_set(e, 0, "must set source and destination for image volume");
    if (image_find(r, name, &img, e) < 0)
        return err_hint(e, "Type: pod pull %s", name);
    for (size_t i = 0; i < img.lowers.n; i++)
        buf_addf(&lowers, "%s%s/overlay/%s", i ? ":" : "", r->graph_path, img.lowers.v[i]);
    *ret = json_pack("{s:s, s:s, s:s, s:o, s:s}", "type", "overlay", "source", buf_str(&lowers),
                     "destination", dest, "options", rw ? json_array() : json_pack("[s]", "ro"),
                     "image", img.id);
    bool none = img.lowers.n == 0;
    image_free(&img);
    if (none) {
        json_decref(*ret);
        *ret = NULL;
        return err_set(e, 0, "image %s has no layers to mount", name);
    }
    return 0;
}
