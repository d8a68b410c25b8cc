/*
 * pod-fetch: HTTPS to one registry, on behalf of the process behind descriptor 0. The only program
 * of ours that links curl and TLS. The conversation is described in things/fetch.h; when the other
 * end of descriptor 0 is gone, so is this process.
 *
 * Stages: read who to speak to and the certificates; give up everything else (fetch/jail.c); only
 * then touch the network.
 */
#include "fetch/fetch.h"

#include "disk/report.h"
#include "plain/fdio.h"
#include "words/digest.h"
#include "words/json.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { MAX_PACKET = 256 * 1024, PIPE_SIZE = 1 << 20, MAX_XFERS = 4096 };

/* A packet of the parent. 1: there was one, 0: none now, -1: the parent is gone. */
static int receive(int sock, json_t **ret, int *ret_fd, struct err *e)
{
    static char packet[MAX_PACKET];
    int fd = -1;
    size_t nfd = 1;
    ssize_t n = fd_recv(sock, packet, sizeof packet, &fd, &nfd);
    if (n < 0 && errno == EAGAIN)
        return 0;
    if (n <= 0)
        return -1;
    int r = jx_parse("pod-fetch: request", packet, (size_t)n, ret, e);
    explicit_bzero(packet, (size_t)n);
    if (r < 0) {
        if (nfd)
            close(fd);
        return -1;
    }
    *ret_fd = nfd ? fd : -1;
    return 1;
}

static void refuse(struct fetcher *f, int id, int fd)
{
    struct xfer none = {.f = f, .id = id};
    struct err e = ERR_INIT;
    err_set(&e, 0, "pod-fetch: request not understood");
    reply_error(f, &none, &e);
    if (fd >= 0)
        close(fd);
}

static void add_request(struct fetcher *f, const json_t *o, int fd)
{
    const char *what = jx_str(o, "do");
    bool blob = strcmp(what, "blob") == 0, manifest = strcmp(what, "manifest") == 0;
    bool tags = strcmp(what, "tags") == 0;
    int id = (int)jx_int(o, "id", 0);
    struct digest d;
    const char *reference = jx_str(o, blob ? "digest" : "reference");
    bool ok =
        fd >= 0 && (blob ? digest_parse(reference, &d) == 0 : tags || (manifest && *reference));
    if (!ok) {
        refuse(f, id, fd);
        return;
    }
    struct xfer *x = xfer_new(f, blob ? KIND_BLOB : tags ? KIND_TAGS : KIND_MANIFEST, id);
    x->reference = xstrdup(reference);
    x->out = fd;
    x->size = blob ? jx_int(o, "size", -1) : -1;
    x->max = blob ? (x->size >= 0 ? x->size : INT64_MAX) : jx_int(o, "max", 4 << 20);
    if (*jx_str(o, "accept"))
        x->accept = xstrdup(jx_str(o, "accept"));
    struct stat st;
    x->at_once = fstat(fd, &st) == 0 && !S_ISFIFO(st.st_mode);
    fd_nonblock(fd, true);
    (void)fcntl(fd, F_SETPIPE_SZ, PIPE_SIZE); /* not a pipe, or over the user's limit: as it is */
}

static int take_requests(struct fetcher *f)
{
    for (;;) {
        json_t *o = NULL;
        int fd = -1;
        struct err e = ERR_INIT;
        int r = receive(f->sock, &o, &fd, &e);
        if (r <= 0)
            return r;
        add_request(f, o, fd);
        json_decref(o);
    }
}

static void flush_all(struct fetcher *f)
{
    for (struct xfer *x = f->xfers; x; x = x->next)
        if (x->state != GONE && x->rest.len > 0 && sink_flush(x) < 0)
            xfer_reader_gone(x);
}

static void collect(struct fetcher *f)
{
    int left;
    for (CURLMsg *m; (m = curl_multi_info_read(f->multi, &left));) {
        struct xfer *x = NULL;
        if (m->msg != CURLMSG_DONE)
            continue;
        CURLcode code = m->data.result; /* m dies with the handle */
        curl_easy_getinfo(m->easy_handle, CURLINFO_PRIVATE, (char **)&x);
        xfer_finished(x, code);
    }
}

/* Sleeps until the network, the parent, a reader of a full pipe or a timer wants something. */
static int wait_for_any(struct fetcher *f)
{
    static struct curl_waitfd w[1 + MAX_XFERS];
    unsigned n = 0;
    w[n++] = (struct curl_waitfd){
        .fd = f->sock,
        .events = (short)(CURL_WAIT_POLLIN | (reply_pending(f) ? CURL_WAIT_POLLOUT : 0)),
    };
    for (const struct xfer *x = f->xfers; x && n < MAX_XFERS; x = x->next)
        if (x->rest.len > 0)
            w[n++] = (struct curl_waitfd){.fd = x->out, .events = CURL_WAIT_POLLOUT};
    return curl_multi_poll(f->multi, w, n, xfer_wait_ms(f), NULL) == CURLM_OK ? 0 : -1;
}

static int serve(struct fetcher *f)
{
    for (;;) {
        int running;
        if (take_requests(f) < 0 || reply_flush(f) < 0)
            return 0;
        xfer_schedule(f);
        if (curl_multi_perform(f->multi, &running) != CURLM_OK)
            return 1;
        flush_all(f);
        collect(f);
        xfer_check_stalls(f);
        xfer_schedule(f);
        if (wait_for_any(f) < 0)
            return 1;
    }
}

static int begin(struct fetcher *f, struct err *e)
{
    json_t *conf = NULL;
    int fd = -1;
    if (receive(f->sock, &conf, &fd, e) != 1)
        return e->msg[0] ? -1 : err_set(e, 0, "pod-fetch: started without a configuration");
    int r = conf_read(f, conf, e);
    json_decref(conf);
    if (r < 0)
        return -1;
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != 0 || !(f->multi = curl_multi_init()))
        return err_set(e, 0, "pod-fetch: cannot start libcurl");
    return jail(e);
}

int main(int argc, char **argv)
{
    static struct fetcher f = {.sock = 0, .last = &f.first}; /* reachable to the end */
    struct err e = ERR_INIT;
    if (argc > 1) {
        fprintf(stderr, "Error: %s is started by pod-pull and takes no arguments\n", argv[0]);
        return 125;
    }
    signal(SIGPIPE, SIG_IGN);
    syscall(SYS_close_range, REPORT_FD + 1, UINT_MAX, 0);
    if (begin(&f, &e) < 0) {
        report_err(&e);
        return 125;
    }
    report_ok(NULL);
    fd_nonblock(f.sock, true);
    return serve(&f);
}
