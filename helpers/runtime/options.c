#include "options.h"

#include <stddef.h>
#include <string.h>

#define AT(f) offsetof(struct options, f)

static const struct opt globals[] = {
    {"root", 0, OPT_STR, "DIR", "Directory of container states", AT(root)},
    {"log", 0, OPT_STR, "FILE", "Write errors to FILE as well", AT(log)},
    {"log-format", 0, OPT_STR, "FORMAT", "text or json", AT(log_format)},
    {"log-level", 0, OPT_STR, "LEVEL", "Accepted for compatibility", AT(log_level)},
    {"debug", 0, OPT_BOOL, NULL, "Accepted for compatibility", AT(debug)},
    {"cgroup-manager", 0, OPT_STR, "MANAGER", "cgroupfs or disabled", AT(cgroup_manager)},
    {"systemd-cgroup", 0, OPT_BOOL, NULL, "Leave cgroups to systemd's scope of the caller",
     AT(systemd_cgroup)},
    {"report-fd", 0, OPT_INT, "N", "Answer in one line on descriptor 3", AT(report)},
    {"version", 'v', OPT_BOOL, NULL, "Print version and specification", AT(version)},
    {0},
};

#define CREATE_OPTIONS                                                                             \
    {"bundle", 'b', OPT_STR, "DIR", "Directory with config.json (default: .)", AT(bundle)},        \
        {"config", 'f', OPT_STR, "FILE", "Configuration, when it is not config.json", AT(config)}, \
        {"pid-file", 0, OPT_STR, "FILE", "Write the process id to FILE", AT(pid_file)},            \
        {"console-socket",  0, OPT_STR, "SOCKET", "Unix socket that gets the terminal",            \
         AT(console_socket)},                                                                      \
        {"preserve-fds", 0, OPT_INT, "N", "Pass N descriptors from 3 up", AT(preserve_fds)},       \
        {"preserve-at", 0, OPT_INT, "FD", NULL, AT(preserve_at)},                                  \
        {"lent-fd", 0, OPT_INT, "FD", NULL, AT(lent_fd)},                                          \
        {"no-pivot", 0, OPT_BOOL, NULL, "Move the root instead, for an initramfs", AT(no_pivot)},  \
        {"no-subreaper", 0, OPT_BOOL, NULL, "Accepted for compatibility", AT(no_subreaper)},       \
        {"no-new-keyring", 0, OPT_BOOL, NULL, "Accepted for compatibility", AT(no_keyring)},       \
    {                                                                                              \
        "seccomp-bpf", 0, OPT_STR, "FILE", "Load this compiled filter for linux.seccomp",          \
            AT(seccomp)                                                                            \
    }

static const struct opt create_options[] = {CREATE_OPTIONS, {0}};
static const struct opt run_options[] = {
    CREATE_OPTIONS,
    {"detach", 'd', OPT_BOOL, NULL, "Do not wait for the process", AT(detach)},
    {"keep", 0, OPT_BOOL, NULL, "Do not delete the container when it ends", AT(keep)},
    {0},
};
static const struct opt exec_options[] = {
    {"process", 'p', OPT_STR, "FILE", "Process description (JSON)", AT(process)},
    {"detach", 'd', OPT_BOOL, NULL, "Do not wait for the process", AT(detach)},
    {"tty", 't', OPT_BOOL, NULL, "Give it a terminal", AT(tty)},
    {"console-socket", 0, OPT_STR, "SOCKET", "Unix socket that gets the terminal",
     AT(console_socket)},
    {"pid-file", 0, OPT_STR, "FILE", "Write the process id to FILE", AT(pid_file)},
    {"cwd", 0, OPT_STR, "DIR", "Working directory", AT(cwd)},
    {"env", 'e', OPT_LIST, "NAME=VALUE", "Set an environment variable", AT(env)},
    {"user", 'u', OPT_STR, "UID[:GID]", "User and group", AT(user)},
    {"additional-gids", 'g', OPT_LIST, "GID", "One more group", AT(gids)},
    {"cap", 'c', OPT_LIST, "CAP", "One more capability", AT(caps)},
    {"no-new-privs", 0, OPT_BOOL, NULL, "It may not gain privileges", AT(no_new_privs)},
    {"preserve-fds", 0, OPT_INT, "N", "Pass N descriptors from 3 up", AT(preserve_fds)},
    {"preserve-at", 0, OPT_INT, "FD", NULL, AT(preserve_at)},
    {"apparmor", 0, OPT_STR, "PROFILE", "AppArmor profile", AT(apparmor)},
    {"process-label", 0, OPT_STR, "LABEL", "SELinux label", AT(label)},
    {"cgroup", 0, OPT_STR, "PATH", "Cgroup below the container's", AT(cgroup)},
    {"ignore-paused", 0, OPT_BOOL, NULL, "Accepted for compatibility", AT(ignore_paused)},
    {"no-subreaper", 0, OPT_BOOL, NULL, "Accepted for compatibility", AT(no_subreaper)},
    {"seccomp-bpf", 0, OPT_STR, "FILE", "Load this compiled filter for linux.seccomp", AT(seccomp)},
    {"journal", 0, OPT_STR, "DIR", NULL, AT(journal)},
    {0},
};
static const struct opt delete_options[] = {
    {"force", 'f', OPT_BOOL, NULL, "Kill a running container first", AT(force)},
    {"regex", 0, OPT_BOOL, NULL, "ID is an extended regular expression", AT(regex)},
    {0},
};
static const struct opt kill_options[] = {
    {"all", 'a', OPT_BOOL, NULL, "Every process of the container", AT(all)},
    {"regex", 0, OPT_BOOL, NULL, "ID is an extended regular expression", AT(regex)},
    {0},
};
static const struct opt list_options[] = {
    {"format", 'f', OPT_STR, "FORMAT", "table or json", AT(format)},
    {"quiet", 'q', OPT_BOOL, NULL, "Only ids", AT(quiet)},
    {0},
};
static const struct opt spec_options[] = {
    {"bundle", 'b', OPT_STR, "DIR", "Where to write config.json (default: .)", AT(bundle)},
    {"config", 'f', OPT_STR, "FILE", "File to write, when it is not config.json", AT(config)},
    {"rootless", 0, OPT_BOOL, NULL, "For a caller who is not root", AT(rootless)},
    {0},
};
static const struct opt events_options[] = {
    {"interval", 0, OPT_STR, "DURATION", "Time between two lines (default 5s)", AT(interval)},
    {"stats", 0, OPT_BOOL, NULL, "One line, and no more", AT(stats)},
    {0},
};
static const struct opt update_options[] = {
    {"resources", 'r', OPT_STR, "FILE", "linux.resources (JSON), - for standard input",
     AT(resources)},
    {"memory", 0, OPT_STR, "BYTES", "Memory", AT(memory)},
    {"memory-swap", 0, OPT_STR, "BYTES", "Memory and swap together", AT(memory_swap)},
    {"memory-reservation", 0, OPT_STR, "BYTES", "Memory kept", AT(reservation)},
    {"cpu-share", 0, OPT_STR, "N", "Weight, 1024 is usual", AT(shares)},
    {"cpu-shares", 0, OPT_STR, "N", NULL, AT(shares)},
    {"cpu-quota", 0, OPT_STR, "US", "Microseconds a period", AT(quota)},
    {"cpu-period", 0, OPT_STR, "US", "Length of the period", AT(period)},
    {"cpuset-cpus", 0, OPT_STR, "LIST", "Which processors", AT(cpus)},
    {"cpuset-mems", 0, OPT_STR, "LIST", "Which memory nodes", AT(mems)},
    {"pids-limit", 0, OPT_STR, "N", "Processes and threads", AT(pids)},
    {"blkio-weight", 0, OPT_STR, "N", "Weight of block input and output", AT(blkio_weight)},
    {0},
};

static const struct verb {
    const char *name, *summary, *operands;
    const struct opt *opts;
    int min, max;
    int stop_at_operand;
} verbs[] = {
    {"create", "Set a container up; its process waits", "ID", create_options, 1, 1, 0},
    {"start", "Let a created container go", "ID", NULL, 1, 1, 0},
    {"run", "Create and start", "ID", run_options, 1, 1, 0},
    {"state", "Print a container's state as JSON", "ID", NULL, 1, 1, 0},
    {"kill", "Send a signal (default TERM)", "ID [SIGNAL]", kill_options, 1, 2, 0},
    {"delete", "Remove a stopped container", "ID", delete_options, 1, 1, 0},
    {"exec", "Run another process in a container", "ID [COMMAND [ARG...]]", exec_options, 1, -1, 1},
    {"list", "List containers", "", list_options, 0, 0, 0},
    {"ps", "List a container's processes", "ID [PS-OPTION...]", list_options, 1, -1, 1},
    {"pause", "Freeze a container's processes", "ID", NULL, 1, 1, 0},
    {"resume", "Let them go on", "ID", NULL, 1, 1, 0},
    {"update", "Change a container's limits", "ID", update_options, 1, 1, 0},
    {"events", "Print what the container uses, and when memory was short, as JSON", "ID",
     events_options, 1, 1, 0},
    {"features", "Print what this runtime can do as JSON", "", NULL, 0, 0, 0},
    {"spec", "Write a config.json to begin with", "", spec_options, 0, 0, 0},
};

static struct cmd whole(void)
{
    return (struct cmd){
        .name = "pod-runtime",
        .operands = "[options] VERB [ARG...]",
        .summary = "Run OCI bundles",
        .opts = globals,
        .max = -1,
        .stop_at_operand = 1,
    };
}

static const struct verb *find(const char *name)
{
    for (size_t i = 0; name && i < sizeof verbs / sizeof *verbs; i++)
        if (strcmp(verbs[i].name, name) == 0)
            return &verbs[i];
    return NULL;
}

static struct cmd of_verb(const struct verb *v, char *name, size_t size)
{
    cleanup_free char *full = xasprintf("pod-runtime %s", v->name);
    str_copy(name, size, full);
    return (struct cmd){
        .name = name,
        .operands = v->operands,
        .summary = v->summary,
        .opts = v->opts,
        .min = v->min,
        .max = v->max,
        .stop_at_operand = v->stop_at_operand,
    };
}

void options_help(const char *verb, struct buf *out)
{
    const struct verb *v = find(verb);
    char name[64];
    if (v) {
        struct cmd c = of_verb(v, name, sizeof name);
        cmd_help(&c, out);
        return;
    }
    cleanup(buf_free) struct buf more = BUF_INIT;
    buf_adds(&more, "Verbs:\n");
    for (size_t i = 0; i < sizeof verbs / sizeof *verbs; i++)
        buf_addf(&more, "  %-9s %s\n", verbs[i].name, verbs[i].summary);
    buf_adds(&more, "\nExit codes: 0 done, 125 pod-runtime failed, 126 the command cannot be run,\n"
                    "127 it was not found; run and exec without --detach: the process's own.");
    struct cmd c = whole();
    c.more = buf_str(&more);
    cmd_help(&c, out);
}

static int unknown_verb(const char *got, struct err *e)
{
    const char *names[sizeof verbs / sizeof *verbs + 1] = {NULL};
    for (size_t i = 0; i < sizeof verbs / sizeof *verbs; i++)
        names[i] = verbs[i].name;
    return opt_unknown("verb", got, names, "pod-runtime", e);
}

int options_read(int argc, char **argv, struct options *o, char ***rest, struct err *e)
{
    struct cmd c = whole();
    int first, second;
    char name[64];
    int r = cmd_parse(&c, o, argc, argv, &first, e);
    if (r != CMD_OK || first == argc)
        return r;
    const struct verb *v = find(argv[first]);
    *rest = argv + first;
    if (!v)
        return unknown_verb(argv[first], e);
    c = of_verb(v, name, sizeof name);
    r = cmd_parse(&c, o, argc - first, argv + first, &second, e);
    if (r == CMD_OK)
        *rest = argv + first + second - 1;
    (*rest)[0] = (char *)(uintptr_t)v->name;
    return r;
}
