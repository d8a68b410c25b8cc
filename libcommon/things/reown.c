#include "things/reown.h"

#include "disk/at.h"
#include "disk/lock.h"
#include "plain/fdio.h"
#include "things/spawn.h"
#include "things/start.h"

#include <fcntl.h>
#include <unistd.h>

#define NOTE "single-id"
#define LOCK "cache/reown.lock"

int reown_note(const struct roots *r, struct err *e)
{
    cleanup_fd int fd = openat(r->own, NOTE, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    return fd < 0 ? err_sys(e, "cannot write \"%s/pod/" NOTE "\"", r->graph_path) : 0;
}

int reown_all(const struct roots *r, struct err *e)
{
    static const char *const trees[] = {"overlay", "pod/containers", "pod/volumes"};
    cleanup(strv_free) struct strv argv = STRV_INIT;
    if (!at_exists(r->own, NOTE))
        return 0;
    cleanup_fd int lock = lock_wait(r->own, LOCK, LOCK_EXCLUSIVE);
    if (lock < 0)
        return err_sys(e, "cannot lock \"%s/pod/" LOCK "\"", r->graph_path);
    if (!at_exists(r->own, NOTE))
        return 0; /* somebody else has done it while we waited */
    start_add_userns(&argv);
    strv_take(&argv, tool_path("pod-reown"));
    for (size_t i = 0; i < sizeof trees / sizeof *trees; i++)
        strv_addf(&argv, "%s/%s", r->graph_path, trees[i]);
    struct spawn s = {.argv = argv.v, .in = -1, .out = -1, .err = -1};
    if (spawn_and_report(&s, "pod-reown", NULL, 0, e) < 0)
        return -1;
    return unlinkat(r->own, NOTE, 0) < 0
               ? err_sys(e, "cannot remove \"%s/pod/" NOTE "\"", r->graph_path)
               : 0;
}
