/*
 * The registry client as pod-pull sees it. The network itself is pod-fetch's, a process that can
 * do nothing else; here is only the conversation with it.
 *
 * One pod-fetch serves one image of one registry (and that image's mirrors). It is started with a
 * SOCK_SEQPACKET socket as descriptor 0; each packet is one JSON object, requests carry the
 * descriptor to write to beside them.
 *
 *   to pod-fetch, first:
 *     {"source": "docker.io/library/alpine:latest", "agent": "pod/0.2.0", "parallel": 6, "retry":
 * 3, "retry-delay-ms": 0, "connect-timeout": 30, "stall-timeout": 60, "sources": [{"host": "…",
 * "path": "…", "insecure": false, "certdir": "…", "user": "…", "password": "…",
 * "identity-token":
 * "…"}]} then any of:
 *     {"do": "manifest", "id": 1, "reference": "latest", "accept": "…", "max": 4194304}  + fd
 *     {"do": "blob", "id": 2, "digest": "sha256:…", "size": 123}                         + fd
 *     {"do": "tags", "id": 1, "reference": "last=b&n=2", "max": 4194304}                 + fd
 *   from pod-fetch:
 *     {"event": "progress", "id": 2, "bytes": 65536}
 *     {"event": "done", "id": 1, "status": 200, "bytes": 1234, "type": "…", "digest": "…",
 *      "next": "query of the next page of tags"}
 *     {"event": "error", "id": 1, "code": 125, "status": 404, "message": "…", "hint": "…"}
 *
 * NOTHING that comes back is verified but its size: digests are for the caller to check, who
 * hashes the bytes anyway. Retries, resumption of broken bodies, tokens, redirects and mirrors are
 * pod-fetch's; a byte is written to a descriptor once and in order, whatever happens underneath.
 */
#ifndef POD_THINGS_FETCH_H
#define POD_THINGS_FETCH_H

#include "plain/buf.h"
#include "plain/err.h"
#include "plain/str.h"
#include "things/auth.h"
#include "things/registries.h"

#include <stdbool.h>
#include <stdint.h>

enum { FETCH_MAX_MANIFEST = 4 << 20 };

struct fetch_conf {
    const struct registries *registries;
    const struct ref *ref;
    const char *authfile;      /* --authfile, or NULL */
    const struct creds *creds; /* --creds, or NULL */
    const char *cert_dir;      /* --cert-dir, or NULL: the certs.d directories */
    int tls_verify;            /* --tls-verify: -1 when not given */
    int retry;                 /* tries after the first one; -1: 3 */
    int retry_delay_ms;        /* --retry-delay; 0: 1 s, doubled each time */
    int connect_timeout;       /* seconds; 0: 30 */
    int stall_timeout;         /* seconds without a byte; 0: 60 */
    int parallel;              /* blobs at once; 0: 6 */
};
#define FETCH_CONF_INIT                                                                            \
    {                                                                                              \
        .tls_verify = -1, .retry = -1                                                              \
    }

struct fetch; /* opaque */

int fetch_open(const struct fetch_conf *conf, struct fetch **ret, struct err *e);
/* Ends pod-fetch whatever it is doing; f may be NULL. */
void fetch_close(struct fetch *f);

struct fetched {
    struct buf body;
    char type[128];   /* Content-Type without parameters, "" when there was none */
    char digest[128]; /* Docker-Content-Digest as sent: a claim, not a proof */
    int status;       /* HTTP status, also set on failure where there was one (404, 401, …) */
};
#define FETCHED_INIT                                                                               \
    {                                                                                              \
        0                                                                                          \
    }
void fetched_free(struct fetched *r);

/*
 * Waits for one manifest; reference is a tag or a digest. accept: NULL means every manifest and
 * index type of OCI and Docker. Events of blobs under way are kept for fetch_poll.
 * On failure only ret->status is set.
 */
int fetch_manifest(struct fetch *f, const char *reference, const char *accept, struct fetched *ret,
                   struct err *e);
/* Likewise one small blob (an image configuration) in memory. */
int fetch_blob(struct fetch *f, const struct digest *digest, int64_t size, struct fetched *ret,
               struct err *e);

/* All tags of the repository, as the registry lists them. */
int fetch_tags(struct fetch *f, struct strv *ret, struct err *e);

/*
 * Sends for a blob of exactly size bytes (-1: not known), to be written to fd, mostly the writing
 * end of a pipe (made as large as allowed; a slow reader slows only this one). id is the caller's,
 * above 0. fd stays the caller's, who closes it after this call to see the end of the pipe: it
 * ends early when the blob fails, so wait for the event too. At most `parallel` pipes are filled at
 * once, in the order of the calls: read all of them, or an unread one keeps its place.
 */
int fetch_blob_start(struct fetch *f, int id, const struct digest *digest, int64_t size, int fd,
                     struct err *e);

enum fetch_what { FETCH_NOTHING, FETCH_PROGRESS, FETCH_DONE, FETCH_ERROR };
struct fetch_event {
    enum fetch_what what;
    int id;
    int64_t bytes;  /* so far */
    int status;     /* HTTP status, 0 when none came */
    struct err err; /* of FETCH_ERROR: the finished sentence and hint */
};
/*
 * The next event; waits up to ms milliseconds (-1: without end). FETCH_NOTHING when none came.
 * -1 when pod-fetch is gone, which no request under way survives.
 */
int fetch_poll(struct fetch *f, int ms, struct fetch_event *ret, struct err *e);
/* Readable when fetch_poll may have something. Call fetch_poll(f, 0, …) till it has nothing. */
int fetch_fd(const struct fetch *f);

#endif
