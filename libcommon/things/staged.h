/*
 * A layer that is being unpacked: a directory below own/staging, which store_commit takes over.
 * Who makes one holds store_hold() until then.
 */
#ifndef POD_THINGS_STAGED_H
#define POD_THINGS_STAGED_H

#include "things/store_write.h"

/* Makes nl->staging and what has to be in it. */
int staged_make(const struct roots *r, struct new_layer *nl, struct err *e);
/* The command line of pod-userns and pod-unpack, to be extended; the archive is its input. */
void staged_command(const struct roots *r, const struct new_layer *nl, struct strv *ret);
/* What pod-unpack answered goes to nl. *ret_ids: memory behind nl->uids and gids, the caller's. */
int staged_answer(const char *answer, struct new_layer *nl, uint32_t **ret_ids, struct err *e);
/* Removes it where it was made and not taken over. */
void staged_drop(const struct roots *r, const struct new_layer *nl);

#endif
