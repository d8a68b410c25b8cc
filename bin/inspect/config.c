#include "inspect.h"

#include "things/health.h"

#include <string.h>

static json_t *joined(const json_t *list)
{
    cleanup(buf_free) struct buf b = BUF_INIT;
    const json_t *v;
    size_t i;
    json_array_foreach(list, i, v) buf_addf(&b, "%s%s", i ? " " : "", json_string_value(v));
    return json_string(buf_str(&b));
}

static json_t *exposed(const json_t *rec)
{
    json_t *all = json_object();
    const json_t *v;
    size_t i;
    json_array_foreach(json_object_get(rec, "exposed"), i, v)
        json_object_set_new(all, json_string_value(v), json_object());
    return all;
}

/* Those that are files, as podman shows them. */
static json_t *secrets_of(const json_t *rec)
{
    json_t *all = json_array();
    const json_t *s;
    size_t i;
    json_array_foreach(json_object_get(rec, "secrets"), i, s)
    {
        if (*jx_str(s, "target"))
            json_array_append_new(all, json_pack("{s:s, s:s, s:I, s:I, s:I}", "Name",
                                                 jx_str(s, "name"), "ID", jx_str(s, "id"), "UID",
                                                 (json_int_t)jx_int(s, "uid", 0), "GID",
                                                 (json_int_t)jx_int(s, "gid", 0), "Mode",
                                                 (json_int_t)jx_int(s, "mode", 0)));
    }
    return all;
}

json_t *inspect_config(const json_t *rec)
{
    const char *umask = jx_str(rec, "umask");
    json_t *o = json_pack(
        "{s:s, s:s, s:s, s:b, s:b, s:b, s:b, s:b, s:b, s:o, s:o, s:s, s:n, s:s, s:o, s:n}",
        "Hostname", jx_str(rec, "hostname"), "Domainname", "", "User", jx_str(rec, "user"),
        "AttachStdin", 0, "AttachStdout", 0, "AttachStderr", 0, "Tty", jx_bool(rec, "tty"),
        "OpenStdin", jx_bool(rec, "stdin"), "StdinOnce", 0, "Env",
        or_empty(json_object_get(rec, "env"), json_array()), "Cmd",
        or_empty(json_object_get(rec, "command"), json_null()), "Image", jx_str(rec, "imageName"),
        "Volumes", "WorkingDir", jx_str(rec, "workdir"), "Entrypoint",
        joined(json_object_get(rec, "entrypoint")), "OnBuild");
    if (json_object_get(rec, "exposed"))
        json_object_set_new(o, "ExposedPorts", exposed(rec));
    json_object_set_new(o, "Labels", or_empty(json_object_get(rec, "labels"), json_null()));
    json_object_set_new(o, "Annotations",
                        or_empty(json_object_get(rec, "annotations"), json_object()));
    json_object_set_new(o, "StopSignal", json_integer(jx_int(rec, "stopSignal", 15)));
    const json_t *health = json_object_get(rec, "health");
    const char *action = jx_str(health, "onFailure");
    if (health)
        json_object_set_new(o, "Healthcheck", health_as_config(health));
    json_object_set_new(o, "HealthcheckOnFailureAction", json_string(*action ? action : "none"));
    json_object_set_new(o, "CreateCommand",
                        or_empty(json_object_get(rec, "createCommand"), json_array()));
    if (jx_str0(rec, "tz"))
        json_object_set_new(o, "Timezone", json_string(jx_str(rec, "tz")));
    json_object_set_new(o, "Umask", json_string(*umask ? umask : "0022"));
    json_object_set_new(o, "Timeout", json_integer(jx_int(rec, "timeout", 0)));
    json_object_set_new(o, "StopTimeout", json_integer(jx_int(rec, "stopTimeout", 10)));
    json_object_set_new(o, "Passwd", json_boolean(!jx_bool(rec, "noPasswd")));
    if (jx_bool(rec, "systemd"))
        json_object_set_new(o, "SystemdMode", json_true());
    if (json_object_get(rec, "secrets"))
        json_object_set_new(o, "Secrets", secrets_of(rec));
    const char *notify = jx_str0(rec, "sdnotify");
    json_object_set_new(o, "sdNotifyMode", json_string(notify ? notify : "container"));
    return o;
}
