/* --mount type=image and type=devpts: mounts that come neither from the host nor from a volume. */
#include "things/create.h"
#include "things/create_mounts.h"
#include "things/image.h"

#include <stdlib.h>
#include <string.h>

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
