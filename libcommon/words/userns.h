/*
 * The user's namespace: container id 0 is the user, ids 1… are the subordinate ranges of
 * /etc/subuid and /etc/subgid in file order: the mapping podman, Buildah and Skopeo use, so that
 * all share one store. One sleeping process holds it; run/userns names that process. It is a
 * cache, never a precondition: whoever finds it gone makes it again under run/userns.lock.
 */
#ifndef POD_WORDS_USERNS_H
#define POD_WORDS_USERNS_H

#include "plain/err.h"

#include <stdbool.h>
#include <sys/types.h>

/*
 * Makes the calling (single-threaded) process uid 0 of that namespace; creates it where needed.
 * Nothing to do when it is there already, or is root.
 */
int userns_enter(const char *run_path, struct err *e);

/* Pid of the living holder, or 0. */
pid_t userns_holder(const char *run_path);

/* The namespace's id map was written by newuidmap: run them for pid. */
int userns_map(pid_t pid, struct err *e);

#endif
