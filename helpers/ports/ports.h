/*
 * pod-ports' rooms. The listening sockets were made on the host, everything after that is made in
 * the container's network namespace: so accept() gives a connection of the host's side, and
 * connect() goes to the container, in one process that moves bytes between them.
 *
 * main (pod-ports.c) makes the sockets and changes namespaces; tcp.c splices; udp.c keeps one
 * socket for each peer. Both are driven by one epoll instance: the pointer in an event is a
 * struct source, whose function does what is due.
 */
#ifndef POD_HELPERS_PORTS_H
#define POD_HELPERS_PORTS_H

#include "words/port.h"

#include <netinet/in.h>
#include <stdint.h>
#include <time.h>

struct source {
    void (*ready)(struct source *s, uint32_t events);
};

extern int loop; /* the epoll instance */
int64_t now_ms(void);
/*
 * Frees p when the events at hand are through: one of them may still name a source in it, whose
 * function must be NULL by then.
 */
void discard(void *p);
/* events 0: out of the loop, fd stays open. */
void watch(int fd, uint32_t events, struct source *s);

/* sock: listening; to: where the container listens. */
void tcp_serve(int sock, const struct sockaddr_in *to);
/* sock: bound. */
void udp_serve(int sock, const struct sockaddr_in *to);
/* Ends flows that have been silent; returns the ms until it shall be called again, -1: never. */
int udp_expire(void);

#endif
