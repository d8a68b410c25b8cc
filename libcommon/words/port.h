/* A published port as our programs tell each other: IP:HOSTPORT:CTRPORT/PROTO. */
#ifndef POD_WORDS_PORT_H
#define POD_WORDS_PORT_H

#include "plain/err.h"

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>

struct port {
    char ip[46]; /* "" means all addresses */
    uint16_t host, ctr;
    bool udp;
};

/* IP may be empty, and IPv6 with or without brackets. */
int port_parse(const char *text, struct port *ret, struct err *e);
/* A socket on the host for it, listening where it is TCP; -1 with errno. */
int port_bind(const struct port *p);

#endif
