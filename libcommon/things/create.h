/*
 * From a command line to a container record: what `pod run`, `pod create` and pods share.
 */
#ifndef POD_THINGS_CREATE_H
#define POD_THINGS_CREATE_H

#include "disk/roots.h"
#include "plain/err.h"
#include "plain/opt.h"
#include "plain/str.h"
#include "things/image.h"
#include "words/json.h"

#include <stdbool.h>
#include <stdint.h>

struct create_opts {
    bool detach, interactive, tty, rm, read_only, privileged, init, replace, no_hosts, quiet,
        no_sigproxy, env_host, unsetenv_all, publish_all, rmi, no_hostname, rootfs, no_healthcheck;
    bool ignored;         /* accepted for podman's and docker's sake, means nothing here */
    int64_t preserve_fds; /* for this one start */
    int sig_proxy, tls_verify, http_proxy, read_only_tmpfs, passwd;
    const char *name, *workdir, *user, *entrypoint, *hostname, *pid, *ipc, *uts, *userns, *pod,
        *cgroupns;
    const char *stop_signal, *cidfile, *pull, *platform, *restart, *log_driver, *runtime, *tz,
        *umask;
    const char *memory, *memory_swap, *memory_reservation, *cpus, *pids_limit, *shm_size,
        *detach_keys;
    const char *authfile, *creds, *arch, *os, *variant, *stop_timeout, *cpu_shares;
    const char *cgroups, *conmon_pidfile, *cpu_period, *cpu_quota, *cpuset_cpus, *cpuset_mems;
    const char *group_entry, *image_volume, *passwd_entry, *init_ctr, *init_path, *kernel_memory,
        *oom_score_adj, *pidfile;
    const char *pod_id_file, *sdnotify, *seccomp_policy, *subid_name, *systemd, *timeout;
    const char *health_cmd, *health_interval, *health_on_failure, *health_retries,
        *health_start_period, *health_timeout;
    const char *personality;
    const char *blkio_weight, *cgroup_parent, *cpu_rt_period, *cpu_rt_runtime, *memory_swappiness;
    bool oom_kill_disable;
    struct strv blkio_weight_device, cgroup_conf, device_read_bps, device_read_iops,
        device_write_bps, device_write_iops;
    const char *ip; /* a static address of any kind: there is no network of ours to have one in */
    struct strv env, env_file, volume, mount, tmpfs, cap_add, cap_drop, security_opt, network,
        publish;
    struct strv dns, dns_search, dns_option, add_host, label, annotation, ulimit, sysctl, device;
    struct strv group_add, log_opt, expose, attach, env_merge, unsetenv, hostuser, label_file,
        secret;
    struct strv chrootdirs;
    struct strv hooks_dir;                 /* of containers.conf or `pod --hooks-dir` */
    struct strv gpus;                      /* devices of the CDI kind nvidia.com/gpu */
    struct strv cdi_dirs;                  /* of containers.conf */
    struct strv env_default, caps_default; /* of containers.conf; without: our own */
    struct strv runtime_flag;              /* without their dashes */
    struct strv device_rule, network_alias, requires, uidmap, gidmap, volumes_from;
    /* not from the command line: */
    bool infra;                /* a pod's first container, which holds its namespaces */
    bool infra_image;          /* it is made of an image; else of our own pause program */
    const char *infra_pod;     /* its pod's id */
    const char *id;            /* chosen already, or NULL */
    const char *shared;        /* infra: namespaces the pod shares, "net,ipc,uts" */
    char *const *command_line; /* argv, for the record */
    char *pods_parent;         /* create_pod.c's */
};
#define CREATE_OPTS_INIT                                                                           \
    {                                                                                              \
        .sig_proxy = -1, .tls_verify = -1, .http_proxy = -1, .read_only_tmpfs = -1, .passwd = -1   \
    }

extern const struct opt create_option_table[];
extern const char *const create_default_caps[]; /* ends with NULL */

/*
 * Makes the container (things/ctr.h) and gives its id. operands: IMAGE [COMMAND...], then NULL.
 * The image must be there (image_find); pulling is the program's business.
 */
int create_container(const struct roots *r, const struct create_opts *o, char *const *operands,
                     char ret_id[65], struct err *e);

/* ---- users.c ---- */
struct user_ids {
    unsigned uid, gid;
    unsigned groups[64];
    size_t ngroups;
    char home[256], name[64]; /* name: "" when passwd does not know the user */
};
/*
 * spec: "", "name", "uid", "name:group", "uid:gid"; passwd and group: texts of the files (may be
 * ""). A user or group that is not there: code 126.
 */
int user_resolve(const char *spec, const char *passwd, const char *group, struct user_ids *ret,
                 struct err *e);
/* One more --group-add value to ret. */
int user_add_group(const char *name, const char *group, struct user_ids *ret, struct err *e);

/* ---- create_etc.c: lines that the image's passwd and group lack ---- */
struct etc {
    const struct create_opts *o;
    struct buf *passwd, *group; /* the image's, empty when it has none */
    bool keep;                  /* the user is the caller (keep-id) */
    bool passwd_new, group_new; /* lines were added */
};
/* --hostuser: before --user is looked up, so that it can name one. */
int etc_host_users(struct etc *t, const char *home, struct err *e);
/* The user and the group the container runs as; gives u a home; rec keeps what was changed. */
void etc_finish(struct etc *t, struct user_ids *u, json_t *rec);
/* Puts what rec kept into the container's writable layer, and takes it out of rec. */
int etc_write(const struct roots *r, int ctr_dir, json_t *rec, struct err *e);

json_t *caps_default(void); /* what a container has without --cap-add and --cap-drop */
json_t *caps_all(void);     /* every capability that the kernel and libcap know, by name */

/* ---- environment, NAME=VALUE each ---- */
/* NAME alone takes the caller's value, NAME* those of all variables that begin so. */
int env_put(struct strv *env, const char *text, struct err *e);
int env_from_file(struct strv *env, const char *path, struct err *e);

/* ---- the pod's share ---- */
/*
 * *ret: o with what its pod gives every container, if it is to be in one. Then, and only then, to
 * be freed.
 */
int create_of_pod(const struct roots *r, const struct create_opts *o, struct create_opts *ret,
                  struct err *e);
void create_of_pod_free(struct create_opts *o);
/* What is the pod's to say. */
struct pod;
int create_pod_check(const struct pod *p, const struct create_opts *o, struct err *e);
/* After the others: the ids that a container will have in its pod's user namespace ("podMaps"). */
void create_pod_maps(const struct roots *r, json_t *rec);

/* ---- parts of the record; each fills keys of rec, from options and the image's "config" ---- */
int create_process(const struct roots *r, const struct create_opts *o, const struct image *img,
                   char *const *command, json_t *rec, struct err *e);
int create_plain(const struct roots *r, const struct create_opts *o, const json_t *cfg, json_t *rec,
                 struct err *e);
int create_env(const struct create_opts *o, const json_t *cfg, const struct user_ids *u,
               json_t *rec, struct err *e);
int create_devices(const struct create_opts *o, json_t *rec, struct err *e);
int create_mounts(const struct roots *r, const struct create_opts *o, const json_t *cfg,
                  json_t *rec, struct err *e);
int create_network(const struct roots *r, const struct create_opts *o, json_t *rec, struct err *e);
int create_userns(const struct create_opts *o, json_t *rec, struct err *e);
/*
 * create_auto.c: --userns auto[:OPTIONS]; how many ids by the image's passwd and group where nobody
 * said; and at the very end which, kept by *ret_lock (-1: none) until others can see the record.
 */
int create_auto(const char *options, json_t *rec, struct err *e);
void create_auto_size(const char *passwd, const char *group, json_t *rec);
int create_auto_pick(const struct roots *r, json_t *rec, int *ret_lock, struct err *e);
/* "files" and "parent" of limits: what goes into the cgroup as it is, and where that lies. */
int create_io(const struct create_opts *o, json_t *limits, struct err *e);
/* Below the image's layers, where it fits, one with what is mounted on in every container. */
void create_skeleton(const struct roots *r, json_t *rec);
/* After all the others: by what the container will run. */
int create_systemd(const struct create_opts *o, const json_t *cfg, json_t *rec, struct err *e);
/* "restart", or nothing for no. */
int create_restart(const struct create_opts *o, json_t *rec, struct err *e);
int create_limits(const struct create_opts *o, json_t *rec, struct err *e);
int create_security(const struct create_opts *o, json_t *rec, struct err *e);
/* The profile out of the image (cfg), checked; then, as a file of the container's. */
int create_seccomp(const struct create_opts *o, const json_t *cfg, json_t *rec, struct err *e);
int create_seccomp_write(const struct roots *r, int ctr_dir, json_t *rec, struct err *e);

json_t *create_exposed(const struct strv *asked, const json_t *of_image, struct err *e);

/* -p values to [{hostIp hostPort containerPort protocol}], ranges expanded. */
int ports_parse(const struct strv *publish, json_t **ret, struct err *e);

#endif
