/* What must be so before a container is started. */
#include "things/image.h"
#include "things/ready.h"
#include "things/start.h"
#include "things/start_chain.h"
#include "words/exitcode.h"

#include <string.h>

static int start_required(const struct roots *r, const struct ctr *c, struct err *e)
{
    const json_t *v;
    size_t i;
    json_array_foreach(json_object_get(c->record, "requires"), i, v)
    {
        struct start_how how = {.client_fd = -1};
        struct ctr other;
        pid_t pid;
        if (ctr_find(r, json_string_value(v), &other, e) < 0)
            return err_prefix(e, "a container that %s requires is gone", c->id);
        int res = ctr_start(r, &other, &how, &pid, e);
        if (res == START_OK)
            ready_wait_beside(r, &other, -1);
        ctr_close(&other);
        if (res < 0)
            return -1;
    }
    return 0;
}

static bool below(const char *path, const char *dir)
{
    size_t n = strlen(dir);
    return strncmp(path, dir, n) == 0 && (path[n] == '/' || !path[n]);
}

/* A mount makes directories: its own, those above it, and whatever it has below. */
static bool comes_by_mount(const struct ctr *c, const char *path)
{
    const json_t *m;
    size_t i;
    json_array_foreach(json_object_get(c->record, "mounts"), i, m)
    {
        const char *dest = jx_str(m, "destination");
        if (below(path, dest) || below(dest, path))
            return true;
    }
    return below(path, "/dev") || below(path, "/proc") || below(path, "/sys") ||
           below(path, "/run");
}

/* --workdir must be there; the image's own is made. */
static int check_workdir(const struct roots *r, const struct ctr *c, struct err *e)
{
    const char *path = jx_str(c->record, "workdir");
    cleanup(strv_free) struct strv layers = STRV_INIT;
    if (!jx_bool(c->record, "workdirAsked") || !json_object_get(c->record, "lowers") ||
        comes_by_mount(c, path))
        return 0;
    strv_addf(&layers, "../pod/containers/%s/upper", c->id);
    jx_strv(c->record, "lowers", &layers);
    if (image_lacks(r, &layers, path))
        return err_set(e, EXIT_CANNOT, "workdir \"%s\" does not exist on container %s", path,
                       c->id);
    return 0;
}

int start_before(const struct roots *r, const struct ctr *c, struct err *e)
{
    return check_workdir(r, c, e) < 0 ? -1 : start_required(r, c, e);
}
