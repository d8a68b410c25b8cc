/*
 * pod-monitor's rooms. One process a container, static and small: it holds the container's lock,
 * terminal and pipes, writes the log, serves attach clients, reaps, and records the exit.
 *
 * options.c reads the command line; launch.c runs the commands that create and start
 * the container; loop.c moves bytes; clients.c speaks words/attach.h; log.c writes k8s-file;
 * record.c leaves the records that others derive the state from; health.c has checks made.
 */
#ifndef POD_MONITOR_MON_H
#define POD_MONITOR_MON_H

#include "plain/buf.h"
#include "plain/err.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#define TIMED_OUT (-1) /* the exit code of a container that --timeout has ended */

struct command {
    char **argv; /* NULL-terminated; NULL: none */
};

struct options {
    const char *id, *name, *ctr_dir, *run_dir, *trash, *cgroup_file;
    const char
        *state_dir; /* the runtime's state of this container, when removing it is all of delete */
    int lock_fd, client_fd, gate_fd, lent_fd; /* -1: none */
    int64_t preserve, preserve_at; /* descriptors for the first start, and the first of them */
    bool tty, stdin_open, remove, foreign, passthrough;
    bool hold;               /* create it, and wait to be told to start it (pod init) */
    const char *journald;    /* the tag of its lines in systemd's journal; NULL: not there */
    const char *log_path;    /* NULL: no log */
    int64_t log_max;         /* bytes; 0: no limit */
    int64_t log_files;       /* the log and its predecessors; 0: 2 */
    const char *restart;     /* no, on-failure, always, unless-stopped */
    int64_t restart_max;     /* 0: no limit */
    int64_t timeout;         /* seconds it may run; 0: no limit */
    int64_t health_interval; /* ms between two health checks; 0: none by timer */
    struct command health, create, net, start, erase, reclaim, trash_cmd, exit_cmd, after;
};

struct client {
    int fd; /* -1: gone, to be taken out of the list before the next poll */
    bool out, err, primary;
    bool starts;           /* it wants the start of one that is held, and an answer */
    bool feeds;            /* it has sent input, and is not read while that piles up */
    int64_t blocked_since; /* ms; when it last took something, while packets are pending */
    struct buf pending;    /* the packets it did not take yet */
};

struct log {
    int fd;       /* of the file; -1: none */
    int journal;  /* systemd's; -1: none */
    char *fields; /* what each line is sent with there */
    const char *path;
    int64_t size, max, files; /* bytes; bytes a file; of how many files */
};

struct mon {
    const struct options *o;
    int in, out, err; /* our ends; in == out for a terminal; -1 when closed */
    int listen, console_listen, signals;
    int net_exit; /* closing it ends the network program; -1 */
    int mounts;   /* the container's mount namespace, held open; -1 */
    pid_t pid;    /* the container's first process, a child of ours */
    bool exited;
    ssize_t drained; /* bytes of output read since */
    int exit_code;
    bool oom, stop_wanted, start_wanted;
    bool announced;  /* whoever started it has been told */
    bool unkept;     /* its start is in the runtime directory only */
    int64_t keep_at; /* ms; when that is to go to disk as well; 0: it has been tried */
    pid_t runtime;   /* that created it, and may still be about to end; 0 */
    bool held;       /* created, and not to be started yet */
    bool timed_out;
    uint64_t birth; /* the first process's start time */
    int64_t started_ns, finished_ns;
    int restarts;
    struct buf stdin_pending;
    bool stdin_eof;
    struct client *clients;
    size_t nclients, room;
    int health_timer; /* -1: none */
    pid_t health_pid; /* of a check that runs; 0 */
    bool deaf;        /* out of descriptors: nobody is let in until somebody has left */
    struct log log;
};

/* options.c: our own caller's words (things/start_chain.c); -1 for anybody else's */
int options_parse(char **argv, struct options *o);

int64_t now_ns(void);
int64_t now_ms(void); /* monotonic */

/* launch.c */
int launch_open_streams(struct mon *m, int child[3], struct err *e);
int launch_create(struct mon *m, struct err *e); /* and its network */
int launch_start(struct mon *m, struct err *e);
void launch_run_quietly(const struct command *c); /* waits; its failure is nobody's business */
pid_t launch_beside(const struct command *c);     /* does not wait */
void launch_reap(struct mon *m);
void launch_undo(struct mon *m); /* ends what a failed launch has left */

/* loop.c */
int loop_signals(void);        /* the signals we live by, blocked, as a descriptor */
void loop_run(struct mon *m);  /* until the container has exited and its output is through */
void loop_hold(struct mon *m); /* until it is to be started or stopped, or has ended */
/* Serves clients for so long, or until one of them wants the container stopped. */
void loop_rest(struct mon *m, int64_t ms);

/* clients.c */
int clients_listen(struct mon *m, struct err *e);
void clients_accept(struct mon *m);
void clients_add(struct mon *m, int fd, bool primary);
void clients_compact(struct mon *m); /* indices change */
void clients_read(struct mon *m, struct client *c);
void clients_output(struct mon *m, char kind, const char *p, size_t n);
void clients_flush(struct client *c);
bool clients_hold_back(struct mon *m); /* somebody has not taken the last packet yet */
/* To all who wanted the start: e, or that all is well. */
void clients_answer_start(struct mon *m, const struct err *e);
void clients_goodbye(struct mon *m);

/* log.c */
int log_open(struct log *l, const char *path, int64_t max, int64_t files, struct err *e);
/* journald.c */
int journald_open(struct log *l, const struct options *o, struct err *e);
void journald_write(struct log *l, bool is_err, const char *p, size_t n);
void log_write(struct log *l, bool is_err, const char *p, size_t n);
void log_end(struct log *l);

/* health.c */
void health_begin(struct mon *m); /* it runs */
void health_due(struct mon *m);   /* the timer's descriptor is readable */
void health_done(struct mon *m);  /* the check that ran has ended */
void health_end(struct mon *m);   /* it runs no more */

/* record.c */
void record_health(const struct mon *m); /* nothing is known yet */
int record_held(const struct mon *m, bool held, struct err *e);
int record_started(struct mon *m, struct err *e); /* readers see it run */
void record_kept(struct mon *m);                  /* after m->keep_at: and will after this boot */
void record_event(const struct mon *m, const char *status); /* into the journal */
void record_stopping(struct mon *m);                        /* no restart is wanted any more */
void record_exit(struct mon *m, const char *error);
void record_erase_runtime(struct mon *m);
void record_discard(struct mon *m); /* --rm: the name is free, the directory in the trash */

#endif
