/*
 * The ids of a container with a map of its own, and those that the user's namespace has for them:
 * what an archive says, and what lies on disk.
 */
#ifndef POD_DISK_IDSHIFT_H
#define POD_DISK_IDSHIFT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct idshift {
    struct idshift_range {
        char kind; /* 'u' or 'g' */
        uint32_t inside, outside, size;
    } * v;
    size_t n;
};

/* One range more, as a command line has it: "u:INSIDE:OUTSIDE:SIZE". false: it is none. */
bool idshift_add(struct idshift *s, const char *text);
/* An id in no range stays what it is. */
uint32_t idshift_in(const struct idshift *s, char kind, uint32_t outside);
uint32_t idshift_out(const struct idshift *s, char kind, uint32_t inside);

#endif
