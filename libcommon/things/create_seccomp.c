/* --seccomp-policy=image: the profile that an image brings along in a label. */
#include "things/create.h"

#include "disk/at.h"

#include <string.h>

#define LABEL     "io.containers.seccomp.profile"
#define FILE_NAME "seccomp.json"

int create_seccomp(const struct create_opts *o, const json_t *cfg, json_t *rec, struct err *e)
{
    const char *text = jx_str(json_object_get(cfg, "Labels"), LABEL);
    struct err why = ERR_INIT;
    json_t *parsed = NULL;
    if (!o->seccomp_policy || strcmp(o->seccomp_policy, "image") != 0)
        return 0;
    if (!cfg)
        return err_set(e, 0, "cannot read seccomp profile without a valid image");
    if (!*text) {
        err_set(e, 0, "no seccomp policy defined by image");
        return err_hint(e, "It would be a profile's text in the label " LABEL);
    }
    int r = jx_parse("the image's label " LABEL, text, strlen(text), &parsed, &why);
    json_decref(parsed);
    if (r < 0)
        return err_set(e, 0, "loading seccomp profile failed: %s", why.msg);
    jx_set_str(rec, "imageSeccomp", text);
    return 0;
}

int create_seccomp_write(const struct roots *r, int ctr_dir, json_t *rec, struct err *e)
{
    const char *text = jx_str0(rec, "imageSeccomp");
    if (!text)
        return 0;
    if (at_write(ctr_dir, FILE_NAME, text, strlen(text), 0600, AT_PLAIN) < 0)
        return err_sys(e, "cannot write the image's seccomp profile");
    json_object_del(rec, "imageSeccomp");
    json_object_set_new(
        rec, "seccomp",
        json_sprintf("%s/pod/containers/%s/" FILE_NAME, r->graph_path, jx_str(rec, "id")));
    return 0;
}
