/* Between create.c and create_opts.c, which knows what the command line may say. */
#ifndef POD_BIN_PODS_CREATE_H
#define POD_BIN_PODS_CREATE_H

#include "plain/opt.h"
#include "plain/str.h"

#include <stdbool.h>

struct pods_create {
    bool infra, replace;
    const char *name, *hostname, *share, *pod_id_file, *userns, *infra_name, *shm_size, *pid,
        *infra_image, *infra_command, *exit_policy, *uts, *ip, *conmon_pidfile, *cgroup_parent;
    struct strv publish, label, label_file, network, add_host, dns, dns_option, dns_search, sysctl;
    struct strv uidmap, gidmap, network_alias;
    struct strv volume, volumes_from, device, security_opt; /* of every member */
    struct strv limit; /* whatever of: a pod has no cgroup that could hold to it */
    bool no_hosts, share_parent;
    char **argv; /* the command line, for the record */
};

extern const struct cmd pods_create_command;
int pods_create_check(const struct pods_create *o, struct err *e);

#endif
