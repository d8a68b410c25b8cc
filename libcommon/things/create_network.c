/* Namespaces that are shared or not, networks and published ports. */
#include "things/create.h"

#include "plain/fdio.h"
#include "things/ctr.h"
#include "things/pod.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define MAX_PORT  65535
#define MAX_RANGE 1024

/* ---- ports ---- */

static int port_range(const char *s, uint64_t *from, uint64_t *count)
{
    cleanup_free char *copy = xstrdup(s);
    char *dash = strchr(copy, '-');
    uint64_t to;
    if (dash)
        *dash++ = '\0';
    if (str_u64(copy, MAX_PORT, from) < 0 || *from == 0)
        return -1;
    if (str_u64(dash ? dash : copy, MAX_PORT, &to) < 0 || to < *from || to - *from >= MAX_RANGE)
        return -1;
    *count = to - *from + 1;
    return 0;
}

static bool ip_ok(const char *s)
{
    unsigned char b[16];
    return inet_pton(AF_INET, s, b) == 1 || inet_pton(AF_INET6, s, b) == 1;
}

static int bad_port(const char *whose, const char *text, struct err *e)
{
    if (*text && strspn(text, "0123456789") == strlen(text))
        return err_set(e, 0,
                       "parsing %s port: port numbers must be between 1 and 65535 (inclusive), got "
                       "%s",
                       whose, text);
    return err_set(e, 0, "parsing %s port: invalid port number \"%s\"", whose, text);
}

/* One that nobody listens on now; 0 when there is none. */
static uint64_t free_port(bool udp)
{
    struct sockaddr_in a = {.sin_family = AF_INET};
    socklen_t len = sizeof a;
    cleanup_fd int s = socket(AF_INET, (udp ? SOCK_DGRAM : SOCK_STREAM) | SOCK_CLOEXEC, 0);
    if (s < 0 || bind(s, (struct sockaddr *)&a, len) < 0 ||
        getsockname(s, (struct sockaddr *)&a, &len) < 0)
        return 0;
    return ntohs(a.sin_port);
}

/* [IP:][HOST:]CTR[/PROTO]; without HOST a free one. An IPv6 address stands in brackets. */
static int one_port(const char *text, json_t *list, struct err *e)
{
    cleanup_free char *copy = xstrdup(text);
    const char *ip = "", *proto = "tcp";
    char *rest = copy, *slash = strrchr(copy, '/');
    if (slash) {
        *slash = '\0';
        proto = slash + 1;
    }
    if (*rest == '[') {
        char *close = strchr(rest, ']');
        if (!close || close[1] != ':')
            return err_set(e, 0, "invalid port format \"%s\"", text);
        *close = '\0';
        ip = rest + 1;
        rest = close + 2;
    }
    char *last = strrchr(rest, ':');
    const char *ctr = last ? last + 1 : rest, *host = NULL;
    if (last) {
        *last = '\0';
        char *mid = strrchr(rest, ':');
        host = mid ? mid + 1 : rest;
        if (mid) {
            *mid = '\0';
            ip = rest;
        }
    }
    uint64_t cfrom, ccount, hfrom = 0, hcount = 0;
    if (port_range(ctr, &cfrom, &ccount) < 0)
        return bad_port("container", ctr, e);
    if (host && *host && port_range(host, &hfrom, &hcount) < 0)
        return bad_port("host", host, e);
    if (hcount && hcount != ccount)
        return err_set(e, 0, "host and container port ranges have different lengths: %llu vs %llu",
                       (unsigned long long)hcount, (unsigned long long)ccount);
    if (*ip && !ip_ok(ip))
        return err_set(e, 0, "cannot parse \"%s\" as an IP address", ip);
    if (strcmp(proto, "tcp") != 0 && strcmp(proto, "udp") != 0)
        return err_set(e, 0, "unrecognized protocol \"%s\": tcp and udp are known", proto);
    for (uint64_t i = 0; i < ccount; i++) {
        uint64_t port = hcount ? hfrom + i : free_port(strcmp(proto, "udp") == 0);
        if (!port)
            return err_sys(e, "cannot find a free port for \"%s\"", text);
        json_array_append_new(list, json_pack("{s:s, s:I, s:I, s:s}", "hostIp", ip, "hostPort",
                                              (json_int_t)port, "containerPort",
                                              (json_int_t)(cfrom + i), "protocol", proto));
    }
    return 0;
}

int ports_parse(const struct strv *publish, json_t **ret, struct err *e)
{
    json_t *list = json_array();
    for (size_t i = 0; i < publish->n; i++)
        if (one_port(publish->v[i], list, e) < 0) {
            json_decref(list);
            return -1;
        }
    *ret = list;
    return 0;
}

/* --expose and the image's ports, ranges expanded: "80/tcp". */
json_t *create_exposed(const struct strv *asked, const json_t *of_image, struct err *e)
{
    cleanup(strv_free) struct strv all = STRV_INIT, out = STRV_INIT;
    const char *key;
    json_t *v;
    json_object_foreach((json_t *)(uintptr_t)of_image, key, v) strv_add(&all, key);
    for (size_t i = 0; i < asked->n; i++)
        strv_add(&all, asked->v[i]);
    for (size_t i = 0; i < all.n; i++) {
        char *proto = strchr(all.v[i], '/');
        uint64_t from, count;
        if (proto)
            *proto++ = '\0';
        if (port_range(all.v[i], &from, &count) < 0) {
            bad_port("expose", all.v[i], e);
            return NULL;
        }
        for (uint64_t k = 0; k < count; k++)
            strv_addf(&out, "%llu/%s", (unsigned long long)(from + k), proto ? proto : "tcp");
    }
    return jx_from_strv(&out);
}

/* -P: each exposed port that was not published by hand. */
static int publish_exposed(const json_t *rec, json_t *ports, struct err *e)
{
    const json_t *v, *p;
    size_t i, k;
    json_array_foreach(json_object_get(rec, "exposed"), i, v)
    {
        bool known = false;
        json_array_foreach(ports, k, p)
        {
            cleanup_free char *have = xasprintf("%lld/%s", (long long)jx_int(p, "containerPort", 0),
                                                jx_str(p, "protocol"));
            known |= strcmp(have, json_string_value(v)) == 0;
        }
        if (!known && one_port(json_string_value(v), ports, e) < 0)
            return -1;
    }
    return 0;
}

/* ---- namespaces ---- */

/* «container:NAME» becomes «container:ID», so that a rename does not matter. */
static int namespace_mode(const struct roots *r, const char *flag, const char *mode, json_t *into,
                          const char *key, struct err *e)
{
    bool ipc = strcmp(key, "ipc") == 0;
    if (!mode || !*mode)
        return 0;
    if (strcmp(mode, "private") == 0 || strcmp(mode, "host") == 0 || str_starts(mode, "ns:") ||
        (ipc && (strcmp(mode, "none") == 0 || strcmp(mode, "shareable") == 0))) {
        jx_set_str(into, key, mode);
        return 0;
    }
    if (strcmp(mode, "pod") == 0)
        return 0;
    if (str_starts(mode, "container:")) {
        struct ctr other;
        if (ctr_find(r, mode + strlen("container:"), &other, e) < 0)
            return err_prefix(e, "looking up container to share %s namespace with",
                              strcmp(key, "network") == 0 ? "net" : key);
        const char *theirs = jx_str(json_object_get(other.record, "namespaces"), "ipc");
        if (ipc && (strcmp(theirs, "private") == 0 || strcmp(theirs, "none") == 0)) {
            err_set(e, 0,
                    "joining IPC of container %s is not allowed: non-shareable IPC (hint: use "
                    "IpcMode:shareable for the donor container)",
                    other.id);
            ctr_close(&other);
            return -1;
        }
        bool host = strcmp(jx_str(json_object_get(other.record, "namespaces"), key), "host") == 0;
        cleanup_free char *value = host ? xstrdup("host") : xasprintf("container:%s", other.id);
        jx_set_str(into, key, value);
        ctr_close(&other);
        return 0;
    }
    err_set(e, 0, "unrecognized namespace mode %s passed", mode);
    return err_hint(e, "Use one of: private, host, container:ID, ns:PATH, for %s", flag);
}

static bool is_bridge(const char *mode)
{
    return strcmp(mode, "bridge") == 0 || str_starts(mode, "bridge:");
}

/* Only networks of a bridge can be several; the sentence is podman's. */
static int several_networks(const struct create_opts *o, struct err *e)
{
    const char *first = o->network.v[0];
    if (is_bridge(first))
        return err_set(e, 0, "several networks need CNI, which is not supported yet");
    err_set(e, 0,
            "cannot set multiple networks without bridge network mode, selected mode %.*s: "
            "invalid argument",
            (int)strcspn(first, ":"), first);
    return err_hint(e, "Give one --network");
}

static int network_mode(const struct roots *r, const struct create_opts *o, json_t *ns, json_t *net,
                        struct err *e)
{
    const char *mode = o->network.n ? o->network.v[o->network.n - 1] : "";
    size_t n = strcspn(mode, ":");
    if (o->network.n > 1)
        return several_networks(o, e);
    if (str_starts(mode, "container:") || str_starts(mode, "ns:") || strcmp(mode, "host") == 0)
        return namespace_mode(r, "--network", mode, ns, "network", e);
    if (!*mode || strcmp(mode, "private") == 0 || strcmp(mode, "default") == 0 ||
        strcmp(mode, "podman") == 0 || strcmp(mode, "bridge") == 0) {
        jx_set_str(net, "mode", "private");
        return 0;
    }
    cleanup_free char *name = xstrndup(mode, n);
    if (strcmp(name, "none") != 0 && strcmp(name, "slirp4netns") != 0 &&
        strcmp(name, "pasta") != 0) {
        err_set(e, 0, "unable to find network with name or ID %s: network not found", mode);
        return err_hint(
            e, "Use one of: none, host, private, slirp4netns, pasta, container:ID, ns:PATH");
    }
    jx_set_str(net, "mode", name);
    if (mode[n] == ':') {
        cleanup(strv_free) struct strv options = STRV_INIT;
        strv_split(&options, mode + n + 1, ',');
        jx_set(net, "options", jx_from_strv(&options));
    }
    return 0;
}

static int check_hosts(const struct create_opts *o, struct err *e)
{
    for (size_t i = 0; i < o->add_host.n; i++) {
        const char *colon = strchr(o->add_host.v[i], ':');
        if (!colon || colon == o->add_host.v[i] ||
            !(ip_ok(colon + 1) || strcmp(colon + 1, "host-gateway") == 0))
            return err_set(e, 0, "bad format for add-host: \"%s\"", o->add_host.v[i]);
    }
    for (size_t i = 0; i < o->dns.n; i++)
        if (!ip_ok(o->dns.v[i]) && strcmp(o->dns.v[i], "none") != 0)
            return err_set(e, 0, "%s is not an ip address", o->dns.v[i]);
    return 0;
}

static int joins_pod_network(const struct roots *r, const json_t *rec, bool *ret, struct err *e)
{
    struct pod p;
    const char *id = jx_str(rec, "pod");
    if (!*id || jx_bool(rec, "infra"))
        return 0;
    if (pod_open(r, id, &p, e) < 0)
        return -1;
    *ret = pod_shares(&p, "net");
    pod_close(&p);
    return 0;
}

int create_network(const struct roots *r, const struct create_opts *o, json_t *rec, struct err *e)
{
    json_t *ns = json_object(), *net = json_object(), *ports = NULL;
    json_object_set_new(rec, "namespaces", ns);
    json_object_set_new(rec, "network", net);
    if (o->ip || o->network_alias.n)
        return err_set(e, 0,
                       "invalid config provided: networks and static ip/mac address can only be "
                       "used with Bridge mode networking");
    if (namespace_mode(r, "--pid", o->pid, ns, "pid", e) < 0 ||
        namespace_mode(r, "--ipc", o->ipc, ns, "ipc", e) < 0 ||
        namespace_mode(r, "--uts", o->uts, ns, "uts", e) < 0 ||
        namespace_mode(r, "--cgroupns", o->cgroupns, ns, "cgroup", e) < 0 || check_hosts(o, e) < 0)
        return -1;
    bool in_pod = false;
    if (joins_pod_network(r, rec, &in_pod, e) < 0)
        return -1;
    if (in_pod && o->publish.n)
        return err_set(e, 0,
                       "invalid config provided: published or exposed ports must be defined when "
                       "the pod is created: network cannot be configured when it is shared with a "
                       "pod");
    if (in_pod && o->add_host.n)
        return err_set(e, 0,
                       "invalid config provided: extra host entries must be specified on the pod: "
                       "network cannot be configured when it is shared with a pod");
    if (!(in_pod && !o->network.n) && network_mode(r, o, ns, net, e) < 0)
        return -1;
    if (ports_parse(&o->publish, &ports, e) < 0)
        return -1;
    if (o->publish_all && publish_exposed(rec, ports, e) < 0) {
        json_decref(ports);
        return -1;
    }
    bool tapped = *jx_str(net, "mode") && strcmp(jx_str(net, "mode"), "none") != 0;
    if (json_array_size(ports) && !tapped && json_object_get(ns, "network")) {
        json_decref(ports);
        return err_set(e, 0, "cannot publish ports with --network %s", jx_str(ns, "network"));
    }
    jx_set(net, "ports", ports);
    jx_set(net, "dns", jx_from_strv(&o->dns));
    jx_set(net, "dnsSearch", jx_from_strv(&o->dns_search));
    jx_set(net, "dnsOptions", jx_from_strv(&o->dns_option));
    jx_set(net, "addHosts", jx_from_strv(&o->add_host));
    if (o->no_hosts)
        json_object_set_new(net, "noHosts", json_true());
    return 0;
}
