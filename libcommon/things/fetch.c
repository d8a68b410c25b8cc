#include "things/fetch.h"

#include "plain/fdio.h"
#include "things/fetchconf.h"
#include "things/spawn.h"
#include "words/json.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

/* Packets of pod-fetch: an error sentence with its hint is the longest. */
enum { MAX_PACKET = 16384, OWN_ID = -1, MAX_PAGES = 1000 };

static const char all_types[] = "application/vnd.oci.image.index.v1+json, "
                                "application/vnd.oci.image.manifest.v1+json, "
                                "application/vnd.docker.distribution.manifest.list.v2+json, "
                                "application/vnd.docker.distribution.manifest.v2+json";

struct waiting {
    struct fetch_event ev;
    struct waiting *next;
};

struct fetch {
    int sock, report;
    pid_t pid;
    struct waiting *first, **last; /* events that came while something else was waited for */
    char type[128], digest[128], next[512]; /* of the last «done» */
};

void fetched_free(struct fetched *r)
{
    buf_free(&r->body);
    *r = (struct fetched)FETCHED_INIT;
}

static int send_json(struct fetch *f, const json_t *o, int fd, struct err *e)
{
    char *s = json_dumps(o, JSON_COMPACT);
    ssize_t n = s ? fd_send(f->sock, s, strlen(s), &fd, fd >= 0) : -1;
    int why = errno;
    if (s)
        explicit_bzero(s, strlen(s));
    free(s);
    errno = why;
    return n < 0 ? err_sys(e, "cannot talk to pod-fetch") : 0;
}

static int start(struct fetch *f, struct err *e)
{
    int sv[2], rp[2];
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sv) < 0)
        return err_sys(e, "cannot make a socket pair");
    f->sock = sv[0];
    if (pipe2(rp, O_CLOEXEC) < 0) {
        close(sv[1]);
        return err_sys(e, "cannot make a pipe");
    }
    f->report = rp[0];
    cleanup_free char *prog = tool_path("pod-fetch");
    char *argv[] = {prog, NULL};
    struct spawn s = {.argv = argv, .in = sv[1], .out = -1, .err = SPAWN_INHERIT, .report = rp[1]};
    int r = spawn(&s, &f->pid, e);
    close(sv[1]);
    close(rp[1]);
    return r;
}

int fetch_open(const struct fetch_conf *conf, struct fetch **ret, struct err *e)
{
    cleanup_json config = NULL;
    if (fetch_config(conf, &config, e) < 0)
        return -1;
    struct fetch *f = xcalloc(1, sizeof *f);
    *f = (struct fetch){.sock = -1, .report = -1, .last = &f->first};
    if (start(f, e) < 0 || send_json(f, config, -1, e) < 0) {
        fetch_close(f);
        return -1;
    }
    *ret = f;
    return 0;
}

void fetch_close(struct fetch *f)
{
    if (!f)
        return;
    if (f->sock >= 0)
        close(f->sock);
    if (f->report >= 0)
        close(f->report);
    if (f->pid > 0) {
        kill(f->pid, SIGTERM);
        spawn_wait(f->pid);
    }
    while (f->first) {
        struct waiting *w = f->first;
        f->first = w->next;
        free(w);
    }
    free(f);
}

int fetch_fd(const struct fetch *f)
{
    return f->sock;
}

static void read_event(struct fetch *f, const json_t *o, struct fetch_event *ev)
{
    const char *what = jx_str(o, "event");
    *ev = (struct fetch_event){
        .what = strcmp(what, "done") == 0    ? FETCH_DONE
                : strcmp(what, "error") == 0 ? FETCH_ERROR
                                             : FETCH_PROGRESS,
        .id = (int)jx_int(o, "id", 0),
        .bytes = jx_int(o, "bytes", 0),
        .status = (int)jx_int(o, "status", 0),
    };
    if (ev->what == FETCH_DONE) {
        (void)str_copy(f->next, sizeof f->next, jx_str(o, "next"));
        if (str_copy(f->type, sizeof f->type, jx_str(o, "type")) < 0 ||
            str_copy(f->digest, sizeof f->digest, jx_str(o, "digest")) < 0)
            f->digest[0] = '\0';
    } else if (ev->what == FETCH_ERROR) {
        err_set(&ev->err, (int)jx_int(o, "code", 0), "%s", jx_str(o, "message"));
        if (*jx_str(o, "hint"))
            err_hint(&ev->err, "%s", jx_str(o, "hint"));
    }
}

/* The socket ended: what pod-fetch said last on its report, else that it died. */
static int gone(struct fetch *f, struct err *e)
{
    char line[64];
    if (report_read(f->report, "pod-fetch", line, sizeof line, e) < 0)
        return -1;
    return err_set(e, 0, "pod-fetch: ended before its work was done");
}

/* One packet. 1: an event, 0: none within ms, -1. */
static int receive(struct fetch *f, int ms, struct fetch_event *ev, struct err *e)
{
    struct pollfd p = {.fd = f->sock, .events = POLLIN};
    char packet[MAX_PACKET];
    int r = poll(&p, 1, ms);
    if (r < 0 && errno != EINTR)
        return err_sys(e, "cannot wait for pod-fetch");
    if (r <= 0)
        return 0;
    ssize_t n = fd_recv(f->sock, packet, sizeof packet, NULL, NULL);
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return 0;
    if (n <= 0)
        return gone(f, e);
    json_t *o = NULL;
    if (jx_parse("pod-fetch", packet, (size_t)n, &o, e) < 0)
        return -1;
    read_event(f, o, ev);
    json_decref(o);
    return 1;
}

int fetch_poll(struct fetch *f, int ms, struct fetch_event *ret, struct err *e)
{
    struct waiting *w = f->first;
    if (w) {
        f->first = w->next;
        if (!f->first)
            f->last = &f->first;
        *ret = w->ev;
        free(w);
        return 0;
    }
    struct fetch_event ev = {.what = FETCH_NOTHING};
    if (receive(f, ms, &ev, e) < 0)
        return -1;
    *ret = ev;
    return 0;
}

static void keep(struct fetch *f, const struct fetch_event *ev)
{
    struct waiting *w = xcalloc(1, sizeof *w);
    w->ev = *ev;
    *f->last = w;
    f->last = &w->next;
}

/* Waits till the request of OWN_ID has ended. */
static int wait_own(struct fetch *f, int *ret_status, struct err *e)
{
    for (;;) {
        struct fetch_event ev;
        int r = receive(f, -1, &ev, e);
        if (r < 0)
            return -1;
        if (r == 0)
            continue;
        if (ev.id != OWN_ID) {
            keep(f, &ev);
        } else if (ev.what != FETCH_PROGRESS) {
            *ret_status = ev.status;
            if (ev.what == FETCH_ERROR)
                *e = ev.err;
            return ev.what == FETCH_DONE ? 0 : -1;
        }
    }
}

/* Lets pod-fetch write into anonymous memory, then takes that. request is consumed. */
static int into_memory(struct fetch *f, json_t *request, size_t max, struct fetched *ret,
                       struct err *e)
{
    cleanup_json req = request;
    cleanup_fd int fd = memfd_create("pod-fetch", MFD_CLOEXEC);
    struct fetched got = FETCHED_INIT;
    if (fd < 0)
        return err_sys(e, "cannot make a memory file");
    if (send_json(f, req, fd, e) < 0 || wait_own(f, &ret->status, e) < 0)
        return -1;
    if (lseek(fd, 0, SEEK_SET) < 0 || fd_read_all(fd, max, &got.body) < 0) {
        buf_free(&got.body);
        return err_sys(e, "cannot read pod-fetch's answer");
    }
    got.status = ret->status;
    memcpy(got.type, f->type, sizeof got.type);
    memcpy(got.digest, f->digest, sizeof got.digest);
    *ret = got;
    return 0;
}

int fetch_manifest(struct fetch *f, const char *reference, const char *accept, struct fetched *ret,
                   struct err *e)
{
    json_t *o =
        json_pack("{ss si ss ss si}", "do", "manifest", "id", OWN_ID, "reference", reference,
                  "accept", accept ? accept : all_types, "max", FETCH_MAX_MANIFEST);
    return into_memory(f, o, FETCH_MAX_MANIFEST, ret, e);
}

static int one_page(struct fetch *f, const char *query, struct strv *ret, struct err *e)
{
    cleanup(fetched_free) struct fetched got = FETCHED_INIT;
    cleanup_json o = NULL;
    const json_t *tag;
    size_t i;
    json_t *req = json_pack("{ss si ss si}", "do", "tags", "id", OWN_ID, "reference", query, "max",
                            FETCH_MAX_MANIFEST);
    if (into_memory(f, req, FETCH_MAX_MANIFEST, &got, e) < 0 ||
        jx_parse("list of tags", buf_str(&got.body), got.body.len, &o, e) < 0)
        return -1;
    json_array_foreach(json_object_get(o, "tags"), i, tag) if (json_is_string(tag))
        strv_add(ret, json_string_value(tag));
    return 0;
}

int fetch_tags(struct fetch *f, struct strv *ret, struct err *e)
{
    cleanup_free char *query = xstrdup("");
    for (int page = 0; page < MAX_PAGES; page++) {
        if (one_page(f, query, ret, e) < 0)
            return -1;
        if (!f->next[0] || strcmp(f->next, query) == 0)
            return 0;
        free(query);
        query = xstrdup(f->next);
    }
    return err_set(e, 0, "the registry's list of tags has no end");
}

static json_t *blob_request(int id, const struct digest *digest, int64_t size)
{
    return json_pack("{ss si ss sI}", "do", "blob", "id", id, "digest", digest_text(digest).s,
                     "size", (json_int_t)size);
}

int fetch_blob(struct fetch *f, const struct digest *digest, int64_t size, struct fetched *ret,
               struct err *e)
{
    if (size < 0 || size > FETCH_MAX_MANIFEST)
        return err_set(e, 0, "reading blob %s: too big (%lld bytes) to be an image configuration",
                       digest_text(digest).s, (long long)size);
    return into_memory(f, blob_request(OWN_ID, digest, size), (size_t)size, ret, e);
}

int fetch_blob_start(struct fetch *f, int id, const struct digest *digest, int64_t size, int fd,
                     struct err *e)
{
    cleanup_json o = blob_request(id, digest, size);
    return send_json(f, o, fd, e);
}
