/* Errors by the names that errno(3) has for them, as seccomp profiles write them. */
#ifndef POD_WORDS_ERRNAME_H
#define POD_WORDS_ERRNAME_H

/* The number of "EPERM"; -1: no such error. */
int errname_number(const char *name);

#endif
