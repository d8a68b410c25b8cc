/* Rooms of pod-events: reading the journal (disk/journal.h), and which of its lines are wanted. */
#ifndef POD_EVENTS_H
#define POD_EVENTS_H

#include "disk/roots.h"
#include "plain/str.h"
#include "words/json.h"

#include <stdint.h>

/* journal.c: nanoseconds since 1970, at the ends of their range for no limit */
struct span {
    int64_t since, until;
    bool past;   /* what has been written already, too */
    bool stream; /* what comes, until the time is up */
};
/*
 * One event, and its time. Above 0: no more is wanted; -1: failed.
 */
typedef int event_fn(void *arg, json_t *event, int64_t ns, struct err *e);
/* Calls fn for each event of the span, in the order of the journal. */
int events_read(const struct roots *r, const struct span *s, event_fn *fn, void *arg,
                struct err *e);

/* filter.c */
int events_filter_check(const struct strv *filters, struct err *e);
/* Values of one key are alternatives (of label all must hold), different keys must all hold. */
bool events_filter_match(const struct strv *filters, const json_t *event);

#endif
