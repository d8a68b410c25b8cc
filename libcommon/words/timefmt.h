/*
 * Points in time as text. Years 1 to 9999; Go's zero time («never») is {TIMEFMT_NEVER, 0}.
 * On failure -1 with errno EINVAL, and the result untouched.
 */
#ifndef POD_WORDS_TIMEFMT_H
#define POD_WORDS_TIMEFMT_H

#include "plain/buf.h"

#include <stdint.h>
#include <time.h>

#define TIMEFMT_NEVER (-62135596800LL) /* 0001-01-01T00:00:00Z */

struct timespec timefmt_clock(void); /* now */
/* Now, as timefmt_rfc3339 writes it; 31 bytes are enough, less is cut. */
void timefmt_now(char *out, size_t size);
struct timespec timefmt_from_ns(int64_t ns);
/* Nanoseconds since 1970, at the ends of their range where that is not enough. */
int64_t timefmt_to_ns(struct timespec t);

/* Appends "2022-01-02T15:04:05.123456789Z", without zeros at the end of the fraction. */
void timefmt_rfc3339(struct buf *out, struct timespec t);
/* Reads that, with Z or an offset such as +02:00, and 0 to 9 digits of fraction (more are cut). */
int timefmt_parse(const char *s, struct timespec *ret);

enum timefmt_zone { TIMEFMT_UTC, TIMEFMT_LOCAL };
/* Appends Go's default form: "2022-01-02 15:04:05.123456789 +0000 UTC". */
void timefmt_go(struct buf *out, struct timespec t, enum timefmt_zone zone);
/* Appends the age: "3 weeks ago", as units_human_time says it; "" for never. */
void timefmt_ago(struct buf *out, struct timespec t, struct timespec now);

/*
 * What --since and --until take: RFC 3339, a date with or without time (local unless it has a
 * zone), seconds since 1970 with or without fraction, or a duration back from now.
 */
int timefmt_point(const char *s, struct timespec now, struct timespec *ret);
/* Likewise for an end in the future: a duration counts from now on. */
int timefmt_until(const char *s, struct timespec now, struct timespec *ret);

#endif
