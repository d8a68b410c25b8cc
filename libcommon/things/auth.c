#include "things/auth.h"

#include "disk/at.h"
#include "plain/buf.h"
#include "plain/str.h"
#include "words/base64.h"
#include "words/json.h"
#include "words/ref.h"
#include "words/userdirs.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#define DOCKER_KEY "https://index.docker.io/v1/"

static void wipe(char *s)
{
    if (s)
        explicit_bzero(s, strlen(s));
    free(s);
}

void creds_free(struct creds *c)
{
    wipe(c->user);
    wipe(c->password);
    wipe(c->identity_token);
    *c = (struct creds)CREDS_INIT;
}

int auth_parse(const char *arg, struct creds *ret, struct err *e)
{
    const char *colon = strchr(arg, ':');
    size_t n = colon ? (size_t)(colon - arg) : strlen(arg);
    if (n == 0)
        return err_set(e, 0, "credentials must be USER[:PASSWORD], and the user cannot be empty");
    struct creds c = {.user = xstrndup(arg, n), .password = xstrdup(colon ? colon + 1 : "")};
    *ret = c;
    return 0;
}

/* One entry of "auths". An entry with nothing in it counts as none (docker leaves them). */
static int read_entry(const char *file, const char *key, const json_t *entry, struct creds *ret,
                      bool *found, struct err *e)
{
    const char *auth = jx_str(entry, "auth"), *token = jx_str(entry, "identitytoken");
    const char *user = jx_str(entry, "username"), *password = jx_str(entry, "password");
    struct creds c = CREDS_INIT;
    if (*auth) {
        cleanup(buf_free) struct buf b = BUF_INIT;
        int r = base64_decode(auth, &b);
        if (r == 0 && strlen(buf_str(&b)) == b.len && strchr(buf_str(&b), ':'))
            r = auth_parse(b.s, &c, e);
        else
            r = -1;
        if (b.s)
            explicit_bzero(b.s, b.len);
        if (r < 0) {
            creds_free(&c);
            return err_set(e, 0, "malformed \"auth\" of \"%s\" in \"%s\"", key, file);
        }
    } else if (*user && *password) {
        c.user = xstrdup(user);
        c.password = xstrdup(password);
    }
    if (*token)
        c.identity_token = xstrdup(token);
    *found = c.user || c.identity_token;
    *ret = c;
    return 0;
}

/* "https://host/v1/" of old docker files → "host"; NULL when it is not that. */
static char *legacy_host(const char *key)
{
    const char *s = str_starts(key, "https://")  ? key + 8
                    : str_starts(key, "http://") ? key + 7
                                                 : NULL;
    if (!s)
        return NULL;
    char *host = xstrndup(s, strcspn(s, "/"));
    if (strcmp(host, "index.docker.io") == 0 || strcmp(host, "registry-1.docker.io") == 0) {
        free(host);
        host = xstrdup(REF_DEFAULT_DOMAIN);
    }
    return host;
}

static int find_in_auths(const char *file, const json_t *auths, const char *host, const char *path,
                         struct creds *ret, bool *found, struct err *e)
{
    cleanup_free char *key = xasprintf("%s/%s", host, path);
    for (;;) {
        const json_t *entry = json_object_get(auths, key);
        if (entry && read_entry(file, key, entry, ret, found, e) < 0)
            return -1;
        char *slash = strrchr(key, '/');
        if (*found || !slash)
            break;
        *slash = '\0';
    }
    if (*found)
        return 0;
    const char *k;
    const json_t *entry;
    json_object_foreach((json_t *)(uintptr_t)auths, k, entry)
    {
        cleanup_free char *h = legacy_host(k);
        if (!h || strcmp(h, host) != 0)
            continue;
        if (read_entry(file, k, entry, ret, found, e) < 0)
            return -1;
        if (*found)
            return 0;
    }
    return 0;
}

static int find_in_file(const char *file, const json_t *o, const char *host, const char *path,
                        struct creds *ret, bool *found, struct err *e)
{
    const char *helper = jx_str(json_object_get(o, "credHelpers"), host);
    const char *store = jx_str(o, "credsStore");
    bool docker = strcmp(host, REF_DEFAULT_DOMAIN) == 0;
    const char *store_key = docker ? DOCKER_KEY : host;
    struct creds c = CREDS_INIT;
    if (*helper) {
        if (auth_from_helper(helper, host, &c, e) < 0)
            return -1;
    } else if (find_in_auths(file, json_object_get(o, "auths"), host, path, &c, found, e) < 0) {
        return -1;
    } else if (!*found && *store) {
        if (auth_from_helper(store, store_key, &c, e) < 0)
            return -1;
    }
    *found = c.user || c.identity_token;
    *ret = c;
    return 0;
}

static int try_file(const char *file, bool must, const char *host, const char *path,
                    struct creds *ret, bool *found, struct err *e)
{
    json_t *o = NULL;
    struct err why = ERR_INIT;
    *found = false;
    if (!file)
        return 0;
    if (jx_load(AT_FDCWD, file, 1 << 20, &o, &why) < 0) {
        if (!must && (why.sys == ENOENT || why.sys == EACCES || why.sys == ENOTDIR))
            return 0;
        *e = why;
        return -1;
    }
    int r = find_in_file(file, o, host, path, ret, found, e);
    json_decref(o);
    return r;
}

int auth_lookup(const char *authfile, const char *host, const char *path, struct creds *ret,
                struct err *e)
{
    bool found = false;
    const char *named = authfile ? authfile : getenv("REGISTRY_AUTH_FILE");
    if (named && *named)
        return try_file(named, true, host, path, ret, &found, e);
    const char *docker = getenv("DOCKER_CONFIG");
    char *files[] = {
        userdir_runtime("containers/auth.json"),
        userdir_config("containers/auth.json"),
        docker && *docker ? xasprintf("%s/config.json", docker)
                          : userdir_home(".docker/config.json"),
    };
    int r = 0;
    for (size_t i = 0; i < 3; i++) {
        if (r == 0 && !found)
            r = try_file(files[i], false, host, path, ret, &found, e);
        free(files[i]);
    }
    return r;
}
