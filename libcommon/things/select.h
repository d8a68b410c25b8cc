/* Which containers a command line means: names, --all, --latest, --cidfile, --filter. */
#ifndef POD_THINGS_SELECT_H
#define POD_THINGS_SELECT_H

#include "things/ctr.h"

struct select {
    bool all, latest;
    bool ignore; /* a --cidfile that is not there names nobody */
    struct strv cidfile, filter;
    const char *all_clash; /* the sentence for --all with names; NULL: podman's usual one */
    const char *nothing;   /* the sentence when nothing was named; NULL: the usual one */
};

/*
 * Adds what was named to ret, in order: operands as they are (so that messages show what was
 * typed), ids for the rest. An operand of "-" stands for the names on standard input, one a line.
 * With filters, without names: all containers that match; with names: those of them that do.
 * -1 when nothing was named.
 */
int select_names(const struct roots *r, const struct select *s, char *const *operands,
                 struct strv *ret, struct err *e);

#endif
