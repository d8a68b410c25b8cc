/* pod-port: which ports of the host lead to a container. */
#include "say.h"

#include "things/select.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct options {
    struct select which;
};

#define AT(f) offsetof(struct options, f)
static const struct opt options[] = {
    {"all", 'a', OPT_BOOL, NULL, "All running containers", AT(which.all)},
    {"latest", 'l', OPT_BOOL, NULL, "The container created last", AT(which.latest)},
    {0},
};

static const struct cmd command = {
    .name = "pod port",
    .operands = "CONTAINER [PORT[/PROTOCOL]]",
    .summary = "List the published ports of a container",
    .more = "Exit codes: 0 done, 125 pod failed or the port is not published.",
    .opts = options,
    .max = 2,
};

/* One line a port; with a port asked for, only where it leads. Returns how many there were. */
static size_t print_ports(const struct ctr *c, const char *wanted, bool with_id)
{
    const json_t *p;
    size_t i, found = 0;
    json_array_foreach(json_object_get(json_object_get(c->record, "network"), "ports"), i, p)
    {
        const char *ip = *jx_str(p, "hostIp") ? jx_str(p, "hostIp") : "0.0.0.0";
        cleanup_free char *port =
            xasprintf("%lld/%s", (long long)jx_int(p, "containerPort", 0), jx_str(p, "protocol"));
        if (wanted && strcmp(wanted, port) != 0)
            continue;
        found++;
        if (with_id)
            printf("%.12s\t", c->id);
        if (!wanted)
            printf("%s -> ", port);
        printf("%s:%lld\n", ip, (long long)jx_int(p, "hostPort", 0));
    }
    return found;
}

static int one(const struct roots *r, const char *name, const char *wanted, const struct options *o,
               struct err *e)
{
    struct ctr c;
    struct ctr_status s;
    int res = 0;
    if (ctr_find(r, name, &c, e) < 0)
        return -1;
    ctr_status(r, &c, &s);
    if (o->which.all && s.state != CTR_RUNNING)
        ;
    else if (print_ports(&c, wanted, o->which.all) == 0 && wanted)
        res = err_set(e, 0, "failed to find published port \"%s\"", wanted);
    ctr_close(&c);
    return res;
}

int main(int argc, char **argv)
{
    struct err e = ERR_INIT;
    struct options o = {0};
    struct roots r;
    cleanup(strv_free) struct strv names = STRV_INIT;
    int code = 0;
    int first = say_parse(&command, &o, argc, argv, &code);
    if (first < 0)
        return code;
    int port_at = o.which.latest ? first : first + 1;
    cleanup_free char *wanted = NULL;
    if (!o.which.all && port_at < argc) {
        wanted = strchr(argv[port_at], '/') ? xstrdup(argv[port_at])
                                            : xasprintf("%s/tcp", argv[port_at]);
        argv[port_at] = NULL;
    }
    if (roots_open(&r, &e) < 0 || select_names(&r, &o.which, argv + first, &names, &e) < 0)
        return say_error(&e);
    for (size_t i = 0; i < names.n; i++)
        if (one(&r, names.v[i], wanted, &o, &e) < 0)
            code = say_error(&e);
    return say_end(code);
}
