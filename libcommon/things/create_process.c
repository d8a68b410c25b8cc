/* args, environment, working directory and user: the image's wishes and the person's. */
#include "disk/account.h"
#include "things/create.h"
#include "things/ctr.h"
#include "things/pod.h"

#include "disk/at.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MAX_ETC (4 << 20)

/* ---- command ---- */

static int read_entrypoint(const char *text, struct strv *ret, struct err *e)
{
    if (text[0] == '[') {
        json_t *list = NULL;
        if (jx_parse("--entrypoint", text, strlen(text), &list, e) < 0)
            return -1;
        cleanup_json holder = json_pack("{s:o}", "v", list);
        jx_strv(holder, "v", ret);
    } else if (*text) {
        strv_add(ret, text);
    }
    return 0;
}

static int set_args(const struct create_opts *o, const json_t *cfg, char *const *command,
                    const char *image, json_t *rec, struct err *e)
{
    cleanup(strv_free) struct strv args = STRV_INIT, cmd = STRV_INIT, entry = STRV_INIT;
    if (o->entrypoint) {
        if (read_entrypoint(o->entrypoint, &entry, e) < 0)
            return -1;
    } else {
        jx_strv(cfg, "Entrypoint", &entry);
    }
    for (char *const *c = command; c && *c; c++)
        strv_add(&cmd, *c);
    if (!cmd.n && !o->entrypoint)
        jx_strv(cfg, "Cmd", &cmd);
    if (o->init) {
        strv_add(&args, "/run/podman-init");
        strv_add(&args, "--");
    }
    for (size_t i = 0; i < entry.n; i++)
        strv_add(&args, entry.v[i]);
    for (size_t i = 0; i < cmd.n; i++)
        strv_add(&args, cmd.v[i]);
    if (!entry.n && !cmd.n) {
        err_set(e, 0, "no command or entrypoint provided, and no CMD or ENTRYPOINT from image");
        return err_hint(e, "Type: pod run %s COMMAND", *image ? image : "… DIR");
    }
    jx_set(rec, "args", jx_from_strv(&args));
    jx_set(rec, "command", jx_from_strv(&cmd));
    jx_set(rec, "entrypoint", jx_from_strv(&entry));
    return 0;
}

/* ---- user ---- */

/* The infra container whose user namespace rec's container will join, when it is one of keep-id. */
static bool joins_keep_id(const struct roots *r, const json_t *rec, struct ctr *infra)
{
    struct err none = ERR_INIT;
    struct pod p;
    const char *id = jx_str(rec, "pod");
    if (!*id || jx_bool(rec, "infra") || *jx_str(rec, "userns") || pod_open(r, id, &p, &none) < 0)
        return false;
    int found =
        *jx_str(p.record, "infra") ? ctr_open(r, jx_str(p.record, "infra"), infra, &none) : -1;
    pod_close(&p);
    if (found < 0)
        return false;
    if (str_starts(jx_str(infra->record, "userns"), "keep-id"))
        return true;
    ctr_close(infra);
    return false;
}

/* The user of keep-id is the caller, under the id that was asked for. */
static void keep_user(const json_t *rec, struct user_ids *u)
{
    struct account own;
    *u = (struct user_ids){.uid = (unsigned)jx_int(rec, "keepUid", getuid()),
                           .gid = (unsigned)jx_int(rec, "keepGid", getgid())};
    if (account_by_id(getuid(), &own) == 0)
        (void)str_copy(u->name, sizeof u->name, own.name);
}

static int add_groups(const struct create_opts *o, const char *group, struct user_ids *u,
                      json_t *rec, struct err *e)
{
    struct user_ids asked = {.gid = u->gid};
    for (size_t i = 0; i < o->group_add.n; i++) {
        if (strcmp(o->group_add.v[i], "keep-groups") == 0) {
            if (o->group_add.n > 1)
                return err_set(e, 0,
                               "the '--group-add keep-groups' option is not allowed with any other "
                               "--group-add options");
            json_object_set_new(rec, "keepGroups", json_true());
        } else if (user_add_group(o->group_add.v[i], group, u, e) < 0 ||
                   user_add_group(o->group_add.v[i], group, &asked, e) < 0) {
            return -1;
        }
    }
    json_t *list = json_array();
    for (size_t i = 0; i < asked.ngroups; i++)
        json_array_append_new(list, json_integer(asked.groups[i]));
    jx_set(rec, "groupAdd", list);
    return 0;
}

static int find_user(const struct roots *r, const struct create_opts *o, const struct image *img,
                     const json_t *cfg, struct user_ids *u, json_t *rec, struct err *e)
{
    cleanup(buf_free) struct buf passwd = BUF_INIT, group = BUF_INIT;
    const char *spec = o->user ? o->user : jx_str(cfg, "User");
    struct ctr infra = CTR_INIT;
    bool joins = joins_keep_id(r, rec, &infra);
    bool keep = !*spec && (joins || str_starts(jx_str(rec, "userns"), "keep-id"));
    if (img) {
        (void)image_read_file(r, &img->lowers, "etc/passwd", MAX_ETC, &passwd);
        (void)image_read_file(r, &img->lowers, "etc/group", MAX_ETC, &group);
    }
    create_auto_size(buf_str(&passwd), buf_str(&group), rec);
    struct etc etc = {.o = o, .passwd = &passwd, .group = &group, .keep = keep};
    if (keep)
        keep_user(joins ? infra.record : rec, u);
    if (joins)
        ctr_close(&infra);
    if (etc_host_users(&etc, jx_str(rec, "workdir"), e) < 0)
        return -1;
    if (!keep && user_resolve(spec, buf_str(&passwd), buf_str(&group), u, e) < 0)
        return -1;
    if (add_groups(o, buf_str(&group), u, rec, e) < 0)
        return -1;
    etc_finish(&etc, u, rec);
    return 0;
}

static void set_user(const struct user_ids *u, const char *spec, json_t *rec)
{
    json_t *groups = json_pack("[I]", (json_int_t)u->gid);
    for (size_t i = 0; i < u->ngroups; i++)
        if (u->groups[i] != u->gid)
            json_array_append_new(groups, json_integer(u->groups[i]));
    json_object_set_new(rec, "uid", json_integer(u->uid));
    json_object_set_new(rec, "gid", json_integer(u->gid));
    jx_set(rec, "groups", groups);
    jx_set_str(rec, "user", spec);
}

int create_process(const struct roots *r, const struct create_opts *o, const struct image *img,
                   char *const *command, json_t *rec, struct err *e)
{
    const json_t *cfg = img ? json_object_get(img->config, "config") : NULL;
    const char *cwd = o->workdir ? o->workdir : jx_str(cfg, "WorkingDir");
    struct user_ids u;
    if (*cwd && cwd[0] != '/')
        return err_set(
            e, 0, "the working directory \"%s\" is invalid, it needs to be an absolute path", cwd);
    json_object_set_new(rec, "workdir", json_string(*cwd ? cwd : "/"));
    if (o->workdir)
        json_object_set_new(rec, "workdirAsked", json_true());
    if (set_args(o, cfg, command, img ? img->name : "", rec, e) < 0 ||
        find_user(r, o, img, cfg, &u, rec, e) < 0 || create_env(o, cfg, &u, rec, e) < 0)
        return -1;
    set_user(&u, o->user ? o->user : jx_str(cfg, "User"), rec);
    return 0;
}
