/* How a helper says that it failed: on descriptor 3 to a program of ours, to a person on stderr. */
#ifndef HELPERS_FAIL_H
#define HELPERS_FAIL_H

#include "disk/report.h"

#include <stdio.h>

/* The exit code. */
static inline int helper_fail(const struct err *e)
{
    report_err(e);
    fprintf(stderr, "Error: %s\n", e->msg);
    if (e->hint[0])
        fprintf(stderr, "%s\n", e->hint);
    return e->code ? e->code : 125;
}

#endif
