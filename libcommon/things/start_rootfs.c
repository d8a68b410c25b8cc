/* The command that mounts a root filesystem: for a container that starts, and for who reads one. */
#include "things/start_chain.h"

#include "things/spawn.h"
#include "things/spec.h"
#include "things/start.h"
#include "things/view.h"

/*
 * fuse-overlayfs' options for a map: it names the id on disk first, then the id to show, both as
 * the user's namespace numbers them.
 */
static char *fuse_maps(const json_t *maps)
{
    struct buf b = BUF_INIT;
    static const char *const kind[] = {"uidmapping=", ",gidmapping="};
    for (int k = 0; k < 2; k++) {
        const json_t *m;
        size_t i;
        buf_adds(&b, kind[k]);
        json_array_foreach(json_array_get(maps, (size_t)k), i, m)
            buf_addf(&b, "%s%lld:%lld:%lld", i ? ":" : "", (long long)jx_int(m, "containerID", 0),
                     (long long)jx_int(m, "hostID", 0), (long long)jx_int(m, "size", 0));
    }
    return buf_take(&b);
}

/* Where the root is mounted, or lies. */
static char *target(const struct chain *ch, const struct ctr *c)
{
    bool own = jx_str0(c->record, "rootfs") && !jx_bool(c->record, "rootfsOverlay");
    return own ? xstrdup(jx_str(c->record, "rootfs")) : xasprintf("%s/rootfs", ch->ctr_dir);
}

void view_owners(const struct roots *r, const struct ctr *c, struct strv *argv)
{
    cleanup(strv_free) struct strv lowers = STRV_INIT;
    jx_strv(c->record, "lowers", &lowers);
    if (jx_str0(c->record, "rootfs") && !jx_bool(c->record, "rootfsOverlay"))
        return;
    strv_add(argv, "--owners");
    strv_addf(argv, "%s/pod/containers/%s/upper", r->graph_path, c->id);
    for (size_t i = 0; i < lowers.n; i++) {
        bool below = lowers.v[i][0] != '/';
        strv_add(argv, "--owners");
        strv_addf(argv, "%s%s%s", below ? r->graph_path : "", below ? "/overlay/" : "",
                  lowers.v[i]);
    }
}

void chain_rootfs(const struct chain *ch, const struct ctr *c, struct strv *argv)
{
    cleanup(strv_free) struct strv lowers = STRV_INIT;
    struct buf joined = BUF_INIT;
    jx_strv(c->record, "lowers", &lowers);
    bool overlay = jx_bool(c->record, "rootfsOverlay");
    if (overlay)
        strv_add(&lowers, jx_str(c->record, "rootfs"));
    if (ch->single) {
        start_add_userns(argv);
        strv_take(argv, tool_path("pod-fakeroot"));
        strv_addf(argv, "%s/" FAKEROOT_SOCKET, ch->run_dir);
        view_owners(ch->roots, c, argv);
        strv_add(argv, "--");
    }
    start_add_rootfs(!ch->single, argv);
    strv_add(argv, "--target");
    strv_take(argv, target(ch, c));
    if (ch->shm_pid) {
        strv_add(argv, "--shm-of");
        strv_addf(argv, "%d", (int)ch->shm_pid);
        strv_add(argv, "--shm");
        strv_addf(argv, "%s/shm", ch->run_dir);
    }
    for (size_t i = 0; i < lowers.n; i++)
        buf_addf(&joined, "%s%s", i ? ":" : "", lowers.v[i]);
    if (lowers.n) {
        strv_add(argv, "--base");
        strv_addf(argv, "%s%s", overlay ? "/" : ch->roots->graph_path, overlay ? "" : "/overlay");
        strv_add(argv, "--lower");
        strv_take(argv, buf_take(&joined));
        strv_add(argv, "--upper");
        strv_addf(argv, "%s/upper", ch->ctr_dir);
        strv_add(argv, "--work");
        strv_addf(argv, "%s/work", ch->ctr_dir);
        if (jx_bool(c->record, "rm"))
            strv_add(argv, "--volatile");
        if (ch->maps) {
            strv_add(argv, "--map-ids");
            strv_take(argv, fuse_maps(ch->maps));
        }
    }
    if (!ch->ours) /* ours takes them from there itself, and answers meanwhile */
        start_add_preserved(ch->preserve, argv);
    chain_fill(ch, c, argv);
    strv_add(argv, "--");
}

/* ---- to look at ---- */

static void add_view(const struct roots *r, const char *target, const struct strv *layers,
                     struct view *ret)
{
    struct buf joined = BUF_INIT;
    for (size_t i = 0; i < layers->n; i++)
        buf_addf(&joined, "%s%s", i ? ":" : "", layers->v[i]);
    strv_take(&ret->line, tool_path("pod-rootfs"));
    strv_add(&ret->line, "--target");
    strv_add(&ret->line, target);
    strv_add(&ret->line, "--base");
    strv_addf(&ret->line, "%s/overlay", r->graph_path);
    strv_add(&ret->line, "--lower");
    strv_take(&ret->line, buf_take(&joined));
    strv_add(&ret->line, "--");
    ret->dir = xstrdup(target);
}

/* The kernel wants two layers where nothing can be written; one is a directory as it is. */
void view_layers(const struct roots *r, const struct strv *layers, struct view *ret)
{
    start_add_userns(&ret->line);
    if (layers->n > 1)
        add_view(r, r->run_path, layers, ret);
    else if (layers->n == 1)
        ret->dir = layers->v[0][0] == '/' ? xstrdup(layers->v[0])
                                          : xasprintf("%s/overlay/%s", r->graph_path, layers->v[0]);
}

void view_container(const struct roots *r, const struct ctr *c, struct view *ret)
{
    cleanup(strv_free) struct strv layers = STRV_INIT;
    const char *rootfs = jx_str0(c->record, "rootfs");
    if (!rootfs || jx_bool(c->record, "rootfsOverlay"))
        strv_addf(&layers, "%s/pod/containers/%s/upper", r->graph_path, c->id);
    if (rootfs)
        strv_add(&layers, rootfs);
    jx_strv(c->record, "lowers", &layers);
    view_layers(r, &layers, ret);
}

int view_to_change(const struct roots *r, const struct ctr *c, struct view *ret, struct err *e)
{
    struct chain ch = {.roots = r, .ctr_dir = ctr_path(r, c->id)};
    int res = chain_maps(r, c, &ch.maps, e);
    if (res == 0) {
        chain_rootfs(&ch, c, &ret->line);
        ret->dir = target(&ch, c);
    }
    chain_free(&ch);
    return res;
}

int view_maps(const struct roots *r, const struct ctr *c, struct strv *argv, struct err *e)
{
    cleanup_json maps = NULL;
    const json_t *m;
    size_t i;
    if (chain_maps(r, c, &maps, e) < 0)
        return -1;
    for (size_t kind = 0; kind < 2; kind++)
        json_array_foreach(json_array_get(maps, kind), i, m)
        {
            strv_add(argv, "--map");
            strv_addf(argv, "%c:%lld:%lld:%lld", "ug"[kind], (long long)jx_int(m, "containerID", 0),
                      (long long)jx_int(m, "hostID", 0), (long long)jx_int(m, "size", 0));
        }
    return 0;
}

int view_user(const struct roots *r, const struct ctr *c, int64_t ret[2], struct err *e)
{
    cleanup_json maps = NULL;
    if (chain_maps(r, c, &maps, e) < 0)
        return -1;
    ret[0] = chain_outside(maps, 0, jx_int(c->record, "uid", 0));
    ret[1] = chain_outside(maps, 1, jx_int(c->record, "gid", 0));
    return 0;
}

void view_free(struct view *v)
{
    strv_free(&v->line);
    free(v->dir);
}
