#ifndef POD_HELPERS_NETNS_H
#define POD_HELPERS_NETNS_H

#include "plain/err.h"
#include "plain/str.h"
#include "things/netaddr.h"
#include "words/port.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct netns {
    pid_t pid;   /* whose namespaces */
    int exit_fd; /* end of file there ends the network program; -1 */
    const char *run_dir;
    struct strv options;
    struct port *ports;
    size_t nports;
};

/* Binds each port for a moment, so that a port in use is told in podman's words. */
int ports_check(const struct netns *n, struct err *e);
/* pod-ports in the background, between the host and addr->ip. */
int ports_serve(const struct netns *n, const struct netaddr *addr, struct err *e);
int port_in_use(const struct port *p, int sys, struct err *e);

/* Each starts its program, waits until it serves, and leaves it running. */
int slirp_start(const struct netns *n, const struct netaddr *addr, pid_t *ret_pid, struct err *e);
int pasta_start(const struct netns *n, const struct netaddr *addr, pid_t *ret_pid, struct err *e);

/*
 * ping and low ports for everyone in the container, but for those of keep, which somebody has set.
 * Best effort: not every kernel has both.
 */
void sysctls_open(pid_t pid, const struct strv *keep);

/* A program of the network in the background: its words go to a file in memory. */
struct program {
    pid_t pid;
    int ready, words; /* ready: read end of the pipe that it writes to */
};
/*
 * ready: a fresh pipe, its ends taken in any case; the write end keeps its number in the program,
 * and so do those of keep that are not -1. Nothing else is inherited.
 */
enum { PROGRAM_KEEP = 3 };
int program_start(char *const *argv, int ready[2], const int keep[PROGRAM_KEEP],
                  struct program *ret, struct err *e);
/* The user and network namespace of the process, open; the caller's. */
int program_namespaces(pid_t pid, int *ret_user, int *ret_net, struct err *e);
/* Waits for the first byte; -1 with the program's last line when it ends instead. */
int program_ready(struct program *p, const char *name, struct err *e);

#endif
