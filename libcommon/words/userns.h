/*
 * The user's namespace: container id 0 is the user, ids 1… are the subordinate ranges of
 * /etc/subuid and /etc/subgid in file order: the mapping podman, Buildah and Skopeo use, so that
 * all share one store. One sleeping process holds it; run/userns names that process. It is a
 * cache, never a precondition: whoever finds it gone makes it again under run/userns.lock.
 *
 * Single-id mode: a user without such ranges, or whom newuidmap does not serve, has id 0 alone.
 * What other ids would own is remembered beside the files (disk/owner.h), and pod-fakeroot
 * answers the system calls that would need them.
 */
#ifndef POD_WORDS_USERNS_H
#define POD_WORDS_USERNS_H

#include "plain/err.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/*
 * Makes the calling (single-threaded) process uid 0 of that namespace; creates it where needed.
 * Nothing to do when it is there already, or is root.
 */
int userns_enter(const char *run_path, struct err *e);

/* Pid of the living holder that userns_enter would use, or 0. */
pid_t userns_holder(const char *run_path);

/* Whether newuidmap and newgidmap are there and have ranges to map; else -1 and why: single-id
 * mode. */
int userns_can_map(struct err *e);
/* Has them write the id maps of pid's namespace. */
int userns_map(pid_t pid, struct err *e);
/* Writes the maps of single-id mode: id 0 is the caller. */
int userns_map_single(pid_t pid, struct err *e);

/* id_map: text of one. The single id that it maps, as it is called inside; -1: there are others. */
int64_t userns_only_id(const char *id_map);
/* The same of a process; which: "uid_map" or "gid_map". */
int64_t userns_only_id_of(pid_t pid, const char *which);
bool userns_is_single(const char *id_map);
/*
 * Once a holder: true, and why, when it is in single-id mode and nobody was told yet; the caller
 * tells it.
 */
bool userns_untold(const char *run_path, char *ret_why, size_t size);

#endif
