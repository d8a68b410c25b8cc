/*
 * The OCI runtime-spec configuration of a container, made from its record at every start: what
 * depends on the moment (namespaces of other containers, the user's id map) is looked up then.
 */
#ifndef POD_THINGS_SPEC_H
#define POD_THINGS_SPEC_H

#include "things/ctr.h"
#include "things/netaddr.h"

#include <stdbool.h>

struct spec_env {
    const char *rootfs;    /* absolute path that becomes root.path */
    const char *ctr_dir;   /* absolute containers/<id> */
    const char *run_dir;   /* absolute run/<id>; hosts, hostname and resolv.conf are made there */
    const char *id_maps;   /* text of the holder's uid_map; "" when there is no user namespace */
    json_t *joined;        /* {"network": "/proc/…", …}: namespaces to join, by OCI type */
    const char *init_path; /* pod-init, for --init and pods' pause */
    bool shares_shm;       /* run_dir/shm will be another container's /dev/shm */
    const char *net_owner; /* run/<id> of the container whose network is shared; NULL */
    struct netaddr addr;   /* of a network that slirp4netns or pasta serves */
    bool net_tapped;       /* slirp4netns or pasta will serve the network */
    bool net_fresh;        /* the container gets a network namespace of its own */
};

int spec_umask(const struct ctr *c);
/* process.consoleSize, when our standard input or output is a terminal. */
void spec_set_size(json_t *process);
/* Its limits and the usual ones, as process.rlimits. */
json_t *spec_rlimits(const struct ctr *c);

/* seccomp is not in it: the caller puts it in (things/seccomp.h has it as text). */
int spec_build(const struct ctr *c, const struct spec_env *env, json_t **ret, struct err *e);

/* The "mounts" array (spec_mounts.c), and the files they bind from run_dir (spec_hostfiles.c). */
int spec_mounts(const struct ctr *c, const struct spec_env *env, json_t *ret, struct err *e);
/* --dns none: the image's own /etc/resolv.conf stays. */
bool spec_keeps_resolv(const json_t *record);
int spec_hostfiles(const struct ctr *c, const struct spec_env *env, struct err *e);

/*
 * linux.uidMappings for the mode, out of the parent's map as /proc/PID/uid_map shows it: never
 * one entry across two extents of the parent, which the kernel refuses. keep: the id that shall
 * be the user's own (keep-id), or -1.
 */
json_t *spec_id_maps(const char *parent_map, int64_t keep);
/* The same for a container's record: keep-id, its own maps, or all ids as they are. */
json_t *spec_ctr_maps(const json_t *record, const char *parent_map, bool gids);
/* Does the container show other ids than the user's namespace has? */
bool spec_remaps(const json_t *record);

#endif
