/*
 * Health checks. What is wanted stands in the record of the container:
 *   health{test[] interval timeout startPeriod (nanoseconds) retries onFailure}
 * test is OCI's and Docker's: ["CMD", ARG…] or ["CMD-SHELL", TEXT]; interval 0: only by hand.
 * What came of it stands beside the record in health.json, in podman's shape:
 *   {"Status": "starting|healthy|unhealthy", "FailingStreak": N, "Log": [{Start End ExitCode
 *   Output}, …]}
 * The monitor writes the first one at each start and runs `pod healthcheck run` by its timer.
 */
#ifndef POD_THINGS_HEALTH_H
#define POD_THINGS_HEALTH_H

#include "things/create.h"
#include "things/ctr.h"

/* From --health-… and the image's Healthcheck to the record. */
int create_health(const struct create_opts *o, const json_t *cfg, json_t *rec, struct err *e);

/* The record's "health", or NULL where nothing is to be checked. */
const json_t *health_wanted(const struct ctr *c);
/* What is known, a new reference. Without a check its Status is "". */
json_t *health_read(const struct ctr *c);
/* That Status alone; what it cannot be is "starting". size: 16 is enough. */
void health_status(const struct ctr *c, char *out, size_t size);
/* The Healthcheck of inspect and of image configurations, a new reference; NULL without one. */
json_t *health_as_config(const json_t *health);

struct health_result {
    int64_t start_ns, end_ns; /* since the epoch */
    int code;                 /* 0 is healthy */
    const char *output;       /* cut to HEALTH_MAX_OUTPUT bytes */
    bool forgiven;            /* it failed, but is still starting */
};
#define HEALTH_MAX_OUTPUT 500
/* Adds one result; the status after it to *ret, and whether that is another one than before. */
int health_note(const struct ctr *c, const struct health_result *r, char ret[16], bool *changed,
                struct err *e);

#endif
