#include "disk/roots.h"
#include "disk/account.h"

#include "disk/at.h"
#include "disk/storageconf.h"
#include "plain/fdio.h"
#include "plain/str.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *const own_dirs[] = {"containers", "pods",  "names",  "trash",
                                       "staging",    "cache", "running"};
#define LAST_DIR (sizeof own_dirs / sizeof *own_dirs - 1)

static bool dir_is_ours(const char *path)
{
    struct stat st;
    return path && path[0] == '/' && lstat(path, &st) == 0 && S_ISDIR(st.st_mode) &&
           st.st_uid == geteuid() && access(path, W_OK | X_OK) == 0;
}

/* A runtime directory that is ours: the session's, the system's usual place, a private one. */
static char *find_runtime_dir(void)
{
    const char *xdg = getenv("XDG_RUNTIME_DIR"), *asked = getenv("POD_RUNROOT");
    if (asked && asked[0] == '/')
        return (mkdir(asked, 0700) == 0 || errno == EEXIST) && dir_is_ours(asked) ? xstrdup(asked)
                                                                                  : NULL;
    if (dir_is_ours(xdg))
        return xstrdup(xdg);
    char *path = xasprintf("/run/user/%u", geteuid());
    if (dir_is_ours(path))
        return path;
    free(path);
    path = xasprintf("/tmp/pod-run-%u", geteuid());
    struct stat st;
    if ((mkdir(path, 0700) == 0 || errno == EEXIST) && lstat(path, &st) == 0 &&
        S_ISDIR(st.st_mode) && st.st_uid == geteuid() && (st.st_mode & 077) == 0)
        return path;
    free(path);
    return NULL;
}

static int no_runtime_dir(struct err *e)
{
    err_set(e, 0,
            "no runtime directory: XDG_RUNTIME_DIR is not a directory of user %u, and "
            "neither /run/user/%u nor /tmp/pod-run-%u can be used",
            geteuid(), geteuid(), geteuid());
    return err_hint(e,
                    "Log in through the system's login (loginctl enable-linger keeps it), or type: "
                    "export XDG_RUNTIME_DIR=$(mktemp -d)");
}

int roots_run_path(char **ret, struct err *e)
{
    cleanup_free char *dir = find_runtime_dir();
    if (!dir)
        return no_runtime_dir(e);
    char *path = xasprintf("%s/pod", dir);
    if (mkdir(path, 0700) < 0 && errno != EEXIST) {
        err_sys(e, "cannot create runtime directory \"%s\"", path);
        free(path);
        return -1;
    }
    *ret = path;
    return 0;
}

static char *default_graph(void)
{
    const char *data = getenv("XDG_DATA_HOME");
    if (data && data[0] == '/')
        return xasprintf("%s/containers/storage", data);
    struct account own;
    const char *home = getenv("HOME");
    if (!home || home[0] != '/') {
        home = account_by_id(geteuid(), &own) == 0 ? own.home : NULL;
    }
    return home ? xasprintf("%s/.local/share/containers/storage", home) : NULL;
}

/* What `pod --root DIR` says, to every program below it. */
static char *asked_graph(void)
{
    const char *root = getenv("POD_GRAPHROOT");
    return root && root[0] == '/' ? xstrdup(root) : NULL;
}

static int open_graph(struct roots *r, struct err *e)
{
    r->graph_path = asked_graph();
    if (!r->graph_path)
        r->graph_path = storageconf_graphroot();
    if (!r->graph_path)
        r->graph_path = default_graph();
    if (!r->graph_path) {
        err_set(e, 0, "no home directory for user %u: HOME is not set", geteuid());
        return err_hint(e, "Type: export HOME=/path/to/your/home");
    }
    r->graph = at_open_dir(AT_FDCWD, r->graph_path);
    if (r->graph < 0 && errno == ENOENT && at_mkdirs(AT_FDCWD, r->graph_path, 0700) == 0)
        r->graph = at_open_dir(AT_FDCWD, r->graph_path);
    if (r->graph < 0)
        return err_sys(e, "cannot open storage root \"%s\"", r->graph_path);
    return 0;
}

/* One mkdir that fails with EEXIST is all this costs when everything is there. */
static int open_own(struct roots *r, struct err *e)
{
    bool fresh = mkdirat(r->graph, "pod", 0700) == 0;
    if (!fresh && errno != EEXIST)
        return err_sys(e, "cannot create \"%s/pod\"", r->graph_path);
    r->own = at_open_dir(r->graph, "pod");
    if (r->own < 0)
        return err_sys(e, "cannot open \"%s/pod\"", r->graph_path);
    if (fresh || !at_exists(r->own, own_dirs[LAST_DIR]))
        for (size_t i = 0; i <= LAST_DIR; i++)
            if (mkdirat(r->own, own_dirs[i], 0700) < 0 && errno != EEXIST)
                return err_sys(e, "cannot create \"%s/pod/%s\"", r->graph_path, own_dirs[i]);
    return 0;
}

int roots_open(struct roots *ret, struct err *e)
{
    struct roots r = ROOTS_INIT;
    if (roots_run_path(&r.run_path, e) < 0 || open_graph(&r, e) < 0 || open_own(&r, e) < 0) {
        roots_close(&r);
        return -1;
    }
    r.run = at_open_dir(AT_FDCWD, r.run_path);
    if (r.run < 0) {
        err_sys(e, "cannot open runtime directory \"%s\"", r.run_path);
        roots_close(&r);
        return -1;
    }
    r.runtime_dir = xstrndup(r.run_path, strlen(r.run_path) - strlen("/pod"));
    *ret = r;
    return 0;
}

void roots_close(struct roots *r)
{
    if (r->graph >= 0)
        close(r->graph);
    if (r->own >= 0)
        close(r->own);
    if (r->run >= 0)
        close(r->run);
    free(r->graph_path);
    free(r->run_path);
    free(r->runtime_dir);
    *r = (struct roots)ROOTS_INIT;
}

const char *roots_boot_id(void)
{
    static char id[40];
    if (!id[0]) {
        cleanup(buf_free) struct buf b = BUF_INIT;
        if (at_read(AT_FDCWD, "/proc/sys/kernel/random/boot_id", 64, &b) == 0 && b.len >= 36) {
            memcpy(id, b.s, 36);
            id[36] = '\0';
        }
    }
    return id;
}
