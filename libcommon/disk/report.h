/*
 * The one line a helper answers on descriptor 3: "ok", "ok\tVALUE", or "CODE\tMESSAGE" with
 * "\tHINT" behind where there is one, "\tLINE" for each further line of it. Nothing is written when
 * descriptor 3 is closed. Tabs and newlines in the other texts become blanks.
 */
#ifndef POD_DISK_REPORT_H
#define POD_DISK_REPORT_H

#include "plain/err.h"

#include <stddef.h>

#define REPORT_FD 3

void report_ok(const char *value); /* value may be NULL */
void report_err(const struct err *e);
/* 0 and VALUE copied to value (may be NULL), or -1 with what the line says. */
int report_parse(char *line, const char *who, char *value, size_t size, struct err *e);
/* Reads fd up to the end of the line or of file, then report_parse. */
int report_read(int fd, const char *who, char *value, size_t size, struct err *e);

#endif
