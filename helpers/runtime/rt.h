/*
 * pod-runtime's rooms. One invocation works on one container, described by `struct rt`; the
 * process that becomes the container's pid 1 is called init, its parent the runtime.
 *
 * options.c reads the command line, check.c judges config.json; create.c orders the steps; ns.c
 * makes namespaces, cgroup.c and resources.c the control group; rootfs.c, mounts.c, dev.c build
 * the file tree; process.c, caps.c, attrs.c and filter.c turn init into the payload; foreground.c
 * waits for it; notify.c passes on that it is ready; state.c is the disk; verbs.c, list.c,
 * features.c and sample.c the short commands.
 */
#ifndef POD_RUNTIME_RT_H
#define POD_RUNTIME_RT_H

#include "options.h"
#include "plain/buf.h"
#include "plain/err.h"
#include "plain/str.h"
#include "words/json.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#define OCI_VERSION "1.2.0"

struct rt {
    const struct options *o;
    const char *root; /* directory of states, one subdirectory a container */
    const char *id;
    const char *bundle;
    bool creating, needs_id, force, dev_readonly;
    int seccomp_fd;  /* compiled form of linux.seccomp to load as it is; -1: compile */
    int report_fd;   /* -1, or where the one-line answer goes */
    int terminal_fd; /* run, exec: where we receive the terminal to serve; -1: nobody asked */
    int console_fd;  /* its other end, for init; -1: the console socket of the options */
    int pid_fd;      /* exec: the open pid file, or -1 */
    int journal_fd;  /* exec: pod's directory of the container, or -1 */
    int lent_fd;     /* where namespaces wait for us (lent.c), or -1 */
    int lender;      /* pidfd of who made them, until it is gone; or -1 */
    int listener_fd, listener_end; /* seccomp notifications: the runtime's and init's end, or -1 */
    int agent_fd;                  /* connected to listenerPath, or -1 */
    int64_t listen_fds; /* descriptors from 3 up that systemd's socket activation gave us */
    json_t *spec;       /* config.json, owned */
    char *spec_text;    /* its text as read; owned */
    size_t spec_len;
    int *trees;       /* one a mount: its source, copied beforehand, or -1; NULL: none */
    bool trees_remap; /* some of them are to get the ids of init's user namespace */
    int notify_fd;    /* where the container says that it is ready; -1: nobody wants to know */
    int root_tree;    /* the root filesystem for an init that cannot reach it by its path; -1 */
    char *rootfs;     /* absolute path of root.path */
    char *cgroup;     /* directory of the container's cgroup when it is ours to remove, or NULL */
    unsigned caller_uid,
        caller_gid; /* who called us, as the container numbers ids: owner of sources */
};

/* ---- check.c: what can be told wrong or unsupported by reading config.json ---- */
int check_spec(const json_t *spec, const char *rootfs, struct err *e);

/*
 * Numbers above INT64_MAX (an endless rlimit, a mask in a seccomp rule), which the JSON reader
 * refuses, become the negative number of the same 64 bits.
 */
void spec_fold_numbers(struct buf *json);
/*
 * Empties the rules of linux.seccomp, two thirds of a usual configuration, where the filter has
 * been compiled already. Not if one of them notifies: that has to be known.
 */
void spec_drop_rules(struct buf *json);

/* ---- execspec.c ---- */
/* New reference, or NULL. */
json_t *exec_process(struct rt *rt, char **argv, struct err *e);

/* ---- self.c ---- */
/* Goes on in a sealed copy of this program, unless nobody could write to the original. */
int self_protect(char **argv, struct err *e);

/* ---- state.c ---- */
struct state {
    pid_t pid;
    uint64_t birth;
    char *bundle, *created, *rootfs;
    char *cgroup; /* NULL when there is none of its own */
    unsigned owner;
    json_t *annotations; /* NULL when there are none */
};
int state_reserve(const struct rt *rt, struct err *e);     /* mkdir; EEXIST is an error */
int state_save_config(const struct rt *rt, struct err *e); /* config.json, as it was read */
int state_save(const struct rt *rt, pid_t pid, struct err *e);
int state_load(const struct rt *rt, struct state *ret, struct err *e);
void state_free(struct state *s);
void state_remove(const struct rt *rt);
/* The ids whose name the extended regular expression matches; NULL: all. */
int state_matching(const struct rt *rt, const char *regex, struct strv *ret, struct err *e);
/* "created", "running", "paused" or "stopped" (runtime-spec «State») */
const char *state_status(const struct rt *rt, const struct state *s);
char *state_file(const struct rt *rt, const char *name);
json_t *state_json(const struct rt *rt, const struct state *s, const char *status);

/* ---- ns.c ---- */
struct nsplan {
    int fresh;  /* CLONE_NEW* to make */
    int joined; /* CLONE_NEW* to enter, by the descriptors below */
    int fd[8];
    int type[8];
    size_t n;
    bool ready;    /* init has nothing to wait for */
    bool stay;     /* we have more to do outside of what is joined, or would be in others' sight */
    bool rootless; /* the user namespace is ours to add: newuidmap maps the caller's own ids */
};
int ns_plan(const json_t *spec, struct nsplan *ret, struct err *e);
/*
 * Of init, a child of ours in those of the plan. `init` does not return. Unless we are to stay, we
 * are in the joined ones ourselves then, and with us whatever we start later.
 */
typedef void ns_init(void *arg);
pid_t ns_make(const struct nsplan *p, ns_init *init, void *arg, struct err *e);
int ns_write_maps(const json_t *spec, const struct nsplan *p, pid_t pid, struct err *e);
/* init: the namespaces that clone could not make. */
int ns_make_late(const struct nsplan *p, const json_t *spec, struct err *e);
/* A user namespace with these maps that nobody lives in, for id-mapped mounts. */
int ns_of_maps(const json_t *uids, const json_t *gids, struct err *e);

/* ---- lent.c ---- */
/* Before anything else is opened: what the options name, if it is there. */
void lent_open(struct rt *rt);
/* Puts the namespaces that were made ahead, with the spec's maps, in the place of fresh ones. */
void lent_take(struct rt *rt, struct nsplan *p);
/*
 * Waits until nobody of the host is in the container's user namespace: before anything that is not
 * ours runs in it, whose root could go through such a process to the host's files.
 */
int lent_gone(struct rt *rt, struct err *e);

/* ---- cgroup.c ---- */
/* Makes linux.cgroupsPath with linux.resources; rt->cgroup is then set. Nothing to do: 0. */
int cgroup_make(struct rt *rt, struct err *e);
int cgroup_add(const char *dir, pid_t pid, struct err *e);
bool cgroup_frozen(const char *dir);
int cgroup_freeze(const char *dir, bool on, struct err *e);
int cgroup_pids(const char *dir, struct buf *ret); /* numbers, one a line */
void cgroup_kill(const char *dir, int sig);
void cgroup_remove(const char *dir); /* kills what is left in it */
/* exec: into the cgroup of the container's init, where that is allowed. */
int cgroup_follow(const struct state *s, const char *below, struct err *e);

/* ---- resources.c: linux.resources in terms of cgroup v2 files ---- */
struct resource {
    char file[64], value[128];
    bool optional; /* a kernel without the file loses nothing that was asked for */
};
struct resources {
    struct resource v[64];
    size_t n;
};
int resources_read(const json_t *r, struct resources *ret, struct err *e);
int resources_apply(const struct resources *l, const char *dir, struct err *e);

/* ---- rootfs.c ---- */
/* Everything between clone and the payload's credentials: mounts, devices, masks, pivot. */
int rootfs_setup(struct rt *rt, int *ret_console_master, struct err *e);
int rootfs_set_sysctls(const json_t *spec, struct err *e);

/* ---- path.c ---- */
/*
 * Opens (O_PATH) dest below rootfd, following links as if rootfd were /, making what is missing:
 * directories, and as the last component a directory or an empty file.
 */
int open_in_root(int rootfd, const char *dest, bool want_dir, struct err *e);
/* Likewise a directory, and no link may be on the way to it. */
int open_no_links(int rootfd, const char *dest, struct err *e);
/* Opens what is there, makes nothing; errno. */
int path_in_root(int rootfd, const char *path);
/* The path of an open descriptor, for system calls that want one. */
struct fdpath {
    char s[40];
};
struct fdpath fd_path(int fd);

/* ---- mounts.c, bind.c, masks.c, mountopt.c ---- */
struct mountopt;
int mounts_all(struct rt *rt, int rootfd, struct err *e);
/* What had to stay writable until it was filled. */
int mounts_finish(const struct rt *rt, int rootfd, struct err *e);
int mounts_masks(const struct rt *rt, int rootfd, struct err *e);
/* In the runtime, before init is made: the copies that init could not make (rt->trees). */
void trees_open(struct rt *rt, const struct nsplan *p);
/* Once init's user namespace has its maps: ids of mounts that want it. */
int trees_map(const struct rt *rt, pid_t pid, struct err *e);
bool mount_is_bind(const json_t *mnt, const struct mountopt *m);
char *mount_source(const struct rt *rt, const json_t *mnt);
/* made: the copy from trees_open, which is closed, or -1. */
int bind_mount(const struct rt *rt, const char *source, const char *dest, int made, int rootfd,
               const struct mountopt *m, struct err *e);
int mount_set_options(int tree, const struct mountopt *m, struct err *e);
/* mount(2)'s flags for "rslave" and so on; 0: no such word. */
unsigned long propagation_of(const char *name);
void mount_option_names(struct strv *ret);

/* ---- dev.c ---- */
/* Binds one file over another, nosuid and noexec besides attr (MOUNT_ATTR_*); errno. */
int bind_node(const char *source, int over, uint64_t attr);
int dev_populate(const struct rt *rt, int rootfd, struct err *e);
/* Opens a pty of the container's own devpts; the slave becomes /dev/console there. */
int dev_console(const struct rt *rt, int rootfd, const json_t *process, int *ret_master,
                char *slave, size_t size, struct err *e);
/* Unlocks and sizes the pty behind master; slave gets its path in the container. */
int dev_open_pty(const struct rt *rt, int master, const json_t *process, char *slave, size_t size,
                 struct err *e);
/* Connected to whoever waits for the terminal; the master goes there by SCM_RIGHTS. */
int dev_console_connect(const char *socket_path, struct err *e);
int dev_use_terminal(const char *slave, struct err *e);

/* ---- process.c ---- */
/* Credentials, limits, seccomp as process says; then the path that exec will use in *ret_path. */
int process_prepare(const struct rt *rt, const json_t *process, char **ret_path, struct err *e);
/* The groups of the caller stay, those that the container cannot name too. */
bool keeps_groups(const json_t *spec);
/* What of linux.seccomp was not loaded by process_prepare. */
int process_filter(const struct rt *rt, const json_t *process, struct err *e);
/* Seals descriptors and execs. Returns only on failure. */
int process_exec(const struct rt *rt, const json_t *process, const char *path, struct err *e);

/* ---- caps.c ---- */
struct capsets {
    uint64_t bounding, effective, permitted, inheritable, ambient;
};
/* What this kernel or library does not know is left out with a warning, as the spec wants it. */
void caps_read(const json_t *process, struct capsets *c);
int caps_drop_bounding(uint64_t keep, struct err *e);
int caps_apply(const struct capsets *c, struct err *e);

/* ---- attrs.c: the smaller properties of a process ---- */
int attrs_limits(const json_t *process, struct err *e);
int attrs_oom_score(const json_t *process, struct err *e);
int attrs_scheduling(const json_t *process, struct err *e); /* scheduler, ioPriority */
int attrs_affinity(const json_t *process, const char *when, struct err *e);
int attrs_personality(const json_t *spec, struct err *e);
int attrs_labels(const json_t *process, struct err *e); /* AppArmor */

/* ---- filter.c: linux.seccomp ---- */
bool filter_notifies(const struct rt *rt);
/* Before fork: checks what notifications need, makes the way out for their descriptor. */
int filter_listen(struct rt *rt, struct err *e);
int filter_load(const struct rt *rt, struct err *e);
/* In the runtime: waits for the descriptor and passes it to listenerPath. */
int filter_forward(struct rt *rt, pid_t pid, const char *status, struct err *e);

/* ---- notify.c ---- */
/* Once the state directory is there: what the container needs to be heard. */
int notify_open(struct rt *rt, struct err *e);
/* Passes on what it says, in a process that goes on. */
int notify_serve(struct rt *rt, pid_t init, struct err *e);

/* ---- foreground.c ---- */
/*
 * Waits for pid, passes signals on to it; with a terminal (terminal_fd receives its master)
 * standard input and output are connected to that.
 */
int foreground(pid_t pid, int terminal_fd, int *ret_code, struct err *e);
/* Who gets the terminal: the console socket, or we ourselves through a pair of sockets. */
int console_open(struct rt *rt, struct err *e);

/* ---- hooks.c ---- */
int hooks_run(const struct rt *rt, const char *stage, pid_t pid, const char *status, struct err *e);
bool hooks_any(const struct rt *rt, const char *stage);
/* All of them; one that fails only warns. */
void hooks_late(const struct rt *rt, const char *stage, pid_t pid, const char *status);

/* ---- create.c, verbs.c, exec.c: each returns the exit code ---- */
int cmd_create(struct rt *rt, bool start_too, struct err *e); /* 0/-1 */
/* Between `create` and `start`: two fifos beside the state, held open by init. */
#define EXEC_FIFO   "exec.fifo"
#define EXEC_ANSWER "exec.answer"
struct gate {
    int go, answer; /* -1: not wanted */
};
/* What init does from its first instruction; never returns. */
void init_main(struct rt *rt, const struct nsplan *plan, int sync, const struct gate *gate)
    __attribute__((noreturn));
int cmd_start(struct rt *rt, struct err *e);
int cmd_state(struct rt *rt, struct err *e);
int cmd_kill(struct rt *rt, const char *signal, struct err *e);
int cmd_delete(struct rt *rt, struct err *e);
int cmd_exec(struct rt *rt, char **argv, int *ret_code, struct err *e);
int cmd_list(struct rt *rt, struct err *e);
int cmd_ps(struct rt *rt, char **argv, struct err *e);
int cmd_pause(struct rt *rt, struct err *e);
int cmd_resume(struct rt *rt, struct err *e);
int cmd_update(struct rt *rt, struct err *e);
int cmd_events(struct rt *rt, struct err *e);
int cmd_features(struct rt *rt, struct err *e);
int cmd_spec(struct rt *rt, struct err *e);

#endif
