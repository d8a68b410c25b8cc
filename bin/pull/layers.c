/* The missing layers, all at once: pod-fetch fills pipes, one pod-unpack empties each. */
#include "pull.h"

#include "plain/fdio.h"
#include "things/spawn.h"
#include "things/staged.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define PIPE_SIZE   (1 << 20)
#define BARS_MS     100
#define REST_MS     50 /* between two syncfs() */
#define MAX_RUNNING 8

volatile sig_atomic_t interrupted;

static void unpack_argv(const struct roots *r, const struct origin *o, const struct layer *l,
                        const struct feed *f, struct strv *argv)
{
    staged_command(r, &l->nl, argv);
    strv_add(argv, "--diff");
    strv_add(argv, digest_text(&l->nl.diff).s);
    if (f->length >= 0) {
        strv_add(argv, "--offset");
        strv_addf(argv, "%lld", (long long)f->offset);
        strv_add(argv, "--length");
        strv_addf(argv, "%lld", (long long)f->length);
    }
    if (o->kind == ORIGIN_DOCKER)
        return;
    strv_add(argv, "--blob");
    strv_add(argv, digest_text(&l->blob).s);
    if (l->size >= 0) {
        strv_add(argv, "--blob-size");
        strv_addf(argv, "%lld", (long long)l->size);
    }
}

static int run_unpack(const struct roots *r, const struct origin *o, struct layer *l,
                      const struct feed *f, struct err *e)
{
    cleanup(strv_free) struct strv argv = STRV_INIT;
    int report[2];
    unpack_argv(r, o, l, f, &argv);
    if (pipe2(report, O_CLOEXEC) < 0)
        return err_sys(e, "cannot make a pipe");
    struct spawn s = {.argv = argv.v, .in = f->fd, .out = -1, .err = -1, .report = report[1]};
    int res = spawn(&s, &l->pid, e);
    close(report[1]);
    l->report = report[0];
    return res;
}

static int start(const struct roots *r, struct origin *o, struct layer *l, int id, struct err *e)
{
    int p[2];
    if (staged_make(r, &l->nl, e) < 0)
        return -1;
    if (o->kind != ORIGIN_REGISTRY) {
        struct feed f;
        if (origin_blob(o, &l->blob, l->file, &f, e) < 0)
            return -1;
        int res = run_unpack(r, o, l, &f, e);
        close(f.fd);
        return res;
    }
    if (pipe2(p, O_CLOEXEC) < 0)
        return err_sys(e, "cannot make a pipe");
    (void)fcntl(p[1], F_SETPIPE_SZ, PIPE_SIZE);
    const struct feed f = {.fd = p[0], .length = -1};
    int res = run_unpack(r, o, l, &f, e);
    if (res == 0)
        res = fetch_blob_start(o->fetch, id, &l->blob, l->size, p[1], e);
    close(p[0]);
    close(p[1]);
    return res;
}

/*
 * What is unpacked goes to disk while the rest is fetched, so that the commit's own syncfs finds
 * little to do; at most half of the time, for the sake of others on that disk. Nothing depends on
 * it.
 */
static atomic_bool writing_back;
static atomic_llong next_write_back; /* ms of the monotonic clock */

static long long now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000LL + t.tv_nsec / 1000000;
}

static void *write_back(void *graph)
{
    long long began = now_ms();
    syncfs((int)(intptr_t)graph);
    long long ended = now_ms(), took = ended - began;
    next_write_back = ended + (took > REST_MS ? took : REST_MS);
    writing_back = false;
    return NULL;
}

static void start_write_back(const struct roots *r)
{
    pthread_t t;
    if (now_ms() < next_write_back || atomic_exchange(&writing_back, true))
        return;
    if (pthread_create(&t, NULL, write_back, (void *)(intptr_t)r->graph) == 0)
        pthread_detach(t);
    else
        writing_back = false;
}

static int finish(struct layer *l, struct err *e)
{
    static char value[1 << 20];
    int res = report_read(l->report, "pod-unpack", value, sizeof value, e);
    close(l->report);
    l->report = -1;
    spawn_wait(l->pid);
    l->pid = 0;
    if (res < 0 || staged_answer(value, &l->nl, &l->ids, e) < 0)
        return -1;
    l->done = true;
    l->bytes = l->nl.compressed_size;
    return 0;
}

/* What the network says is the better reason: the layer's process only sees its pipe end early. */
static int take_events(struct origin *o, struct plan *p, int ms, struct err *e)
{
    struct fetch_event ev;
    while (o->fetch) {
        if (fetch_poll(o->fetch, ms, &ev, e) < 0)
            return -1;
        if (ev.what == FETCH_NOTHING)
            return 0;
        if (ev.what == FETCH_ERROR) {
            *e = ev.err;
            return -1;
        }
        if (ev.id > 0 && (size_t)ev.id <= p->n)
            p->layers[ev.id - 1].bytes = ev.bytes;
        ms = 0;
    }
    return 0;
}

static int pump(const struct roots *r, struct origin *o, struct plan *p, size_t *running,
                struct err *e)
{
    struct pollfd fds[MAX_RUNNING + 1];
    size_t at[MAX_RUNNING + 1], n = 0;
    for (size_t i = 0; i < p->n && n < MAX_RUNNING; i++)
        if (p->layers[i].report >= 0) {
            at[n] = i;
            fds[n++] = (struct pollfd){.fd = p->layers[i].report, .events = POLLIN};
        }
    size_t layers = n;
    if (o->fetch)
        fds[n++] = (struct pollfd){.fd = fetch_fd(o->fetch), .events = POLLIN};
    if (poll(fds, n, BARS_MS) < 0 && errno != EINTR)
        return err_sys(e, "cannot wait for the layers");
    if (interrupted)
        return err_set(e, 128 + (int)interrupted, "interrupted");
    if (take_events(o, p, 0, e) < 0)
        return -1;
    for (size_t i = 0; i < layers; i++) {
        if (!fds[i].revents)
            continue;
        if (finish(&p->layers[at[i]], e) < 0) {
            struct err network = ERR_INIT;
            if (take_events(o, p, 300, &network) < 0)
                *e = network;
            return -1;
        }
        (*running)--;
    }
    if (*running)
        start_write_back(r);
    return 0;
}

/* The biggest that waits: begun last, it would be at work alone in the end. */
static struct layer *next_layer(const struct plan *p)
{
    struct layer *found = NULL;
    for (struct layer *l = p->layers; l < p->layers + p->n; l++)
        if (!l->exists && !l->nl.staging[0] && (!found || l->size > found->size))
            found = l;
    return found;
}

int layers_bring(const struct roots *r, struct origin *o, struct plan *p, bool bars, struct err *e)
{
    struct layer *next;
    size_t running = 0;
    bool drawn = false;
    for (;;) {
        for (; running < MAX_RUNNING && (next = next_layer(p)); running++)
            if (start(r, o, next, (int)(next - p->layers) + 1, e) < 0)
                return -1;
        if (bars) {
            show_bars(p, !drawn);
            drawn = true;
        }
        if (!running)
            return 0;
        if (pump(r, o, p, &running, e) < 0)
            return -1;
    }
}

void layers_undo(const struct roots *r, struct plan *p)
{
    for (size_t i = 0; i < p->n; i++) {
        struct layer *l = &p->layers[i];
        if (l->pid > 0) {
            kill(l->pid, SIGKILL);
            waitpid(l->pid, NULL, 0);
        }
        staged_drop(r, &l->nl);
    }
}
