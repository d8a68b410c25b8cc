#include "things/start.h"

#include "disk/at.h"
#include "disk/lock.h"
#include "plain/fdio.h"
#include "things/cdi.h"
#include "things/hooks.h"
#include "things/image.h"
#include "things/pod.h"
#include "things/reown.h"
#include "things/seccomp.h"
#include "things/spawn.h"
#include "things/spec.h"
#include "things/start_chain.h"
#include "things/start_join.h"
#include "words/exitcode.h"
#include "words/userns.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define MAX_SECCOMP  (1 << 20)
#define MAX_CONFIG   (16 << 20)
#define SECCOMP_MARK "\"@SECCOMP@\""

/* ---- the user's id map ---- */

static int read_id_map(const struct roots *r, struct buf *ret, struct err *e)
{
    if (geteuid() == 0)
        return 0;
    for (int attempt = 0; attempt < 2; attempt++) {
        pid_t holder = userns_holder(r->run_path);
        cleanup_free char *path = xasprintf("/proc/%d/uid_map", holder);
        if (holder && at_read(AT_FDCWD, path, 8192, ret) == 0)
            return 0;
        cleanup(strv_free) struct strv argv = STRV_INIT;
        start_add_userns(&argv);
        strv_add(&argv, "true");
        struct spawn s = {.argv = argv.v, .in = -1, .out = -1, .err = -1};
        struct err ignored = ERR_INIT;
        if (spawn_and_report(&s, "pod-userns", NULL, 0, e) < 0 && e->msg[0] &&
            !str_ends(e->msg, "without an answer"))
            return -1;
        (void)ignored;
    }
    return err_set(e, 0, "the user namespace went away while it was looked at");
}

bool start_is_single(const struct roots *r)
{
    cleanup(buf_free) struct buf map = BUF_INIT;
    struct err ignored = ERR_INIT;
    return read_id_map(r, &map, &ignored) == 0 && userns_is_single(buf_str(&map));
}

/* ---- configuration ---- */

/* The compiled profile's text, for config.json, and the name of its program. */
static int read_seccomp(const struct roots *r, const struct ctr *c, struct chain *ch,
                        struct buf *section, struct err *e)
{
    cleanup(seccomp_wish_free) struct seccomp_wish wish = {0};
    char name[SECCOMP_NAME_SIZE], file[SECCOMP_NAME_SIZE + 8];
    json_t *made = NULL;
    if (!seccomp_wish(r, c->record, ch->single, ch->ours, &wish))
        return 0;
    cleanup_fd int cache = at_open_dir(r->own, "cache");
    if (cache < 0)
        return err_sys(e, "cannot open \"%s/pod/cache\"", r->graph_path);
    if (seccomp_cached(cache, &wish, name, &made, e) < 0)
        return -1;
    json_decref(made);
    snprintf(file, sizeof file, "%s.json", name);
    if (at_read(cache, file, MAX_SECCOMP, section) < 0)
        return err_sys(e, "cannot read the compiled seccomp profile");
    cleanup_free char *socket = xasprintf("%s/" FAKEROOT_SOCKET, ch->run_dir);
    if (ch->single)
        seccomp_place_listener(section, socket);
    snprintf(ch->bpf, sizeof ch->bpf, "%s.bpf", name);
    return 0;
}

/* The cached text of the section goes in as it is: parsing and printing it costs more than all
 * else. */
static int write_config(int run, json_t *spec, const struct buf *section, struct err *e)
{
    cleanup_free char *text = json_dumps(spec, JSON_COMPACT);
    cleanup(buf_free) struct buf b = BUF_INIT;
    if (!text)
        return err_set(e, 0, "the container's configuration is not UTF-8");
    char *mark = section->len ? strstr(text, SECCOMP_MARK) : NULL;
    if (mark) {
        buf_add(&b, text, (size_t)(mark - text));
        buf_add(&b, section->s, section->len);
        buf_adds(&b, mark + strlen(SECCOMP_MARK));
    } else {
        buf_adds(&b, text);
    }
    if (at_create(run, "config.json", b.s, b.len, 0600) < 0)
        return err_sys(e, "cannot write the container's configuration");
    return 0;
}

/* What a killed monitor has left behind goes first: we hold the lock, so it is nobody's any more.
 */
static int make_run_dir(const struct roots *r, const struct ctr *c, struct err *e)
{
    ctr_clear_run(r, c->id);
    if (mkdirat(r->run, c->id, 0700) < 0)
        return err_sys(e, "cannot make \"%s/%s\"", r->run_path, c->id);
    int fd = at_open_dir(r->run, c->id);
    return fd < 0 ? err_sys(e, "cannot open \"%s/%s\"", r->run_path, c->id) : fd;
}

static json_t *both_maps(const struct ctr *c, const char *id_map)
{
    if (!spec_remaps(c->record) || userns_is_single(id_map))
        return NULL;
    return json_pack("[o, o]", spec_ctr_maps(c->record, id_map, false),
                     spec_ctr_maps(c->record, id_map, true));
}

int chain_maps(const struct roots *r, const struct ctr *c, json_t **ret, struct err *e)
{
    cleanup(buf_free) struct buf id_map = BUF_INIT;
    if (read_id_map(r, &id_map, e) < 0)
        return -1;
    *ret = both_maps(c, buf_str(&id_map));
    return 0;
}

/*
 * runc makes a cgroup of its own beside the one it was started in, where no limit would hold; a
 * relative path is taken from that one's parent, and so means the cgroup that pod-cgroup made.
 */
static void name_cgroup(const struct ctr *c, const struct chain *ch, json_t *spec)
{
    if (str_ends(ch->runtime, "/runc") && json_object_size(json_object_get(c->record, "limits")))
        json_object_set_new(json_object_get(spec, "linux"), "cgroupsPath",
                            json_sprintf("pod-%s", c->id));
}

/* Whoever changes the configuration is to see all of it, and may change the filter, too. */
static int add_cdi(const struct ctr *c, json_t *spec, struct err *e)
{
    cleanup(strv_free) struct strv dirs = STRV_INIT, names = STRV_INIT;
    jx_strv(c->record, "cdi", &names);
    jx_strv(c->record, "cdiDirs", &dirs);
    return names.n ? cdi_apply(&dirs, &names, geteuid() == 0, spec, e) : 0;
}

static int add_hooks(const struct ctr *c, json_t **spec, struct buf *section, char *bpf,
                     struct err *e)
{
    cleanup_json precreate = NULL;
    json_t *filter = NULL;
    if (hooks_add(c, *spec, &precreate, e) < 0)
        return -1;
    if (!json_array_size(precreate))
        return 0;
    if (section->len && jx_parse("the seccomp profile", section->s, section->len, &filter, e) < 0)
        return -1;
    if (filter)
        json_object_set_new(json_object_get(*spec, "linux"), "seccomp", filter);
    buf_clear(section);
    bpf[0] = '\0';
    return hooks_precreate(precreate, spec, e);
}

/* What a configuration is made from, beside ch. */
struct plan {
    struct joins joins;
    struct buf id_map, section;
};

static void plan_free(struct plan *p)
{
    joins_free(&p->joins);
    buf_free(&p->id_map);
    buf_free(&p->section);
}

/* All that the monitor's command line says, and the run directory. */
static int make_plan(const struct roots *r, const struct ctr *c, struct chain *ch, struct plan *p,
                     struct err *e)
{
    json_t *joined = p->joins.spaces;
    if (join_pod(r, c, &p->joins, e) < 0 || join_named(r, c, &p->joins, e) < 0 ||
        read_id_map(r, &p->id_map, e) < 0)
        return -1;
    cleanup_fd int run = make_run_dir(r, c, e);
    if (run < 0)
        return -1;
    ch->single = userns_is_single(buf_str(&p->id_map));
    if (ch->single && strcmp(jx_str(c->record, "userns"), "nomap") == 0)
        return err_set(e, 0, "--userns=nomap needs subordinate IDs, which user %u has not",
                       geteuid());
    if ((ch->single ? reown_note(r, e) : reown_all(r, e)) < 0)
        return -1;
    ch->shm_pid = p->joins.shm;
    ch->ends_pod = p->joins.ends_pod;
    if (ch->shm_pid && mkdirat(run, "shm", 0700) < 0)
        return err_sys(e, "cannot make \"%s/%s/shm\"", r->run_path, c->id);
    const json_t *net = json_object_get(c->record, "network");
    bool host = strcmp(jx_str(json_object_get(c->record, "namespaces"), "network"), "host") == 0;
    ch->net_fresh = !host && !json_object_get(joined, "network");
    ch->net = ch->net_fresh ? net_program(net) : "";
    if (!json_object_get(joined, "user") || jx_bool(c->record, "podMaps"))
        ch->maps = both_maps(c, buf_str(&p->id_map));
    return read_seccomp(r, c, ch, &p->section, e);
}

static int build_spec(const struct roots *r, const struct ctr *c, const struct chain *ch,
                      const struct plan *p, json_t **ret, struct err *e)
{
    cleanup(strv_free) struct strv options = STRV_INIT;
    jx_strv(json_object_get(c->record, "network"), "options", &options);
    const char *own = jx_bool(c->record, "rootfsOverlay") ? NULL : jx_str0(c->record, "rootfs");
    cleanup_free char *rootfs = own ? xstrdup(own) : xasprintf("%s/rootfs", ch->ctr_dir);
    cleanup_free char *init = tool_path("pod-init");
    cleanup_free char *owner_dir =
        *p->joins.owner ? xasprintf("%s/%s", r->run_path, p->joins.owner) : NULL;
    struct spec_env env = {.rootfs = rootfs,
                           .run_dir = ch->run_dir,
                           .ctr_dir = ch->ctr_dir,
                           .id_maps = buf_str(&p->id_map),
                           .joined = p->joins.spaces,
                           .init_path = init,
                           .shares_shm = ch->shm_pid != 0,
                           .net_owner = owner_dir,
                           .net_tapped = *ch->net != '\0',
                           .net_fresh = ch->net_fresh};
    if (netaddr_of(ch->net, &options, &env.addr, e) < 0)
        return -1;
    return spec_build(c, &env, ret, e);
}

static int write_bundle(const struct roots *r, const struct ctr *c, struct chain *ch,
                        struct plan *p, struct err *e)
{
    json_t *spec = NULL;
    cleanup_fd int run = at_open_dir(r->run, c->id);
    if (run < 0)
        return err_sys(e, "cannot open \"%s/%s\"", r->run_path, c->id);
    if (build_spec(r, c, ch, p, &spec, e) < 0)
        return -1;
    name_cgroup(c, ch, spec);
    int res = add_cdi(c, spec, e);
    if (res == 0 && p->section.len)
        json_object_set_new(json_object_get(spec, "linux"), "seccomp", json_string("@SECCOMP@"));
    if (res == 0 && json_object_get(c->record, "hooksDirs"))
        res = add_hooks(c, &spec, &p->section, ch->bpf, e);
    if (res == 0)
        res = write_config(run, spec, &p->section, e);
    json_decref(spec);
    return res;
}

/*
 * A precreate hook may change the filter, and so what the monitor is told; where ids are mapped it
 * is told which files were made.
 */
static bool must_wait(const struct ctr *c, const struct chain *ch)
{
    return ch->maps || json_object_get(c->record, "hooksDirs");
}

int chain_configure(const struct roots *r, const struct ctr *c, struct chain *ch,
                    chain_ready *ready, void *arg, struct err *e)
{
    cleanup(plan_free) struct plan p = {.joins.spaces = json_object()};
    if (make_plan(r, c, ch, &p, e) < 0 || (ready && !must_wait(c, ch) && ready(ch, arg, e) < 0) ||
        write_bundle(r, c, ch, &p, e) < 0)
        return -1;
    return ready && must_wait(c, ch) ? ready(ch, arg, e) : 0;
}

/* ---- what it would be ---- */

static bool pod_waits(const struct roots *r, const struct ctr *c)
{
    cleanup(strv_free) struct strv ids = STRV_INIT;
    struct err ignored = ERR_INIT;
    struct ctr infra;
    struct ctr_status s;
    const char *pod = jx_str(c->record, "pod");
    if (!*pod || jx_bool(c->record, "infra") || pod_members(r, pod, &ids, &ignored) < 0 || !ids.n ||
        ctr_open(r, ids.v[0], &infra, &ignored) < 0)
        return false;
    bool waits = jx_bool(infra.record, "infra");
    ctr_status(r, &infra, &s);
    ctr_close(&infra);
    return waits && !ctr_is_up(&s);
}

int ctr_config(const struct roots *r, const struct ctr *c, struct buf *ret, struct err *e)
{
    struct chain ch = {.roots = r};
    cleanup_fd int lock = -1;
    cleanup_free char *file = xasprintf("%s/config.json", c->id);
    pid_t pid;
    if (pod_waits(r, c)) {
        err_set(e, 0, "container %s is in a pod that does not run", ctr_name(c));
        return err_hint(e, "Type: pod pod start %.12s", jx_str(c->record, "pod"));
    }
    int res = start_lock(r, c, &lock, &pid, e);
    if (res < 0)
        return -1;
    if (res == 0) {
        ch.ctr_dir = ctr_path(r, c->id);
        ch.run_dir = xasprintf("%s/%s", r->run_path, c->id);
        res = runtime_find(c, &ch.runtime, &ch.ours, e);
        if (res == 0)
            res = chain_configure(r, c, &ch, NULL, NULL, e);
    } else {
        res = 0;
    }
    if (res == 0 && at_read(r->run, file, MAX_CONFIG, ret) < 0)
        res = err_sys(e, "cannot read the configuration of container %s", ctr_name(c));
    if (lock >= 0)
        ctr_clear_run(r, c->id);
    chain_free(&ch);
    return res;
}
