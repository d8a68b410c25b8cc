/* Which containers a command line means: names, --all, --latest, --cidfile. */
#ifndef POD_THINGS_SELECT_H
#define POD_THINGS_SELECT_H

#include "things/ctr.h"

struct select {
    bool all, latest;
    struct strv cidfile;
};

/*
 * Adds what was named to ret, in order: operands as they are (so that messages show what was
 * typed), ids for the rest. An operand of "-" stands for the names on standard input, one a line.
 * -1 when nothing was named.
 */
int select_names(const struct roots *r, const struct select *s, char *const *operands,
                 struct strv *ret, struct err *e);

#endif
