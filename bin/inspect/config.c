#include "inspect/inspect.h"

#include "plain/buf.h"
#include "plain/str.h"

#include <stdlib.h>

json_t *inspect_copy(const json_t *o, const char *key, json_t *otherwise)
{
    const json_t *v = json_object_get(o, key);
    if (!v)
        return otherwise;
    json_decref(otherwise);
    return json_deep_copy(v);
}

static json_t *joined(const json_t *rec, const char *key)
{
    cleanup(strv_free) struct strv words = STRV_INIT;
    cleanup(buf_free) struct buf b = BUF_INIT;
    jx_strv(rec, key, &words);
    for (size_t i = 0; i < words.n; i++)
        buf_addf(&b, "%s%s", i ? " " : "", words.v[i]);
    return json_string(buf_str(&b));
}

static void set_str(json_t *o, const char *key, const char *text)
{
    json_object_set_new(o, key, json_string(text));
}

json_t *inspect_config(const json_t *rec)
{
    json_t *o = json_object();
    set_str(o, "Hostname", jx_str(rec, "hostname"));
    set_str(o, "Domainname", "");
    set_str(o, "User", jx_str(rec, "user"));
    static const char *const no[] = {"AttachStdin", "AttachStdout", "AttachStderr", NULL};
    for (size_t i = 0; no[i]; i++)
        json_object_set_new(o, no[i], json_false());
    json_object_set_new(o, "Tty", json_boolean(jx_bool(rec, "tty")));
    json_object_set_new(o, "OpenStdin", json_boolean(jx_bool(rec, "stdin")));
    json_object_set_new(o, "StdinOnce", json_false());
    json_object_set_new(o, "Env", inspect_copy(rec, "env", json_array()));
    json_object_set_new(o, "Cmd", inspect_copy(rec, "command", json_null()));
    set_str(o, "Image", jx_str(rec, "imageName"));
    json_object_set_new(o, "Volumes", json_null());
    set_str(o, "WorkingDir", jx_str(rec, "workdir"));
    json_object_set_new(o, "Entrypoint", joined(rec, "entrypoint"));
    json_object_set_new(o, "OnBuild", json_null());
    json_object_set_new(o, "Labels", inspect_copy(rec, "labels", json_null()));
    json_object_set_new(o, "Annotations", inspect_copy(rec, "annotations", json_null()));
    json_object_set_new(o, "StopSignal", json_integer(jx_int(rec, "stopSignal", 15)));
    set_str(o, "HealthcheckOnFailureAction", "none");
    json_object_set_new(o, "CreateCommand", inspect_copy(rec, "createCommand", json_array()));
    if (jx_str0(rec, "tz"))
        set_str(o, "Timezone", jx_str(rec, "tz"));
    set_str(o, "Umask", *jx_str(rec, "umask") ? jx_str(rec, "umask") : "0022");
    json_object_set_new(o, "Timeout", json_integer(jx_int(rec, "timeout", 0)));
    json_object_set_new(o, "StopTimeout", json_integer(jx_int(rec, "stopTimeout", 10)));
    json_object_set_new(o, "Passwd", json_true());
    set_str(o, "sdNotifyMode", "container");
    return o;
}
