#include "run/run.h"

#include "disk/at.h"
#include "plain/fdio.h"
#include "things/spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void remove_named(const char *name)
{
    struct err ignored = ERR_INIT;
    cleanup_free char *rm = bin_path("pod-rm");
    char *argv[] = {rm, (char *)(uintptr_t) "--force", (char *)(uintptr_t) "--ignore",
                    (char *)(uintptr_t)name, NULL};
    struct spawn s = {.argv = argv, .in = -1, .out = -1, .err = -1, .report = -1};
    pid_t pid;
    if (spawn(&s, &pid, &ignored) == 0)
        spawn_wait(pid);
}

static int read_pod_id(struct create_opts *o, struct err *e)
{
    static struct buf id; /* lives as long as the options */
    if (at_read(AT_FDCWD, o->pod_id_file, 4096, &id) < 0)
        return err_set(e, 0, "reading pod ID file: open %s: %s", o->pod_id_file,
                       errno == ENOENT ? "no such file or directory" : strerror(errno));
    if (id.s)
        id.s[strcspn(id.s, "\r\n")] = '\0';
    o->pod = buf_str(&id);
    return 0;
}

/* --pod new:NAME makes the pod first. */
int need_pod(struct create_opts *o, const char **ret_made, struct err *e)
{
    *ret_made = NULL;
    if (o->pod_id_file && read_pod_id(o, e) < 0)
        return -1;
    if (!o->pod || !str_starts(o->pod, "new:"))
        return 0;
    o->pod += strlen("new:");
    if (!*o->pod)
        return err_set(e, 0, "new pod name must be at least one character");
    cleanup(strv_free) struct strv argv = STRV_INIT;
    strv_take(&argv, bin_path("pod-pod"));
    strv_add(&argv, "create");
    strv_add(&argv, "--name");
    strv_add(&argv, o->pod);
    const struct {
        const char *flag;
        struct strv *values;
    } lists[] = {{"--publish", &o->publish},       {"--network", &o->network},
                 {"--add-host", &o->add_host},     {"--dns", &o->dns},
                 {"--dns-option", &o->dns_option}, {"--dns-search", &o->dns_search}};
    for (size_t k = 0; k < sizeof lists / sizeof *lists; k++) {
        for (size_t i = 0; i < lists[k].values->n; i++) {
            strv_add(&argv, lists[k].flag);
            strv_add(&argv, lists[k].values->v[i]);
        }
        strv_free(lists[k].values);
    }
    if (o->hostname) {
        strv_add(&argv, "--hostname");
        strv_add(&argv, o->hostname);
        o->hostname = NULL;
    }
    struct spawn s = {.argv = argv.v, .in = -1, .out = -1, .err = SPAWN_INHERIT, .report = -1};
    pid_t pid;
    if (spawn(&s, &pid, e) < 0)
        return -1;
    e->code = spawn_wait(pid);
    e->msg[0] = '\0';
    if (e->code)
        return -1;
    *ret_made = o->pod;
    return 0;
}

void drop_pod(const char *name)
{
    struct err ignored = ERR_INIT;
    cleanup(strv_free) struct strv argv = STRV_INIT;
    strv_take(&argv, bin_path("pod-pod"));
    strv_add(&argv, "rm");
    strv_add(&argv, "--force");
    strv_add(&argv, name);
    struct spawn s = {.argv = argv.v, .in = -1, .out = -1, .err = -1, .report = -1};
    pid_t pid;
    if (spawn(&s, &pid, &ignored) == 0)
        spawn_wait(pid);
}
