#include "things/start_chain.h"

#include "plain/fdio.h"
#include "things/spawn.h"
#include "things/spec.h"
#include "things/start.h"

#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* With one processor it would only be one program more. */
static bool several_processors(void)
{
    cpu_set_t set;
    return sched_getaffinity(0, sizeof set, &set) == 0 && CPU_COUNT(&set) > 1;
}

/*
 * Are its user and its network namespace new ones, as far as the record tells, and is the caller
 * root in the former? The runtime enters it, and has the caller's files to write still.
 */
static bool may_be_lent(const struct ctr *c)
{
    const char *userns = jx_str(c->record, "userns");
    const char *net = jx_str(json_object_get(c->record, "namespaces"), "network");
    return !*jx_str(c->record, "pod") && !start_joins(c) && !spec_remaps(c->record) &&
           strcmp(userns, "host") != 0 && !str_starts(userns, "ns:") &&
           (!*net || strcmp(net, "private") == 0);
}

pid_t chain_lend(const struct ctr *c, struct chain *ch)
{
    struct err ignored = ERR_INIT;
    int pair[2];
    pid_t pid = 0;
    if (!ch->ours || geteuid() == 0 || !several_processors() || !may_be_lent(c) ||
        socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
        return 0;
    cleanup_fd int theirs = pair[1], ours = fd_move_up(pair[0], 10);
    cleanup(strv_free) struct strv argv = STRV_INIT;
    strv_take(&argv, tool_path("pod-userns"));
    strv_add(&argv, "lend");
    struct spawn s = {
        .argv = argv.v, .in = -1, .out = -1, .err = -1, .report = theirs, .new_session = 1};
    if (ours < 0 || spawn(&s, &pid, &ignored) < 0)
        return 0;
    ch->lent_fd = fd_take(&ours);
    return pid;
}

void chain_lend_end(pid_t lender)
{
    if (lender) {
        kill(lender, SIGKILL);
        spawn_wait(lender);
    }
}
