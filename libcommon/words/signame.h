/* Signals by name and number, as on Linux. */
#ifndef POD_WORDS_SIGNAME_H
#define POD_WORDS_SIGNAME_H

#include "plain/err.h"

/*
 * "TERM", "SIGTERM", "sigterm", "15", "RTMIN", "SIGRTMIN+3", "RTMAX-1". The number, or -1.
 * Real-time signals are counted as the kernel's users see them: RTMIN is 34, RTMAX 64.
 */
int signal_number(const char *name);
/* What a person typed, with an optional dash before it (kill -s -TERM). 0 and *ret, or -1. */
int signal_parse(const char *text, int *ret, struct err *e);
/* "SIGTERM"; "SIGRTMIN+3"; NULL for what is no signal. A static string. */
const char *signal_name(int number);

#endif
