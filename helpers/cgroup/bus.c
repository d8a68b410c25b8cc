#include "bus.h"

#include "plain/fdio.h"
#include "plain/str.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define ANSWER_MS   25000
#define MAX_MESSAGE (1 << 20)
#define FIXED       16 /* bytes of a header before its fields' list */

enum { TYPE_CALL = 1, TYPE_RETURN = 2, TYPE_ERROR = 3 };
enum { FIELD_PATH = 1, FIELD_INTERFACE, FIELD_MEMBER, FIELD_ERROR, FIELD_REPLY, FIELD_TO };
enum { FIELD_SIGNATURE = 8 };

/* ---- writing ---- */

void bus_align(struct buf *b, size_t to)
{
    while (b->len % to)
        buf_addc(b, '\0');
}

void bus_put_u32(struct buf *b, uint32_t n)
{
    const unsigned char le[4] = {n & 255, n >> 8 & 255, n >> 16 & 255, n >> 24};
    bus_align(b, 4);
    buf_add(b, le, sizeof le);
}

void bus_put_string(struct buf *b, const char *s)
{
    bus_put_u32(b, (uint32_t)strlen(s));
    buf_add(b, s, strlen(s) + 1);
}

void bus_put_signature(struct buf *b, const char *s)
{
    buf_addc(b, (char)strlen(s));
    buf_add(b, s, strlen(s) + 1);
}

size_t bus_array_open(struct buf *b, size_t to)
{
    bus_put_u32(b, 0);
    size_t mark = b->len - 4;
    bus_align(b, to);
    return mark;
}

/* The length counts from the first element on, so not the padding before it. */
void bus_array_close(struct buf *b, size_t mark, size_t to)
{
    size_t first = (mark + 4 + to - 1) / to * to, n = b->len - first;
    for (int i = 0; i < 4; i++)
        b->s[mark + (size_t)i] = (char)(n >> (8 * i) & 255);
}

static void put_field(struct buf *b, int code, const char *kind, const char *value)
{
    bus_align(b, 8);
    buf_addc(b, (char)code);
    bus_put_signature(b, kind);
    if (*kind == 'g')
        bus_put_signature(b, value);
    else
        bus_put_string(b, value);
}

/* ---- reading ---- */

static uint32_t u32_at(const struct buf *b, size_t at)
{
    const unsigned char *p = (const unsigned char *)b->s + at;
    return p[0] | p[1] << 8 | p[2] << 16 | (uint32_t)p[3] << 24;
}

/* A string or signature at *at, which then is behind it; NULL: it does not fit. */
static const char *string_at(const struct buf *b, size_t *at, bool is_signature)
{
    size_t n;
    if (is_signature) {
        if (*at + 1 > b->len)
            return NULL;
        n = (unsigned char)b->s[(*at)++];
    } else {
        *at = (*at + 3) / 4 * 4;
        if (*at + 4 > b->len)
            return NULL;
        n = u32_at(b, *at);
        *at += 4;
    }
    if (n >= b->len || *at + n + 1 > b->len || b->s[*at + n])
        return NULL;
    const char *s = b->s + *at;
    *at += n + 1;
    return s;
}

static int parse_fields(struct bus_message *m, size_t end)
{
    const struct buf *b = &m->data;
    for (size_t at = FIXED; (at = (at + 7) / 8 * 8) < end;) {
        int code = (unsigned char)b->s[at++];
        const char *kind = string_at(b, &at, true);
        if (!kind)
            return -1;
        if (strcmp(kind, "u") == 0) {
            at = (at + 3) / 4 * 4;
            if (at + 4 > end)
                return -1;
            if (code == FIELD_REPLY)
                m->reply_to = u32_at(b, at);
            at += 4;
            continue;
        }
        if (strcmp(kind, "s") != 0 && strcmp(kind, "o") != 0 && strcmp(kind, "g") != 0)
            return -1;
        const char *s = string_at(b, &at, *kind == 'g');
        if (!s)
            return -1;
        if (code == FIELD_MEMBER)
            m->member = s;
        else if (code == FIELD_ERROR)
            m->error = s;
    }
    return 0;
}

const char *bus_body_string(const struct bus_message *m, const char *shape, int n)
{
    size_t at = m->body;
    for (; *shape; shape++) {
        if (*shape == 'u') {
            at = (at + 3) / 4 * 4 + 4;
            continue;
        }
        const char *s = string_at(&m->data, &at, false);
        if (!s || n-- == 0)
            return s ? s : "";
    }
    return "";
}

void bus_message_free(struct bus_message *m)
{
    buf_free(&m->data);
    *m = (struct bus_message){0};
}

/* ---- the wire ---- */

static int receive(int fd, size_t n, struct buf *b)
{
    char piece[4096];
    while (n) {
        struct pollfd p = {.fd = fd, .events = POLLIN};
        int r = poll(&p, 1, ANSWER_MS);
        if (r < 0 && errno == EINTR)
            continue;
        if (r <= 0) {
            errno = r == 0 ? ETIMEDOUT : errno;
            return -1;
        }
        ssize_t got = read(fd, piece, n < sizeof piece ? n : sizeof piece);
        if (got <= 0) {
            errno = got == 0 ? ECONNRESET : errno;
            return -1;
        }
        buf_add(b, piece, (size_t)got);
        n -= (size_t)got;
    }
    return 0;
}

static int send_all(int fd, const struct buf *b)
{
    for (size_t done = 0; done < b->len;) {
        ssize_t n = send(fd, b->s + done, b->len - done, MSG_NOSIGNAL);
        if (n < 0)
            return -1;
        done += (size_t)n;
    }
    return 0;
}

int bus_next(struct bus *b, struct bus_message *ret, struct err *e)
{
    struct bus_message m = {.member = "", .error = ""};
    if (receive(b->fd, FIXED, &m.data) < 0)
        goto broken;
    size_t body = u32_at(&m.data, 4), fields = u32_at(&m.data, 12);
    errno = EPROTO;
    if (m.data.s[0] != 'l' || body > MAX_MESSAGE || fields > MAX_MESSAGE)
        goto broken;
    m.body = (FIXED + fields + 7) / 8 * 8;
    if (receive(b->fd, m.body - FIXED + body, &m.data) < 0)
        goto broken;
    m.type = (unsigned char)m.data.s[1];
    errno = EPROTO;
    if (parse_fields(&m, FIXED + fields) < 0)
        goto broken;
    *ret = m;
    return 0;
broken:
    bus_message_free(&m);
    return err_sys(e, "systemd does not answer");
}

int bus_call(struct bus *b, const char *member, const char *signature, const struct buf *body,
             struct bus_message *ret, struct err *e)
{
    cleanup(buf_free) struct buf out = BUF_INIT;
    const char head[4] = {'l', TYPE_CALL, 0, 1};
    uint32_t serial = ++b->serial;
    buf_add(&out, head, sizeof head);
    bus_put_u32(&out, (uint32_t)body->len);
    bus_put_u32(&out, serial);
    size_t fields = bus_array_open(&out, 8);
    put_field(&out, FIELD_PATH, "o", "/org/freedesktop/systemd1");
    put_field(&out, FIELD_INTERFACE, "s", "org.freedesktop.systemd1.Manager");
    put_field(&out, FIELD_MEMBER, "s", member);
    put_field(&out, FIELD_TO, "s", "org.freedesktop.systemd1");
    put_field(&out, FIELD_SIGNATURE, "g", signature);
    bus_array_close(&out, fields, 8);
    bus_align(&out, 8);
    buf_add(&out, body->s, body->len);
    if (send_all(b->fd, &out) < 0)
        return err_sys(e, "systemd cannot be asked");
    for (;;) {
        struct bus_message m;
        if (bus_next(b, &m, e) < 0)
            return -1;
        bool answer = m.reply_to == serial;
        if (answer && m.type == TYPE_RETURN) {
            *ret = m;
            return 0;
        }
        if (answer && m.type == TYPE_ERROR)
            err_set(e, 0, "systemd refuses: %s", bus_body_string(&m, "s", 0));
        bus_message_free(&m);
        if (answer)
            return -1;
    }
}

/* Authentication is by the socket's peer credentials; the name is only said. */
static int authenticate(int fd)
{
    cleanup(buf_free) struct buf hello = BUF_INIT, line = BUF_INIT, begin = BUF_INIT;
    char uid[16];
    snprintf(uid, sizeof uid, "%u", geteuid());
    buf_addc(&hello, '\0');
    buf_adds(&hello, "AUTH EXTERNAL ");
    for (const char *p = uid; *p; p++)
        buf_addf(&hello, "%02x", *p);
    buf_adds(&hello, "\r\n");
    if (send_all(fd, &hello) < 0)
        return -1;
    while (!line.len || line.s[line.len - 1] != '\n')
        if (line.len > 512 || receive(fd, 1, &line) < 0)
            return -1;
    errno = EACCES;
    buf_adds(&begin, "BEGIN\r\n");
    return str_starts(line.s, "OK ") ? send_all(fd, &begin) : -1;
}

int bus_open(const char *socket_path, struct bus *ret, struct err *e)
{
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    cleanup_fd int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (str_copy(a.sun_path, sizeof a.sun_path, socket_path) < 0)
        return err_set(e, 0, "\"%s\" is too long for a socket", socket_path);
    if (fd < 0 || connect(fd, (struct sockaddr *)&a, sizeof a) < 0 || authenticate(fd) < 0)
        return err_sys(e, "systemd cannot be reached at \"%s\"", socket_path);
    *ret = (struct bus){.fd = fd_take(&fd)};
    return 0;
}

void bus_close(struct bus *b)
{
    if (b->fd >= 0)
        close(b->fd);
    b->fd = -1;
}
