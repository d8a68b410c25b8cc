#include "inspect/inspect.h"

#include "plain/buf.h"
#include "plain/str.h"

#include <stdlib.h>
#include <string.h>

/* {"80/tcp": [{HostIp, HostPort}]}; an exposed port that nobody published is null. */
json_t *inspect_ports(const json_t *rec)
{
    json_t *all = json_object();
    const json_t *p;
    size_t i;
    json_array_foreach(json_object_get(rec, "exposed"), i, p)
    {
        const char *text = json_string_value(p) ? json_string_value(p) : "";
        cleanup_free char *key = xasprintf("%s%s", text, strchr(text, '/') ? "" : "/tcp");
        json_object_set_new(all, key, json_null());
    }
    json_array_foreach(json_object_get(json_object_get(rec, "network"), "ports"), i, p)
    {
        cleanup_free char *key =
            xasprintf("%lld/%s", (long long)jx_int(p, "containerPort", 0), jx_str(p, "protocol"));
        cleanup_free char *host = xasprintf("%lld", (long long)jx_int(p, "hostPort", 0));
        if (!json_is_array(json_object_get(all, key)))
            json_object_set_new(all, key, json_array());
        json_array_append_new(
            json_object_get(all, key),
            json_pack("{s:s, s:s}", "HostIp", jx_str(p, "hostIp"), "HostPort", host));
    }
    return all;
}

json_t *inspect_network(const struct roots *r, const struct ctr *c)
{
    static const char *const empty[] = {
        "EndpointID", "Gateway", "IPAddress", "IPv6Gateway",          "GlobalIPv6Address",
        "MacAddress", "Bridge",  "SandboxID", "LinkLocalIPv6Address", NULL};
    static const char *const zero[] = {"IPPrefixLen", "GlobalIPv6PrefixLen",
                                       "LinkLocalIPv6PrefixLen", NULL};
    struct ctr_status s;
    json_t *o = json_object();
    ctr_status(r, c, &s);
    for (size_t i = 0; empty[i]; i++)
        json_object_set_new(o, empty[i], json_string(""));
    for (size_t i = 0; zero[i]; i++)
        json_object_set_new(o, zero[i], json_integer(0));
    json_object_set_new(o, "HairpinMode", json_false());
    json_object_set_new(o, "Ports", inspect_ports(c->record));
    cleanup_free char *key = s.pid ? xasprintf("/proc/%d/ns/net", s.pid) : xstrdup("");
    json_object_set_new(o, "SandboxKey", json_string(key));
    return o;
}
