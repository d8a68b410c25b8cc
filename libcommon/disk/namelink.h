/*
 * own/names: one symbolic link a name, to ../containers/<id> or ../pods/<id>, so that the
 * filesystem decides who has it. A new link is made without a lock (EEXIST decides); a link that
 * is there is changed or dropped only under own/names.lock, so that nobody drops the name that
 * somebody else has just taken over from the dead.
 */
#ifndef POD_DISK_NAMELINK_H
#define POD_DISK_NAMELINK_H

#include <stdbool.h>

/* The id (64 hex) that the name points to; -1 with errno. */
int namelink_read(int own, const char *name, char ret_id[65], bool *is_pod);
/* Drops the name if it still points to id. */
void namelink_drop(int own, const char *name, const char *id);
/* Points the name to target instead of to old_id; -1, EEXIST: it does not point there any more. */
int namelink_replace(int own, const char *name, const char *old_id, const char *target);

#endif
