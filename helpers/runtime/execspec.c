/* The process that exec starts: from a file, or the container's own with a few changes. */
#include "rt.h"

#include "disk/at.h"
#include "plain/buf.h"
#include "plain/str.h"

#include <fcntl.h>
#include <string.h>

#define MAX_PROCESS (4 << 20)

static int set_user(json_t *p, const char *text, struct err *e)
{
    cleanup_free char *copy = xstrdup(text);
    char *colon = strchr(copy, ':');
    uint64_t uid, gid = 0;
    if (colon)
        *colon++ = '\0';
    if (str_u64(copy, UINT32_MAX - 1, &uid) < 0 ||
        (colon && str_u64(colon, UINT32_MAX - 1, &gid) < 0))
        return err_set(e, 0, "invalid user \"%s\": expected UID[:GID]", text);
    json_object_set_new(p, "user",
                        json_pack("{s:I, s:I}", "uid", (json_int_t)uid, "gid", (json_int_t)gid));
    return 0;
}

static void set_env(json_t *p, const struct strv *add)
{
    cleanup(strv_free) struct strv all = STRV_INIT, kept = STRV_INIT;
    jx_strv(p, "env", &all);
    for (size_t i = 0; i < all.n; i++) {
        size_t name = strcspn(all.v[i], "="), k;
        for (k = 0; k < add->n; k++)
            if (strncmp(add->v[k], all.v[i], name) == 0 && add->v[k][name] == '=')
                break;
        if (k == add->n)
            strv_add(&kept, all.v[i]);
    }
    for (size_t k = 0; k < add->n; k++)
        strv_add(&kept, add->v[k]);
    json_object_set_new(p, "env", jx_from_strv(&kept));
}

static void add_caps(json_t *p, const struct strv *add)
{
    static const char *const sets[] = {"bounding", "effective", "permitted"};
    json_t *caps = json_object_get(p, "capabilities");
    if (!json_is_object(caps)) {
        caps = json_object();
        json_object_set_new(p, "capabilities", caps);
    }
    for (size_t k = 0; add->n && k < sizeof sets / sizeof *sets; k++) {
        json_t *list = json_object_get(caps, sets[k]);
        if (!json_is_array(list)) {
            list = json_array();
            json_object_set_new(caps, sets[k], list);
        }
        for (size_t i = 0; i < add->n; i++)
            json_array_append_new(list, json_string(add->v[i]));
    }
}

static int add_groups(json_t *p, const struct strv *add, struct err *e)
{
    json_t *user = json_object_get(p, "user"), *list = json_array();
    uint64_t gid;
    for (size_t i = 0; i < add->n; i++) {
        if (str_u64(add->v[i], UINT32_MAX - 1, &gid) < 0) {
            json_decref(list);
            return err_set(e, 0, "invalid group \"%s\"", add->v[i]);
        }
        json_array_append_new(list, json_integer((json_int_t)gid));
    }
    if (add->n)
        json_object_set(user, "additionalGids", list);
    json_decref(list);
    return 0;
}

static json_t *from_file(const char *path, struct err *e)
{
    cleanup(buf_free) struct buf text = BUF_INIT;
    json_t *p = NULL;
    if (at_read(AT_FDCWD, path, MAX_PROCESS, &text) < 0) {
        err_sys(e, "cannot read \"%s\"", path);
        return NULL;
    }
    spec_fold_numbers(&text);
    return jx_parse(path, buf_str(&text), text.len, &p, e) < 0 ? NULL : p;
}

json_t *exec_process(struct rt *rt, char **argv, struct err *e)
{
    const struct options *o = rt->o;
    if (o->process)
        return from_file(o->process, e);
    json_t *p = json_deep_copy(json_object_get(rt->spec, "process"));
    json_t *args = json_array();
    if (!p)
        p = json_pack("{s:s, s:{s:i, s:i}}", "cwd", "/", "user", "uid", 0, "gid", 0);
    for (; *argv; argv++)
        json_array_append_new(args, json_string(*argv));
    json_object_set_new(p, "args", args);
    json_object_set_new(p, "terminal", json_boolean(o->tty));
    /* the container's own may have been set to true; exec's is what was asked for */
    json_object_set_new(p, "noNewPrivileges", json_boolean(o->no_new_privs));
    jx_set_str(p, "cwd", o->cwd);
    jx_set_str(p, "apparmorProfile", o->apparmor);
    jx_set_str(p, "selinuxLabel", o->label);
    set_env(p, &o->env);
    add_caps(p, &o->caps);
    if (json_array_size(args) == 0)
        err_set(e, 0, "exec needs a command, or --process");
    else if ((!o->user || set_user(p, o->user, e) == 0) && add_groups(p, &o->gids, e) == 0)
        return p;
    json_decref(p);
    return NULL;
}
