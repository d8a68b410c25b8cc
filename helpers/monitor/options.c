#include "mon.h"

#include "plain/str.h"

#include <string.h>

#define MAX_FD 65535

/* `--create 3 a b c`: a command of three words, made NULL-terminated. */
static int take_command(char ***argv, struct command *c)
{
    uint64_t n;
    if (!(*argv)[1] || str_u64((*argv)[1], 4096, &n) < 0)
        return -1;
    c->argv = xcalloc(n + 1, sizeof *c->argv);
    *argv += 2;
    for (uint64_t i = 0; i < n; i++, (*argv)++) {
        if (!**argv)
            return -1;
        c->argv[i] = **argv;
    }
    (*argv)--;
    return 0;
}

struct known {
    const char *name;
    const char **text;
    int64_t *number;
    struct command *command;
    bool *flag;
};

static int take(char ***argv, const struct known *k)
{
    if (k->flag)
        return *k->flag = true, 0;
    if (k->command)
        return take_command(argv, k->command);
    if (!(*argv)[1])
        return -1;
    const char *value = *++*argv;
    if (k->text)
        return *k->text = value, 0;
    return str_i64(value, 0, INT64_MAX, k->number);
}

int options_parse(char **argv, struct options *o)
{
    int64_t lock = -1, client = -1, gate = -1, lent = -1;
    const struct known known[] = {
        {"--id", &o->id, 0, 0, 0},
        {"--name", &o->name, 0, 0, 0},
        {"--ctr-dir", &o->ctr_dir, 0, 0, 0},
        {"--run-dir", &o->run_dir, 0, 0, 0},
        {"--trash", &o->trash, 0, 0, 0},
        {"--cgroup-file", &o->cgroup_file, 0, 0, 0},
        {"--state-dir", &o->state_dir, 0, 0, 0},
        {"--journald", &o->journald, 0, 0, 0},
        {"--log-path", &o->log_path, 0, 0, 0},
        {"--lock-fd", 0, &lock, 0, 0},
        {"--client-fd", 0, &client, 0, 0},
        {"--gate-fd", 0, &gate, 0, 0},
        {"--lent-fd", 0, &lent, 0, 0},
        {"--preserve", 0, &o->preserve, 0, 0},
        {"--preserve-at", 0, &o->preserve_at, 0, 0},
        {"--log-max", 0, &o->log_max, 0, 0},
        {"--log-files", 0, &o->log_files, 0, 0},
        {"--restart", &o->restart, 0, 0, 0},
        {"--restart-max", 0, &o->restart_max, 0, 0},
        {"--timeout", 0, &o->timeout, 0, 0},
        {"--health-interval", 0, &o->health_interval, 0, 0},
        {"--health", 0, 0, &o->health, 0},
        {"--create", 0, 0, &o->create, 0},
        {"--net", 0, 0, &o->net, 0},
        {"--start", 0, 0, &o->start, 0},
        {"--delete", 0, 0, &o->erase, 0},
        {"--reclaim", 0, 0, &o->reclaim, 0},
        {"--trash-command", 0, 0, &o->trash_cmd, 0},
        {"--exit-command", 0, 0, &o->exit_cmd, 0},
        {"--after", 0, 0, &o->after, 0},
        {"--tty", 0, 0, 0, &o->tty},
        {"--stdin", 0, 0, 0, &o->stdin_open},
        {"--rm", 0, 0, 0, &o->remove},
        {"--foreign", 0, 0, 0, &o->foreign},
        {"--passthrough", 0, 0, 0, &o->passthrough},
        {"--hold", 0, 0, 0, &o->hold},
    };
    for (argv++; *argv; argv++) {
        size_t i, n = sizeof known / sizeof *known;
        for (i = 0; i < n && strcmp(known[i].name, *argv) != 0; i++)
            ;
        if (i == n || take(&argv, &known[i]) < 0)
            return -1;
    }
    if (lock > MAX_FD || client > MAX_FD || gate > MAX_FD || lent > MAX_FD ||
        o->preserve > MAX_FD || o->preserve_at > MAX_FD)
        return -1;
    o->lock_fd = (int)lock;
    o->client_fd = (int)client;
    o->gate_fd = (int)gate;
    o->lent_fd = (int)lent;
    return o->id && o->ctr_dir && o->run_dir && o->create.argv ? 0 : -1;
}
