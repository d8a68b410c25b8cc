/* What pod-rootfs does to volumes before a container sees them (helpers/rootfs/fill.c). */
#include "things/start_chain.h"

#include "things/volume.h"

#include <unistd.h>

int64_t chain_outside(const json_t *maps, size_t kind, int64_t id)
{
    const json_t *m;
    size_t i;
    json_array_foreach(json_array_get(maps, kind), i, m)
    {
        int64_t first = jx_int(m, "containerID", 0);
        if (id >= first && id - first < jx_int(m, "size", 0))
            return jx_int(m, "hostID", 0) + id - first;
    }
    return maps ? 0 : id;
}

static long long outside(const struct chain *ch, size_t kind, int64_t id)
{
    return ch->single ? 0 : (long long)chain_outside(ch->maps, kind, id);
}

/* uid= and gid= of the volume's options are its owner; else the image's directory says who. */
static void fill_one(const struct chain *ch, const struct ctr *c, const json_t *mount,
                     struct strv *argv)
{
    const char *name = jx_str(mount, "volume");
    struct err ignored = ERR_INIT;
    cleanup_json volume = NULL;
    int64_t uid, gid;
    (void)volume_load(ch->roots, name, &volume, &ignored);
    if (*jx_str(json_object_get(volume, "options"), "device"))
        return; /* somebody's own directory */
    volume_owner(volume, &uid, &gid);
    bool given = uid >= 0 || gid >= 0;
    strv_add(argv, "--fill");
    strv_addf(argv, "%s/pod/volumes/%s", ch->roots->graph_path, name);
    strv_add(argv, jx_str(mount, "destination"));
    if (!given) {
        uid = jx_int(c->record, "uid", 0);
        gid = jx_int(c->record, "gid", 0);
    }
    strv_addf(argv, "%lld", uid < 0 ? -1 : outside(ch, 0, uid));
    strv_addf(argv, "%lld", gid < 0 ? -1 : outside(ch, 1, gid));
    strv_addf(argv, "%s%s", given ? "" : "o", jx_bool(mount, "nocopy") ? "" : "c");
}

/* As a rule it is root's, whom the caller is. */
static void own_secret(const struct chain *ch, const struct ctr *c, const json_t *secret,
                       struct strv *argv)
{
    int64_t uid = outside(ch, 0, jx_int(secret, "uid", 0));
    int64_t gid = outside(ch, 1, jx_int(secret, "gid", 0));
    if (!*jx_str(secret, "target") || (uid == 0 && gid == 0))
        return;
    strv_add(argv, "--own");
    strv_addf(argv, "%s/pod/containers/%s/secrets/%s", ch->roots->graph_path, c->id,
              jx_str(secret, "file"));
    strv_addf(argv, "%lld", (long long)uid);
    strv_addf(argv, "%lld", (long long)gid);
}

static void own_one(const struct chain *ch, const struct ctr *c, const json_t *mount,
                    struct strv *argv)
{
    strv_add(argv, "--own");
    strv_add(argv, jx_str(mount, "source"));
    strv_addf(argv, "%lld", outside(ch, 0, jx_int(c->record, "uid", 0)));
    strv_addf(argv, "%lld", outside(ch, 1, jx_int(c->record, "gid", 0)));
}

/* With other ids than the caller's they are root's all the same, as in any container. */
static void own_run_files(const struct chain *ch, struct strv *argv)
{
    static const char *const names[] = {"containerenv", "hostname", "hosts", "resolv.conf"};
    int64_t uid = outside(ch, 0, 0), gid = outside(ch, 1, 0);
    for (size_t i = 0; i < sizeof names / sizeof *names && uid > 0 && gid > 0; i++) {
        cleanup_free char *path = xasprintf("%s/%s", ch->run_dir, names[i]);
        if (access(path, F_OK) < 0)
            continue;
        strv_add(argv, "--own");
        strv_add(argv, path);
        strv_addf(argv, "%lld", (long long)uid);
        strv_addf(argv, "%lld", (long long)gid);
    }
}

void chain_fill(const struct chain *ch, const struct ctr *c, struct strv *argv)
{
    const json_t *m;
    size_t i;
    json_array_foreach(json_object_get(c->record, "mounts"), i, m)
    {
        const char *name = jx_str(m, "volume");
        if (*name && volume_needs(ch->roots, name).copy)
            fill_one(ch, c, m, argv);
        if (jx_bool(m, "own"))
            own_one(ch, c, m, argv);
    }
    own_run_files(ch, argv);
    json_array_foreach(json_object_get(c->record, "secrets"), i, m)
    {
        own_secret(ch, c, m, argv);
    }
}
