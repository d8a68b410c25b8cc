#include "things/policy.h"

#include "plain/buf.h"
#include "plain/str.h"
#include "things/spawn.h"
#include "words/json.h"
#include "words/userdirs.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { MAX_POLICY = 1 << 20 };
#define SYSTEM_FILE "/etc/containers/policy.json"

static char *policy_file(void)
{
    char *user = userdir_config("containers/policy.json");
    if (user && access(user, F_OK) == 0)
        return user;
    free(user);
    return access(SYSTEM_FILE, F_OK) == 0 ? xstrdup(SYSTEM_FILE) : share_path("policy.json");
}

static const json_t *scope_of_name(const json_t *scopes, const struct ref *ref)
{
    cleanup_free char *key = ref_str(ref);
    cleanup_free char *name = ref_name(ref);
    const json_t *found = json_object_get(scopes, key);
    while (!found) {
        found = json_object_get(scopes, name);
        char *slash = strrchr(name, '/');
        if (!slash)
            break;
        *slash = '\0';
    }
    /* the host alone is left: *.b.c and *.c for a.b.c */
    for (const char *dot = strchr(name, '.'); dot && !found; dot = strchr(dot + 1, '.')) {
        cleanup_free char *star = xasprintf("*%s", dot);
        found = json_object_get(scopes, star);
    }
    return found;
}

static const json_t *scope_of_path(const json_t *scopes, const char *path)
{
    cleanup_free char *key = xstrdup(path);
    for (;;) {
        const json_t *found = json_object_get(scopes, key);
        char *slash = strrchr(key, '/');
        if (found || !slash || !*key)
            return found;
        *slash = '\0';
    }
}

static const json_t *requirements(const json_t *policy, const char *transport, const char *scope,
                                  const struct ref *ref)
{
    const json_t *scopes = json_object_get(json_object_get(policy, "transports"), transport);
    const json_t *found = ref ? scope_of_name(scopes, ref) : scope_of_path(scopes, scope);
    if (!found)
        found = json_object_get(scopes, "");
    return found ? found : json_object_get(policy, "default");
}

/* What is refused is called as podman calls it. */
static int check_one(const char *file, const char *image, const json_t *req, struct err *e)
{
    const char *type = jx_str(req, "type");
    if (strcmp(type, "insecureAcceptAnything") == 0)
        return 0;
    if (strcmp(type, "reject") == 0) {
        err_set(e, 0, "Source image rejected: Running image %s is rejected by policy.", image);
        return err_hint(e, "The policy is in %s", file);
    }
    if (strcmp(type, "signedBy") != 0 && strcmp(type, "sigstoreSigned") != 0 &&
        strcmp(type, "signedBaseLayer") != 0)
        return err_set(e, 0, "invalid policy in \"%s\": unknown policy requirement type \"%.60s\"",
                       file, type);
    err_set(e, 0,
            "Source image rejected: %s asks for a signature (\"%s\") of image %s, and signatures "
            "cannot be verified here",
            file, type, image);
    return err_hint(e, "Type: skopeo copy docker://IMAGE containers-storage:IMAGE (it verifies "
                       "signatures, and what it stores is ours too)");
}

int policy_check(const char *transport, const char *scope, const struct ref *ref, struct err *e)
{
    cleanup_free char *file = policy_file();
    cleanup_free char *name = ref ? ref_str(ref) : NULL;
    cleanup_free char *image =
        ref ? xasprintf("docker://%s", name) : xasprintf("%s:%s", transport, scope);
    cleanup_json policy = NULL;
    struct err why = ERR_INIT;
    if (jx_load(AT_FDCWD, file, MAX_POLICY, &policy, &why) < 0) {
        if (why.sys == ENOENT) /* not even ours: a program that runs before it is installed */
            return 0;
        *e = why;
        return -1;
    }
    const json_t *list = requirements(policy, transport, scope, ref), *req;
    size_t i;
    if (!json_is_array(list) || json_array_size(list) == 0)
        return err_set(e, 0,
                       "invalid policy in \"%s\": a list of policy requirements is missing "
                       "or empty",
                       file);
    json_array_foreach(list, i, req) if (check_one(file, image, req, e) < 0) return -1;
    return 0;
}
