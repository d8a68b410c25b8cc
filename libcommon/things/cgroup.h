/* The control groups (v2) that this user may make for a container. */
#ifndef POD_THINGS_CGROUP_H
#define POD_THINGS_CGROUP_H

#include <stdbool.h>
#include <sys/types.h>

#define CGROUP_ROOT "/sys/fs/cgroup"

/* Is the whole tree v2? Hybrid set-ups have no controllers there and count as v1. */
bool cgroup_is_v2(void);
/* Directory of the calling process's cgroup below CGROUP_ROOT; NULL when not v2. Caller's. */
char *cgroup_own(void);
/* Is word one of the words in dir/file? */
bool cgroup_lists(const char *dir, const char *file, const char *word);
/* May we put children there, and processes into them? */
bool cgroup_is_ours(const char *dir);
/*
 * The nearest directory from our own upwards that is ours to divide and already hands all these
 * controllers (ends with NULL) to its children; NULL: none. A delegated scope becomes one when
 * its processes moved into a leaf; systemd's slices and its user manager's node never are.
 */
char *cgroup_divisible(const char *const *controllers);
/* The same for another process; without controllers it is any one that we may put children in. */
char *cgroup_divisible_at(pid_t pid, const char *const *controllers);
/* Directory of a process's cgroup, as cgroup_own(). */
char *cgroup_of(pid_t pid);
/* Socket of the user's systemd manager (root's: the system's) when it answers; NULL otherwise. */
char *cgroup_manager_socket(void);
/* Directory in which that manager makes cgroups; NULL: none answers, or it has no v2. */
char *cgroup_manager(void);

#endif
