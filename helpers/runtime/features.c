/* features: what this runtime can do, for engines that ask before they write a config.json. */
#include "rt.h"

#include "things/seccomp.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/capability.h>

static json_t *words(const char *const *l)
{
    json_t *a = json_array();
    for (; *l; l++)
        json_array_append_new(a, json_string(*l));
    return a;
}

static json_t *capabilities(void)
{
    json_t *a = json_array();
    for (cap_value_t v = 0; v < cap_max_bits(); v++) {
        char *s = cap_to_name(v);
        for (char *p = s; p && *p; p++)
            *p = (char)(*p >= 'a' && *p <= 'z' ? *p - 32 : *p);
        if (s && strncmp(s, "CAP_", 4) == 0)
            json_array_append_new(a, json_string(s));
        cap_free(s);
    }
    return a;
}

static json_t *seccomp(void)
{
    json_t *o = json_object();
    json_object_set_new(o, "enabled", json_true());
    json_object_set_new(o, "actions", words(seccomp_words(SECCOMP_ACTIONS)));
    json_object_set_new(o, "operators", words(seccomp_words(SECCOMP_OPERATORS)));
    json_object_set_new(o, "archs", words(seccomp_words(SECCOMP_ARCHS)));
    json_object_set_new(o, "knownFlags", words(seccomp_words(SECCOMP_FLAGS)));
    json_object_set_new(o, "supportedFlags", words(seccomp_words(SECCOMP_FLAGS)));
    return o;
}

static json_t *mount_options(void)
{
    cleanup(strv_free) struct strv names = STRV_INIT;
    mount_option_names(&names);
    strv_sort(&names);
    return jx_from_strv(&names);
}

static json_t *linux_features(void)
{
    static const char *const namespaces[] = {"cgroup", "ipc",  "mount", "network", "pid",
                                             "time",   "user", "uts",   NULL};
    json_t *l = json_object();
    json_object_set_new(l, "namespaces", words(namespaces));
    json_object_set_new(l, "capabilities", capabilities());
    json_object_set_new(l, "cgroup",
                        json_pack("{s:b, s:b, s:b, s:b, s:b}", "v1", 0, "v2", 1, "systemd", 0,
                                  "systemdUser", 0, "rdma", 0));
    json_object_set_new(l, "seccomp", seccomp());
    json_object_set_new(l, "apparmor", json_pack("{s:b}", "enabled", 1));
    json_object_set_new(l, "selinux", json_pack("{s:b}", "enabled", 1));
    json_object_set_new(l, "intelRdt", json_pack("{s:b}", "enabled", 0));
    json_object_set_new(l, "mountExtensions", json_pack("{s:{s:b}}", "idmap", "enabled", 1));
    json_object_set_new(l, "netDevices", json_pack("{s:b}", "enabled", 0));
    return l;
}

int cmd_features(struct rt *rt, struct err *e)
{
    static const char *const hooks[] = {
        "prestart", "createRuntime", "createContainer", "startContainer", "poststart", "poststop",
        NULL};
    (void)rt;
    cleanup_json o = json_object();
    json_object_set_new(o, "ociVersionMin", json_string("1.0.0"));
    json_object_set_new(o, "ociVersionMax", json_string(OCI_VERSION));
    json_object_set_new(o, "hooks", words(hooks));
    json_object_set_new(o, "mountOptions", mount_options());
    json_object_set_new(o, "linux", linux_features());
    json_dumpf(o, stdout, JSON_INDENT(2) | JSON_PRESERVE_ORDER);
    putchar('\n');
    return fflush(stdout) ? err_sys(e, "cannot write to standard output") : 0;
}
