/* Rooms of pod-stats: what a container uses (sample.c), and how that is shown (row.c). */
#ifndef POD_BIN_STATS_H
#define POD_BIN_STATS_H

#include "things/ctr.h"
#include "things/procs.h"

struct sample {
    int64_t at_ns, started_ns; /* since the epoch; started 0: it does not run */
    uint64_t cpu_ns;           /* used since it was started */
    uint64_t memory, limit;    /* bytes */
    uint64_t net_in, net_out;  /* bytes */
    bool has_net;              /* it has a network of its own */
    uint64_t block_in, block_out, pids;
    double
        pressure[3]; /* of CPU, memory, I/O: percent of the last 10 s that some waited; -1: n/a */
};

/*
 * Out of the container's cgroup, where it has one of its own; what that does not tell is added up
 * over its processes. all: read when it is needed and not there yet.
 */
void stats_sample(const struct roots *r, const struct ctr *c, struct procs *all,
                  struct sample *ret);

/* before: of the same container, or NULL, then the average since its start stands for it. */
json_t *stats_row(const struct ctr *c, const struct sample *now, const struct sample *before,
                  bool whole);
/* The member that podman's JSON has for each, in its order, without a pressure of none. */
json_t *stats_json(const json_t *row);

#endif
