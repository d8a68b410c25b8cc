/*
 * --systemd: what an init like systemd finds in a container: a cgroup of its own that it may
 * divide, tmpfs where it keeps its state, a machine's number, and its own signal to stop it.
 */
#include "things/create.h"

#include "words/signame.h"

#include <string.h>

/* The names that podman takes for such an init. */
static bool looks_like_init(const char *program)
{
    static const char *const paths[] = {"/sbin/init", "/usr/sbin/init", "/usr/local/sbin/init",
                                        NULL};
    const char *slash = strrchr(program, '/');
    return str_in(program, paths) || strcmp(slash ? slash + 1 : program, "systemd") == 0;
}

static bool has_mount(const json_t *list, const char *dest)
{
    const json_t *m;
    size_t i;
    json_array_foreach(list, i, m)
    {
        if (strcmp(jx_str(m, "destination"), dest) == 0)
            return true;
    }
    return false;
}

static void add_mounts(json_t *rec)
{
    static const struct {
        const char *dest, *mode;
    } places[] = {{"/run", "mode=755"},
                  {"/run/lock", "mode=1777"},
                  {"/tmp", "mode=1777"},
                  {"/var/log/journal", "mode=755"}};
    json_t *list = json_object_get(rec, "mounts");
    if (!list) {
        list = json_array();
        json_object_set_new(rec, "mounts", list);
    }
    for (size_t i = 0; i < sizeof places / sizeof *places; i++)
        if (!has_mount(list, places[i].dest))
            json_array_append_new(
                list, json_pack("{s:s, s:s, s:s, s:[s, s, s, s, s], s:b}", "type", "tmpfs",
                                "source", "tmpfs", "destination", places[i].dest, "options", "rw",
                                "nosuid", "nodev", places[i].mode, "tmpcopyup", "usual", 1));
}

int create_systemd(const struct create_opts *o, const json_t *cfg, json_t *rec, struct err *e)
{
    const char *mode = o->systemd ? o->systemd : "true";
    const char *program = json_string_value(json_array_get(json_object_get(rec, "args"), 0));
    bool always = strcmp(mode, "always") == 0;
    bool asked = always || strcmp(mode, "true") == 0 || strcmp(mode, "1") == 0;
    if (!asked || o->infra || (!always && !looks_like_init(program ? program : "")))
        return 0;
    if (o->cgroups && strcmp(o->cgroups, "disabled") == 0)
        return always
                   ? err_set(e, 0, "--systemd=always needs a cgroup, and --cgroups=disabled none")
                   : 0;
    json_object_set_new(rec, "systemd", json_true());
    if (!o->stop_signal && !*jx_str(cfg, "StopSignal"))
        json_object_set_new(rec, "stopSignal", json_integer(signal_number("RTMIN+3")));
    json_array_append_new(json_object_get(rec, "env"),
                          json_sprintf("container_uuid=%.32s", jx_str(rec, "id")));
    add_mounts(rec);
    json_t *limits = json_object_get(rec, "limits");
    if (!limits) {
        limits = json_object();
        json_object_set_new(rec, "limits", limits);
    }
    json_object_set_new(limits, "own", json_string(always ? "must" : "wish"));
    return 0;
}
