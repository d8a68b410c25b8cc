/* pod pod inspect: podman's JSON of pods. */
#include "pods.h"
#include "say.h"

#include "things/table.h"
#include "words/exitcode.h"

#include <stdio.h>
#include <string.h>

struct options {
    bool latest;
    const char *format;
};
static const struct opt inspect_options[] = {
    {"format", 'f', OPT_STR, "FORMAT", "json or a Go template", offsetof(struct options, format)},
    {"latest", 'l', OPT_BOOL, NULL, "The pod created last", offsetof(struct options, latest)},
    {0},
};

static json_t *bindings_of(const json_t *net)
{
    json_t *bindings = json_object(), *port;
    size_t i;
    json_array_foreach(json_object_get(net, "ports"), i, port)
    {
        cleanup_free char *key = xasprintf("%lld/%s", (long long)jx_int(port, "containerPort", 0),
                                           jx_str(port, "protocol"));
        cleanup_free char *host = xasprintf("%lld", (long long)jx_int(port, "hostPort", 0));
        json_t *list = json_object_get(bindings, key);
        if (!list) {
            list = json_array();
            json_object_set_new(bindings, key, list);
        }
        json_array_append_new(
            list, json_pack("{s:s, s:s}", "HostIp", jx_str(port, "hostIp"), "HostPort", host));
    }
    return bindings;
}

static json_t *list_or_null(const json_t *from, const char *key)
{
    json_t *list = json_object_get(from, key);
    return json_array_size(list) ? json_incref(list) : json_null();
}

static const char *mode_of(const struct ctr *c, const char *type)
{
    const char *mode = jx_str(json_object_get(c->record, "namespaces"), type);
    return *mode ? mode : "private";
}

static json_t *infra_config(const struct ctr *infra)
{
    const json_t *net = json_object_get(infra->record, "network");
    const char *userns = jx_str(infra->record, "userns");
    return json_pack("{s:o, s:b, s:s, s:s, s:b, s:o, s:o, s:o, s:b, s:o, s:n, s:n, s:s, s:s, s:s}",
                     "PortBindings", bindings_of(net), "HostNetwork",
                     strcmp(mode_of(infra, "network"), "host") == 0, "StaticIP", "", "StaticMAC",
                     "", "NoManageResolvConf", 0, "DNSServer", list_or_null(net, "dns"),
                     "DNSSearch", list_or_null(net, "dnsSearch"), "DNSOption",
                     list_or_null(net, "dnsOptions"), "NoManageHosts", jx_bool(net, "noHosts"),
                     "HostAdd", list_or_null(net, "addHosts"), "Networks", "NetworkOptions",
                     "pid_ns", mode_of(infra, "pid"), "userns", *userns ? userns : "host", "uts_ns",
                     mode_of(infra, "uts"));
}

/* Empty ones are not in the JSON, but a template may ask for them. */
static void set_or_hide(json_t *out, const char *key, json_t *v, bool empty)
{
    cleanup_free char *hidden = xasprintf(".%s", key);
    json_object_set_new(out, empty ? hidden : key, v);
}

static json_t *containers_of(const struct roots *r, const struct strv *members)
{
    json_t *list = json_array(), *c;
    size_t i;
    cleanup_json rows = pods_containers(r, members);
    json_array_foreach(rows, i, c)
        json_array_append_new(list, json_pack("{s:s, s:s, s:s}", "Id", jx_str(c, "Id"), "Name",
                                              jx_str(c, "Names"), "State", jx_str(c, "Status")));
    return list;
}

static json_t *inspection(const struct roots *r, const struct pod *p)
{
    cleanup(strv_free) struct strv members = STRV_INIT, shared = STRV_INIT;
    struct err e = ERR_INIT;
    size_t running;
    struct ctr infra;
    const char *infra_id = jx_str(p->record, "infra");
    json_t *labels = json_object_get(p->record, "labels");
    json_t *argv = json_object_get(p->record, "createCommand");
    pod_members(r, p->id, &members, &e);
    jx_strv(p->record, "shared", &shared);
    strv_sort(&shared);
    json_t *out = json_pack("{s:s, s:s, s:s}", "Id", p->id, "Name", jx_str(p->record, "name"),
                            "Created", jx_str(p->record, "created"));
    set_or_hide(out, "CreateCommand", argv ? json_incref(argv) : json_array(), !argv);
    json_object_set_new(out, "ExitPolicy", json_string(pod_exit_policy(p)));
    json_object_set_new(out, "State", json_string(pods_status(r, &members, &running)));
    json_object_set_new(out, "Hostname", json_string(jx_str(p->record, "hostname")));
    set_or_hide(out, "Labels", labels ? json_incref(labels) : json_object(),
                !json_object_size(labels));
    json_object_set_new(out, "CreateCgroup", json_false());
    json_object_set_new(out, "CreateInfra", json_boolean(*infra_id));
    set_or_hide(out, "InfraContainerID", json_string(infra_id), !*infra_id);
    bool found = *infra_id && ctr_find(r, infra_id, &infra, &e) == 0;
    set_or_hide(out, "InfraConfig", found ? infra_config(&infra) : json_null(), !found);
    if (found)
        ctr_close(&infra);
    set_or_hide(out, "SharedNamespaces", jx_from_strv(&shared), !shared.n);
    json_object_set_new(out, "NumContainers", json_integer((json_int_t)members.n));
    set_or_hide(out, "Containers", containers_of(r, &members), !members.n);
    return out;
}

static int inspect_one(const struct roots *r, const char *name, const char *format, struct buf *out,
                       struct err *e)
{
    struct pod p;
    char id[65];
    if (pod_find_id(r, name, id, e) < 0 && strstr(e->msg, "no such pod"))
        return err_set(e, 0, "inspecting object: no such pod %s", name);
    if (e->msg[0] || pod_open(r, id, &p, e) < 0)
        return -1;
    cleanup_json one = inspection(r, &p);
    pod_close(&p);
    return table_render_one(format && table_is_json(format) ? NULL : format, 5, one, out, e);
}

int verb_inspect(int argc, char **argv)
{
    static const struct cmd command = {
        "pod pod inspect",
        "POD...",
        "Show all about pods as JSON",
        "Exit codes: 0 done, 125 pod failed or a pod does not exist.",
        inspect_options,
        0,
        -1,
        0};
    struct err e = ERR_INIT;
    struct options o = {0};
    struct roots r;
    cleanup(strv_free) struct strv latest = STRV_INIT;
    int code = 0;
    int first = say_parse(&command, &o, argc, argv, &code);
    if (first < 0)
        return code;
    if (roots_open(&r, &e) < 0 ||
        (o.latest && pods_select(&r, argv + first, false, true, &latest, &e) < 0))
        return say_error(&e);
    char *const *names = o.latest ? latest.v : argv + first;
    size_t n = o.latest ? latest.n : (size_t)(argc - first);
    if (n == 0) {
        err_set(&e, 0, "no names or ids specified");
        return say_error(&e);
    }
    for (size_t i = 0; i < n; i++) {
        cleanup(buf_free) struct buf out = BUF_INIT;
        e = (struct err)ERR_INIT;
        if (inspect_one(&r, names[i], o.format, &out, &e) < 0)
            code = say_error(&e);
        fputs(buf_str(&out), stdout);
    }
    return say_end(code);
}
