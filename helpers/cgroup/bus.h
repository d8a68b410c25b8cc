/*
 * As much of the D-Bus protocol as asking systemd for a cgroup takes: method calls over the
 * manager's own socket, which is there with and without a bus daemon.
 */
#ifndef POD_HELPERS_CGROUP_BUS_H
#define POD_HELPERS_CGROUP_BUS_H

#include "plain/buf.h"
#include "plain/err.h"

#include <stdint.h>

struct bus {
    int fd;
    uint32_t serial;
};
#define BUS_INIT                                                                                   \
    {                                                                                              \
        .fd = -1                                                                                   \
    }

/* One message as it came; strings point into data and are never NULL. */
struct bus_message {
    struct buf data;
    int type;
    uint32_t reply_to;
    const char *member, *error;
    size_t body; /* where the body begins in data */
};
void bus_message_free(struct bus_message *m);

int bus_open(const char *socket, struct bus *ret, struct err *e);
void bus_close(struct bus *b);
/* Calls org.freedesktop.systemd1.Manager.MEMBER; ret (freed by the caller) is its answer. */
int bus_call(struct bus *b, const char *member, const char *signature, const struct buf *body,
             struct bus_message *ret, struct err *e);
/* The next message of whatever kind. */
int bus_next(struct bus *b, struct bus_message *ret, struct err *e);

/* Values, aligned as D-Bus wants them from the start of body. */
void bus_put_u32(struct buf *body, uint32_t n);
void bus_put_string(struct buf *body, const char *s);
void bus_put_signature(struct buf *body, const char *s);
void bus_align(struct buf *body, size_t to);
/* An array is: its length, put when it is known; then elements aligned to `to`. */
size_t bus_array_open(struct buf *body, size_t to);
void bus_array_close(struct buf *body, size_t mark, size_t to);

/* The n-th string of a body that begins with (u) o s s … as `shape` says: u number, s string. */
const char *bus_body_string(const struct bus_message *m, const char *shape, int n);

#endif
