/*
 * What was stored in single-id mode (words/userns.h), when there are ids for it: owners that are
 * remembered beside files become their owners, once, before the next container is started.
 */
#ifndef POD_THINGS_REOWN_H
#define POD_THINGS_REOWN_H

#include "disk/roots.h"
#include "plain/err.h"

/* Notes that such files are in the store; before the first of them. */
int reown_note(const struct roots *r, struct err *e);
/* Does it, when there is such a note. Costs one look at a file when there is none. */
int reown_all(const struct roots *r, struct err *e);

#endif
