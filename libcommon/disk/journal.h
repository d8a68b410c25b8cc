/*
 * The journal of what happened: own/events/log, a JSON object a line, and before it log.1. Whoever
 * changes something adds a line, in one write, without a lock and without waiting for the disk; a
 * line that cannot be written is lost and hinders nobody.
 *
 *   {"Time":"2026-01-02T03:04:05.000000006Z","Type":"container","Status":"start",MEMBERS}
 *
 * The members of a container's lines lie in its directory as «event», for those
 * who have no JSON library.
 */
#ifndef POD_DISK_JOURNAL_H
#define POD_DISK_JOURNAL_H

#include <stdbool.h>

#define JOURNAL_DIR     "events"
#define JOURNAL_LOG     "events/log"
#define JOURNAL_OLD     "events/log.1"
#define JOURNAL_MAX     (4 << 20) /* bytes; from there on the log becomes log.1 */
#define JOURNAL_MEMBERS "event"

/* POD_EVENTS=none, which `pod --events-backend none` sets: nothing is told, nothing can be read. */
bool journal_off(void);
/* Of whatever type: members is JSON without braces, "" or NULL for none. */
void journal_add(int own, const char *type, const char *status, const char *members);
/*
 * Of the container whose directory is open as dir, in own/containers or own/trash. more: further
 * members, or NULL.
 */
void journal_container(int dir, const char *status, const char *more);
/* Likewise, of one that ended: its exit code. */
void journal_exit(int dir, const char *status, int code);

#endif
