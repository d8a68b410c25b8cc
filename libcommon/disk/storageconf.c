#include "disk/storageconf.h"

#include "disk/at.h"
#include "plain/buf.h"
#include "plain/str.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#define MAX_CONF 65536

static char *conf_path(void)
{
    const char *p = getenv("CONTAINERS_STORAGE_CONF");
    if (p && *p)
        return xstrdup(p);
    p = getenv("XDG_CONFIG_HOME");
    if (p && p[0] == '/')
        return xasprintf("%s/containers/storage.conf", p);
    p = getenv("HOME");
    return p ? xasprintf("%s/.config/containers/storage.conf", p) : NULL;
}

/* value of `key = "value"` when the line sets key; NULL otherwise */
static char *string_value(const char *line, const char *key)
{
    line += strspn(line, " \t");
    size_t n = strlen(key);
    if (strncmp(line, key, n) != 0)
        return NULL;
    line += n;
    line += strspn(line, " \t");
    if (*line++ != '=')
        return NULL;
    line += strspn(line, " \t");
    char quote = *line;
    if (quote != '"' && quote != '\'')
        return NULL;
    const char *end = strchr(line + 1, quote);
    return end ? xstrndup(line + 1, (size_t)(end - line - 1)) : NULL;
}

/* $HOME and a leading ~ are what storage.conf files in the wild contain. */
static char *expand(char *value)
{
    const char *home = getenv("HOME");
    const char *rest = NULL;
    if (str_starts(value, "$HOME"))
        rest = value + 5;
    else if (value[0] == '~' && value[1] == '/')
        rest = value + 1;
    if (!rest || !home)
        return value;
    char *full = xasprintf("%s%s", home, rest);
    free(value);
    return full;
}

char *storageconf_graphroot(void)
{
    cleanup_free char *path = conf_path();
    cleanup(buf_free) struct buf b = BUF_INIT;
    if (!path || at_read(AT_FDCWD, path, MAX_CONF, &b) < 0)
        return NULL;
    bool in_storage = false;
    char *found = NULL, *save = NULL;
    for (char *line = strtok_r(b.s, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
        char *start = line + strspn(line, " \t");
        if (*start == '[')
            in_storage = str_starts(start, "[storage]");
        else if (in_storage && !found)
            found = string_value(start, "graphroot");
    }
    if (found)
        found = expand(found);
    if (found && found[0] != '/') {
        free(found);
        found = NULL;
    }
    return found;
}
