/*
 * pod-fetch from the inside. One thread, one loop (pod-fetch.c); a transfer is a small state
 * machine around a curl handle:
 *
 *   QUEUED -(a place is free)-> RUNNING -> DRAINING (the reader is slower than we) -> GONE
 *      ▲                          │ 401                 │ transient
 *      │                          ▼                     ▼
 *      └──── token there ── WAIT_TOKEN          WAIT_TIME ── due ─▶ QUEUED
 *
 * A base is one way to reach the image: https or plain http of one source. Bases are tried in
 * order; the first that gives a manifest is where everything else comes from.
 */
#ifndef POD_FETCH_FETCH_H
#define POD_FETCH_FETCH_H

#include "plain/buf.h"
#include "plain/err.h"

#include <curl/curl.h>
#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

enum {
    MAX_REDIRECTS = 10,
    MAX_ERROR_BODY = 8192,
    MAX_TOKEN_BODY = 1 << 20,
    MAX_RETRY_AFTER = 120, /* seconds; asked to wait longer, we say so instead */
    PROGRESS_MS = 100,
};

/* A registry or mirror, and how it knows us. */
struct source {
    char *host, *path; /* as the user knows them */
    char *server;      /* host of the URL: docker.io is served by registry-1.docker.io */
    char *user, *password, *identity_token;
    bool insecure;
    struct buf ca, cert, key; /* PEM; empty: the system's, none, none */
    /* what its 401 taught us */
    enum { AUTH_UNKNOWN, AUTH_BASIC, AUTH_BEARER } auth;
    char *realm, *service, *scope;
    char *token;
    unsigned generation; /* of token; a transfer remembers which one it used */
    bool asking;         /* a token request is under way */
};

struct base {
    struct source *source;
    char *url; /* "https://host:port" */
    bool plain;
    bool answered; /* some HTTP answer came from there */
};

enum kind { KIND_MANIFEST, KIND_TAGS, KIND_BLOB, KIND_TOKEN };
enum state { QUEUED, RUNNING, WAIT_TIME, WAIT_TOKEN, DRAINING, GONE };
/* Why a callback of ours stopped a transfer. */
enum stop { STOP_NONE, STOP_TOO_BIG, STOP_WRONG_SIZE, STOP_READER, STOP_RANGE };

struct xfer {
    struct fetcher *f;
    struct xfer *next;
    enum kind kind;
    enum state state;
    int id;
    char *reference; /* tag or digest; of a list of tags the page, a query, or "" */
    char *accept;
    int64_t size, max; /* exact size (-1 not known) and limit of the body */
    unsigned base;     /* index in f->bases */
    unsigned tries, refusals;
    unsigned generation;
    int64_t due;       /* WAIT_TIME: when (ms, monotonic) */
    int64_t active_at; /* RUNNING: when the last byte came */

    CURL *easy;
    struct curl_slist *headers;
    char errbuf[CURL_ERROR_SIZE];
    char *post; /* token requests by POST */

    bool at_once;       /* not one of the `parallel`: small, and somebody stands and waits for it */
    int out;            /* written to, non-blocking; -1 for tokens */
    struct buf rest;    /* body bytes that out could not take yet … */
    size_t rest_at;     /* … from here on */
    bool paused;        /* by us, because rest is not empty */
    int64_t delivered;  /* bytes out (or rest) has, over all attempts */
    int64_t attempt_at; /* delivered when this attempt began */
    int64_t reported, reported_at;

    /* the answer to the current attempt */
    long status;
    bool body_begun;
    int64_t skip; /* leading bytes out has already */
    int64_t range_start;
    int64_t length; /* Content-Length, -1 without */
    enum stop stop;
    struct buf body;      /* of an error, or of a token */
    struct buf challenge; /* WWW-Authenticate lines */
    char type[128], digest[128];
    char page[512]; /* of a list of tags: the query that gives the next page */
};

struct fetcher {
    CURLM *multi;
    int sock;
    char *name, *agent; /* docker.io/library/alpine:latest; pod/0.2.0 */
    unsigned parallel, retry;
    long retry_delay_ms, connect_timeout, stall_timeout;
    struct source *sources;
    size_t nsources;
    struct base *bases;
    size_t nbases;
    unsigned chosen; /* base that gave the manifest, else 0 */
    bool any_done;
    struct xfer *xfers;
    unsigned running;
    struct packet *first, **last; /* answers the socket could not take yet */
};

int64_t now_ms(void);

/* conf.c */
int conf_read(struct fetcher *f, const json_t *o, struct err *e);
/* certs.c: *.crt, *.cert and *.key of dir, the system's bundle before our own authorities */
int certs_read(const char *dir, struct source *s, struct err *e);
/* jail.c: keeps the descriptors 0 to 3 and the network, gives up the rest */
int jail(struct err *e);

/* reply.c */
void reply_event(struct fetcher *f, json_t *o); /* takes o; kept till the socket takes it */
void reply_progress(struct fetcher *f, struct xfer *x);
void reply_done(struct fetcher *f, const struct xfer *x);
void reply_error(struct fetcher *f, const struct xfer *x, const struct err *e);
int reply_flush(struct fetcher *f); /* -1: the parent is gone */
bool reply_pending(const struct fetcher *f);

/* sink.c: curl's callbacks, and the writing side */
size_t sink_header(char *p, size_t size, size_t n, void *arg);
size_t sink_body(char *p, size_t size, size_t n, void *arg);
/* Writes what waits; when all is written the transfer goes on. -1: the reader is gone. */
int sink_flush(struct xfer *x);
void sink_reset(struct xfer *x); /* before an attempt */

/* xfer.c */
struct xfer *xfer_new(struct fetcher *f, enum kind kind, int id);
struct source *xfer_source(const struct xfer *x);
/* Starts what may run, reports what has drained, frees what is gone. */
void xfer_schedule(struct fetcher *f);
void xfer_finished(struct xfer *x, CURLcode code);
/* Ends attempts from which nothing came for too long. */
void xfer_check_stalls(struct fetcher *f);
/* This source will not do: the next one, or the end with e. */
void xfer_give_up(struct xfer *x, const struct err *e);
/* Is it worth another try, and a try is left? Then the transfer waits for its time. */
bool xfer_try_again(struct xfer *x, CURLcode code);
void xfer_reader_gone(struct xfer *x);
int xfer_wait_ms(const struct fetcher *f); /* until the next timer, at most a minute */

/* start.c: one attempt */
int xfer_start(struct xfer *x);
void xfer_stop(struct xfer *x);

/* token.c */
enum token_step { TOKEN_RETRY, TOKEN_WAIT, TOKEN_REFUSED };
enum token_step token_challenge(struct xfer *x); /* a 401: what to do now */
char *token_url(struct xfer *x);                 /* of a token request; sets x->post for POST */
void token_finished(struct xfer *x, CURLcode code);

/* words.c: the sentence for what went wrong */
void words_error(const struct xfer *x, CURLcode code, struct err *e);

#endif
