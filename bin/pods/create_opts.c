/* What the command line of pod pod create may say. */
#include "create.h"

#include <string.h>

#define AT(f) offsetof(struct pods_create, f)
#define LIMIT(name)                                                                                \
    {                                                                                              \
        name, 0, OPT_LIST, "LIMIT", NULL, AT(limit)                                                \
    }
static const struct opt options[] = {
    {"add-host", 0, OPT_LIST, "HOST:IP", "Add a line to /etc/hosts", AT(add_host)},
    {"cgroup-parent", 0, OPT_STR, "PATH", "Make the cgroups of its containers below PATH",
     AT(cgroup_parent)},
    {"device", 0, OPT_LIST, "HOST[:PATH[:rwm]]", "Add a device of the host to every container",
     AT(device)},
    {"dns", 0, OPT_LIST, "IP", "Use this DNS server", AT(dns)},
    {"dns-option", 0, OPT_LIST, "OPTION", "Set a resolver option", AT(dns_option)},
    {"dns-opt", 0, OPT_LIST, "OPTION", NULL, AT(dns_option)},
    {"dns-search", 0, OPT_LIST, "DOMAIN", "Set a DNS search domain", AT(dns_search)},
    {"exit-policy", 0, OPT_STR, "POLICY",
     "When the last container has ended: continue (the default) or stop the pod", AT(exit_policy)},
    {"gidmap", 0, OPT_LIST, "CTR:HOST:N", "Map group IDs", AT(gidmap)},
    {"hostname", 0, OPT_STR, "NAME", "Host name of the pod", AT(hostname)},
    {"infra", 0, OPT_BOOL, NULL, "Hold the namespaces by an infra container (default true)",
     AT(infra)},
    {"infra-command", 0, OPT_STR, "COMMAND", "Command of the infra container, with --infra-image",
     AT(infra_command)},
    {"infra-conmon-pidfile", 0, OPT_STR, "FILE",
     "Write the process ID of the infra container's monitor to FILE", AT(conmon_pidfile)},
    {"infra-image", 0, OPT_STR, "IMAGE", "Make the infra container of IMAGE (default: pod's own)",
     AT(infra_image)},
    {"infra-name", 0, OPT_STR, "NAME", "Name of the infra container", AT(infra_name)},
    {"label", 'l', OPT_LIST, "KEY=VALUE", "Set a label", AT(label)},
    {"label-file", 0, OPT_LIST, "FILE", "Read labels from FILE, one a line", AT(label_file)},
    {"name", 'n', OPT_STR, "NAME", "Name of the pod", AT(name)},
    {"network", 0, OPT_LIST, "MODE", "none, host, slirp4netns, pasta, container:ID", AT(network)},
    {"no-hosts", 0, OPT_BOOL, NULL, "Leave /etc/hosts of the images alone", AT(no_hosts)},
    {"pid", 0, OPT_STR, "MODE", "PID namespace of the infra container: private, host, container:ID",
     AT(pid)},
    {"pod-id-file", 0, OPT_STR, "FILE", "Write the pod's ID to FILE", AT(pod_id_file)},
    {"publish", 'p', OPT_LIST, "[IP:][PORT:]PORT", "Publish a port on the host", AT(publish)},
    {"replace", 0, OPT_BOOL, NULL, "Remove a pod of the same name first", AT(replace)},
    {"security-opt", 0, OPT_LIST, "OPTION", "Security option of every container", AT(security_opt)},
    {"share", 0, OPT_STR, "LIST", "Namespaces to share (default ipc,net,uts); +LIST adds to these",
     AT(share)},
    {"share-parent", 0, OPT_BOOL, NULL, NULL, AT(share_parent)},
    {"shm-size", 0, OPT_STR, "SIZE", "Size of /dev/shm (default 64m)", AT(shm_size)},
    {"sysctl", 0, OPT_LIST, "NAME=VALUE", "Set a namespaced kernel parameter", AT(sysctl)},
    {"uidmap", 0, OPT_LIST, "CTR:HOST:N", "Map user IDs", AT(uidmap)},
    {"userns", 0, OPT_STR, "MODE", "User namespace: auto, host, keep-id, nomap", AT(userns)},
    {"uts", 0, OPT_STR, "MODE", "UTS namespace of the infra container: private, host, container:ID",
     AT(uts)},
    {"volume", 'v', OPT_LIST, "[SOURCE:]DEST[:OPTIONS]",
     "Mount a volume or directory in every container", AT(volume)},
    {"volumes-from", 0, OPT_LIST, "CONTAINER[:OPTIONS]",
     "Mount another container's volumes in every container", AT(volumes_from)},
    {"ip", 0, OPT_STR, "IP", NULL, AT(ip)},
    {"ip6", 0, OPT_STR, "IP", NULL, AT(ip)},
    {"mac-address", 0, OPT_STR, "MAC", NULL, AT(ip)},
    {"network-alias", 0, OPT_LIST, "NAME", NULL, AT(network_alias)},
    LIMIT("blkio-weight"),
    LIMIT("blkio-weight-device"),
    LIMIT("cpu-shares"),
    LIMIT("cpus"),
    LIMIT("cpuset-cpus"),
    LIMIT("cpuset-mems"),
    LIMIT("device-read-bps"),
    LIMIT("device-write-bps"),
    LIMIT("memory"),
    LIMIT("memory-swap"),
    {0},
};

const struct cmd pods_create_command = {
    .name = "pod pod create",
    .operands = "[NAME]",
    .summary = "Create a pod",
    .more = "Exit codes: 0 created, 125 pod failed.",
    .opts = options,
    .max = 1,
};

/* Without an infra container there is nothing to share, and nothing to be set on it. */
int pods_create_check(const struct pods_create *o, struct err *e)
{
    static const char *const policies[] = {"continue", "stop", NULL};
    if (o->exit_policy && !str_in(o->exit_policy, policies))
        return err_set(e, 0, "running pod create option: invalid pod exit policy: \"%s\"",
                       o->exit_policy);
    if (o->limit.n) {
        err_set(e, 0, "limits of a whole pod are not supported: it has no cgroup of its own");
        return err_hint(e, "Give them to its containers: pod create --pod NAME --memory 100m ...");
    }
    if (o->infra)
        return 0;
    if (o->share && *o->share && strcmp(o->share, "none") != 0)
        return err_set(e, 0, "cannot set share(%s) namespaces without an infra container",
                       o->share);
    const struct {
        const char *name;
        bool set;
    } of_infra[] = {
        {"hostname", o->hostname},
        {"publish", o->publish.n},
        {"network", o->network.n},
        {"network-alias", o->network_alias.n},
        {"ip", o->ip},
        {"add-host", o->add_host.n},
        {"no-hosts", o->no_hosts},
        {"dns", o->dns.n},
        {"dns-option", o->dns_option.n},
        {"dns-search", o->dns_search.n},
        {"sysctl", o->sysctl.n},
        {"shm-size", o->shm_size},
        {"userns", o->userns},
        {"uidmap", o->uidmap.n},
        {"gidmap", o->gidmap.n},
        {"infra-name", o->infra_name},
        {"infra-image", o->infra_image},
        {"infra-command", o->infra_command},
        {"infra-conmon-pidfile", o->conmon_pidfile},
        {"pid", o->pid},
        {"uts", o->uts},
        {"volume", o->volume.n},
        {"device", o->device.n},
        {"security-opt", o->security_opt.n},
        {"volumes-from", o->volumes_from.n},
    };
    for (size_t i = 0; i < sizeof of_infra / sizeof *of_infra; i++)
        if (of_infra[i].set)
            return err_set(e, 0, "cannot set %s without an infra container", of_infra[i].name);
    return 0;
}
