#include "words/userdirs.h"

#include "disk/account.h"
#include "plain/buf.h"

#include <stdlib.h>
#include <unistd.h>

char *userdir_home(const char *rest)
{
    struct account own;
    const char *home = getenv("HOME");
    if (!home || home[0] != '/') {
        home = account_by_id(geteuid(), &own) == 0 ? own.home : NULL;
    }
    return home ? xasprintf("%s/%s", home, rest) : NULL;
}

static char *xdg(const char *var, const char *below_home, const char *rest)
{
    const char *dir = getenv(var);
    if (dir && dir[0] == '/')
        return xasprintf("%s/%s", dir, rest);
    cleanup_free char *base = userdir_home(below_home);
    return base ? xasprintf("%s/%s", base, rest) : NULL;
}

char *userdir_config(const char *rest)
{
    return xdg("XDG_CONFIG_HOME", ".config", rest);
}

char *userdir_cache(const char *rest)
{
    return xdg("XDG_CACHE_HOME", ".cache", rest);
}

char *userdir_runtime(const char *rest)
{
    const char *dir = getenv("XDG_RUNTIME_DIR");
    if (dir && dir[0] == '/')
        return xasprintf("%s/%s", dir, rest);
    return xasprintf("/run/user/%u/%s", geteuid(), rest);
}
