/*
 * The log kept by systemd's journal: its native protocol, one datagram a line, with the fields by
 * which podman finds a container's messages again.
 */
#include "mon.h"

#include "plain/fdio.h"
#include "words/journald.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <unistd.h>

#define PATIENCE_S 2
#define PRIO_OUT   6 /* syslog's info */
#define PRIO_ERR   3 /* err */

static int dial(void)
{
    struct sockaddr_un a = {.sun_family = AF_UNIX, .sun_path = JOURNALD_SOCKET};
    const struct timeval patience = {.tv_sec = PATIENCE_S};
    cleanup_fd int s = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (s < 0 || connect(s, (struct sockaddr *)&a, sizeof a) < 0)
        return -1;
    setsockopt(s, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
    return fd_take(&s);
}

int journald_open(struct log *l, const struct options *o, struct err *e)
{
    l->journal = dial();
    if (l->journal < 0)
        return err_sys(e, "cannot reach systemd's journal at " JOURNALD_SOCKET);
    l->fields = xasprintf("CONTAINER_ID_FULL=%s\nCONTAINER_ID=%.12s\nCONTAINER_NAME=%s\n"
                          "CONTAINER_TAG=%s\nSYSLOG_IDENTIFIER=%s\n",
                          o->id, o->id, o->name, o->journald, *o->journald ? o->journald : o->name);
    return 0;
}

/* The text's length goes in front of it, little-endian, since it may hold anything. */
static int put_message(struct log *l, bool is_err, bool whole, const char *p, size_t n)
{
    char head[96], len[8];
    int h = snprintf(head, sizeof head, "PRIORITY=%d\n%sMESSAGE\n", is_err ? PRIO_ERR : PRIO_OUT,
                     whole ? "" : "CONTAINER_PARTIAL_MESSAGE=true\n");
    for (int i = 0; i < 8; i++)
        len[i] = (char)((uint64_t)n >> (8 * i));
    struct iovec parts[] = {{l->fields, strlen(l->fields)},
                            {head, (size_t)h},
                            {len, sizeof len},
                            {(char *)(uintptr_t)p, n},
                            {(char[]){'\n'}, 1}};
    struct msghdr m = {.msg_iov = parts, .msg_iovlen = sizeof parts / sizeof *parts};
    return sendmsg(l->journal, &m, MSG_NOSIGNAL) < 0 ? -1 : 0;
}

/* A journal that was started anew is dialled again; one that takes nothing loses the line. */
static void send_line(struct log *l, bool is_err, bool whole, const char *p, size_t n)
{
    if (l->journal >= 0 && put_message(l, is_err, whole, p, n) == 0)
        return;
    if (l->journal >= 0 && (errno == EAGAIN || errno == EMSGSIZE))
        return;
    if (l->journal >= 0)
        close(l->journal);
    l->journal = dial();
    if (l->journal >= 0)
        (void)put_message(l, is_err, whole, p, n);
}

void journald_write(struct log *l, bool is_err, const char *p, size_t n)
{
    while (n > 0) {
        const char *nl = memchr(p, '\n', n);
        size_t len = nl ? (size_t)(nl - p) : n;
        send_line(l, is_err, nl, p, len);
        p += len + (nl != NULL);
        n -= len + (nl != NULL);
    }
}
