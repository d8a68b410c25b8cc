/*
 * The addresses a container's network will have. They follow from the mode and its options alone,
 * so that /etc/hosts and /etc/resolv.conf are right before any network program runs.
 */
#ifndef POD_THINGS_NETADDR_H
#define POD_THINGS_NETADDR_H

#include "plain/err.h"
#include "plain/str.h"
#include "words/json.h"

#define NETADDR_SIZE 46

struct netaddr {
    char ip[NETADDR_SIZE];      /* the container's own */
    char gateway[NETADDR_SIZE]; /* its way out */
    char dns[NETADDR_SIZE];     /* a resolver of its own; "": the host's are reached directly */
    char host[NETADDR_SIZE];    /* where it reaches the host; "": nowhere */
};

/* What serves the network of a record: "slirp4netns", "pasta", or "" for none and shared ones. */
const char *net_program(const json_t *network);
/* options: those of the record, as podman writes them. mode "": all addresses empty. */
int netaddr_of(const char *mode, const struct strv *options, struct netaddr *ret, struct err *e);
/* The value of NAME=VALUE in options, the last one; NULL when there is none. */
const char *net_option(const struct strv *options, const char *name);

#endif
