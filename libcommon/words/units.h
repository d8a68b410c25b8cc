/* Amounts as people write and read them: sizes and lengths of time, in docker's and Go's words. */
#ifndef POD_WORDS_UNITS_H
#define POD_WORDS_UNITS_H

#include "plain/buf.h"

#include <stdint.h>

/*
 * "64m", "1g", "1.5GiB", "512 kB", "100", "0b": powers of 1024 whatever the unit's spelling
 * (--memory, --shm-size). 0, or -1 with errno EINVAL or ERANGE and *ret untouched.
 */
int units_size_parse(const char *s, uint64_t *ret);
/* Likewise in powers of 1000 (--log-opt max-size, --filter), unless it says KiB, MiB, … */
int units_size_parse_decimal(const char *s, uint64_t *ret);
/* Appends "7.35 MB": powers of 1000, so many significant digits, gap between number and unit. */
void units_human_size(struct buf *out, uint64_t n, int digits, const char *gap);
/* Appends "2 minutes", "About an hour", "Less than a second", "3 weeks". */
void units_human_time(struct buf *out, int64_t ns);

/* Go's durations: "10s", "1h30m", "250ms", "-1.5h", "0". 0 and nanoseconds, or -1 with errno. */
int units_duration(const char *s, int64_t *ret);
/* Appends "1h30m0s", "250ms", "0s". */
void units_duration_text(struct buf *out, int64_t ns);

#endif
