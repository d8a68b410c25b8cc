/* Capabilities, seccomp and sysctls. */
#include "things/create.h"

#include "words/units.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/capability.h>
#include <sys/resource.h>

const char *const create_default_caps[] = {
    "CAP_CHOWN",   "CAP_DAC_OVERRIDE",     "CAP_FOWNER",     "CAP_FSETID",
    "CAP_KILL",    "CAP_NET_BIND_SERVICE", "CAP_SETFCAP",    "CAP_SETGID",
    "CAP_SETPCAP", "CAP_SETUID",           "CAP_SYS_CHROOT", NULL};

/* "chown", "CAP_CHOWN" → "CAP_CHOWN"; checked against what libcap knows. */
static int cap_name(const char *text, char *out, size_t size, struct err *e)
{
    cap_value_t v;
    snprintf(out, size, "%s%s", strncasecmp(text, "cap_", 4) == 0 ? "" : "CAP_", text);
    for (char *p = out; *p; p++)
        *p = (char)(*p >= 'a' && *p <= 'z' ? *p - 32 : *p);
    if (cap_from_name(out, &v) < 0)
        return err_set(e, 0, "\"%s\": unknown capability", out);
    return 0;
}

static bool names_all(const struct strv *l)
{
    for (size_t i = 0; i < l->n; i++)
        if (strcasecmp(l->v[i], "all") == 0)
            return true;
    return false;
}

json_t *caps_default(void)
{
    json_t *list = json_array();
    for (size_t i = 0; create_default_caps[i]; i++)
        json_array_append_new(list, json_string(create_default_caps[i]));
    return list;
}

json_t *caps_all(void)
{
    json_t *list = json_array();
    struct err ignored = ERR_INIT;
    char name[64];
    for (cap_value_t v = 0; v < cap_max_bits(); v++) {
        char *s = cap_to_name(v);
        if (s && s[0] == 'c' && cap_name(s, name, sizeof name, &ignored) == 0)
            json_array_append_new(list, json_string(name));
        cap_free(s);
    }
    return list;
}

static int add_usual(const struct create_opts *o, struct strv *caps, struct err *e)
{
    char name[64];
    for (size_t i = 0; i < o->caps_default.n; i++) {
        if (cap_name(o->caps_default.v[i], name, sizeof name, e) < 0)
            return -1;
        strv_add(caps, name);
    }
    for (size_t i = 0; !o->caps_default.n && create_default_caps[i]; i++)
        strv_add(caps, create_default_caps[i]);
    return 0;
}

static int set_caps(const struct create_opts *o, json_t *rec, struct err *e)
{
    cleanup(strv_free) struct strv caps = STRV_INIT, drop = STRV_INIT, added = STRV_INIT;
    char name[64];
    bool all = o->privileged || names_all(&o->cap_add);
    if (all) {
        cleanup_json every = json_pack("{s:o}", "v", caps_all());
        jx_strv(every, "v", &caps);
    }
    if (!all && !names_all(&o->cap_drop) && add_usual(o, &caps, e) < 0)
        return -1;
    for (size_t i = 0; i < o->cap_drop.n; i++) {
        if (strcasecmp(o->cap_drop.v[i], "all") == 0)
            continue;
        if (cap_name(o->cap_drop.v[i], name, sizeof name, e) < 0)
            return -1;
        strv_add(&drop, name);
    }
    for (size_t i = 0; i < o->cap_add.n; i++) {
        if (strcasecmp(o->cap_add.v[i], "all") == 0)
            continue;
        if (cap_name(o->cap_add.v[i], name, sizeof name, e) < 0)
            return -1;
        if (!strv_has(&caps, name))
            strv_add(&caps, name);
        strv_add(&added, name);
    }
    jx_set(rec, "capAdd", jx_from_strv(&added));
    json_t *list = json_array();
    for (size_t i = 0; i < caps.n; i++)
        if (!strv_has(&drop, caps.v[i]))
            json_array_append_new(list, json_string(caps.v[i]));
    jx_set(rec, "caps", list);
    return 0;
}

/* a:b:c, at the end of what is there already */
static void add_paths(json_t *rec, const char *key, const char *text)
{
    cleanup(strv_free) struct strv paths = STRV_INIT;
    json_t *list = json_object_get(rec, key);
    if (!list) {
        list = json_array();
        json_object_set_new(rec, key, list);
    }
    strv_split(&paths, text, ':');
    for (size_t i = 0; i < paths.n; i++)
        if (*paths.v[i])
            json_array_append_new(list, json_string(paths.v[i]));
}

static int security_options(const struct create_opts *o, json_t *rec, struct err *e)
{
    for (size_t i = 0; i < o->security_opt.n; i++) {
        const char *s = o->security_opt.v[i];
        if (str_starts(s, "seccomp=") || str_starts(s, "seccomp:")) {
            cleanup_free char *path =
                strcmp(s + 8, "unconfined") == 0 ? xstrdup("unconfined") : realpath(s + 8, NULL);
            if (!path)
                return err_set(e, 0,
                               "opening seccomp profile failed: open %s: no such file or directory",
                               s + 8);
            jx_set_str(rec, "seccomp", path);
        } else if (str_starts(s, "no-new-privileges")) {
            const char *v = s + strlen("no-new-privileges");
            if (strcmp(v, "=false") != 0 && strcmp(v, ":false") != 0)
                json_object_set_new(rec, "noNewPrivileges", json_true());
        } else if (str_starts(s, "label=") || str_starts(s, "label:")) {
            continue; /* SELinux is not on this host, or labels nothing of ours */
        } else if (str_starts(s, "mask=") || str_starts(s, "unmask=")) {
            add_paths(rec, s[0] == 'm' ? "masks" : "unmasks", strchr(s, '=') + 1);
        } else if (str_starts(s, "proc-opts=")) {
            jx_set_str(rec, "procOpts", s + strlen("proc-opts="));
        } else if (strcmp(s, "apparmor=unconfined") == 0 || strcmp(s, "apparmor:unconfined") == 0) {
            continue; /* as everything of a user's is */
        } else if (str_starts(s, "apparmor=") || str_starts(s, "apparmor:")) {
            err_set(e, 0, "--security-opt %s: users cannot load or choose AppArmor profiles", s);
            return err_hint(e, "Use: --security-opt apparmor=unconfined");
        } else {
            return err_set(e, 0, "invalid --security-opt 1: \"%s\"", s);
        }
    }
    if (o->privileged && !jx_str0(rec, "seccomp"))
        jx_set_str(rec, "seccomp", "unconfined");
    return 0;
}

static int set_sysctls(const struct create_opts *o, json_t *rec, struct err *e)
{
    static const char *const own[] = {"kernel.msgmax", "kernel.msgmnb",          "kernel.msgmni",
                                      "kernel.sem",    "kernel.shmall",          "kernel.shmmax",
                                      "kernel.shmmni", "kernel.shm_rmid_forced", NULL};
    json_t *all = json_object();
    for (size_t i = 0; i < o->sysctl.n; i++) {
        cleanup_free char *key = xstrdup(o->sysctl.v[i]);
        char *value = strchr(key, '=');
        if (value)
            *value++ = '\0';
        if (!value ||
            !(str_starts(key, "net.") || str_starts(key, "fs.mqueue.") || str_in(key, own))) {
            json_decref(all);
            return err_set(e, 0,
                           value ? "sysctl '%s' is not allowed: it is not namespaced"
                                 : "%s is invalid, sysctl values must be in the form of KEY=VALUE",
                           key);
        }
        json_object_set_new(all, key, json_string(value));
    }
    jx_set(rec, "sysctl", all);
    return 0;
}

int create_security(const struct create_opts *o, json_t *rec, struct err *e)
{
    if (o->privileged)
        json_object_set_new(rec, "privileged", json_true());
    if (o->read_only)
        json_object_set_new(rec, "readOnly", json_true());
    return set_caps(o, rec, e) < 0 || security_options(o, rec, e) < 0 || set_sysctls(o, rec, e) < 0
               ? -1
               : create_userns(o, rec, e);
}
