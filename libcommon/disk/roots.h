/*
 * Where things are. Everything below is reached by these descriptors, never by path again.
 *
 *   graph  $GRAPHROOT = ${XDG_DATA_HOME:-~/.local/share}/containers/storage (storage.conf(5)'s
 *          graphroot where it is set; CONTAINERS_STORAGE_CONF is honoured; POD_GRAPHROOT, which
 *          `pod --root` sets, comes before them)
 *   own    $GRAPHROOT/pod: containers/ pods/ names/ trash/ staging/ nursery/ cache/
 *   run    $XDG_RUNTIME_DIR/pod; without a runtime directory of ours, /run/user/UID, else a
 *          0700 directory in /tmp that must belong to us; POD_RUNROOT (`pod --runroot`) wins
 */
#ifndef POD_DISK_ROOTS_H
#define POD_DISK_ROOTS_H

#include "plain/err.h"

struct roots {
    char *graph_path, *run_path;
    char *runtime_dir; /* parent of run_path */
    int graph, own, run;
};
#define ROOTS_INIT                                                                                 \
    {                                                                                              \
        .graph = -1, .own = -1, .run = -1                                                          \
    }

/* Opens the roots, making what is missing (0700). */
int roots_open(struct roots *ret, struct err *e);
void roots_close(struct roots *r);

/*
 * Only the runtime directory's path (made when missing), for helpers without a store.
 * The string is the caller's.
 */
int roots_run_path(char **ret, struct err *e);

/* This boot's id (36 characters), the same string until the next reboot; "" when unreadable. */
const char *roots_boot_id(void);

#endif
