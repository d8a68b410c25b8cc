/*
 * What containers need from the machine, each with the sentence and the line to type.
 *
 * A probe returns 0 when the thing is there, or -1 with the words every program of ours uses for
 * it (words/reasons.h has those that helpers of fewer rights share). A tool that fails asks the
 * probe that fits; when that one finds nothing wrong, the tool's own error stands. Probes leave
 * nothing behind. As root the user namespace and its maps are not needed, and their probes say so
 * by 0.
 */
#ifndef POD_THINGS_NEEDS_H
#define POD_THINGS_NEEDS_H

#include "plain/err.h"

#include <stdbool.h>

/* Makes one in a child, and checks that the rights in it are real. */
int needs_userns(struct err *e);
/* /etc/subuid and /etc/subgid have a range for the user. */
int needs_subids(struct err *e);
/* newuidmap and newgidmap exist and can do their work. */
int needs_newuidmap(struct err *e);

/*
 * dir: a writable directory of the filesystem where layers will be; NULL: a fresh tmpfs.
 * *ret_native (may be NULL): false when only fuse-overlayfs is left.
 */
int needs_overlay(const char *dir, bool *ret_native, struct err *e);

int needs_tun(struct err *e);
/* "slirp4netns" or "pasta"; the path is the caller's (ret_path may be NULL). */
int needs_netprogram(const char *name, char **ret_path, struct err *e);
/* option: what the user typed ("--memory"); controller: memory, cpu, pids, io, cpuset. */
int needs_cgroup(const char *option, const char *controller, struct err *e);
int needs_runtime_dir(struct err *e);
/* path's filesystem can hold files of subordinate ids and be an overlay's upper side. */
int needs_local_disk(const char *path, struct err *e);
/* The store at graphroot is of the driver that we read (or is not there yet). */
int needs_overlay_store(const char *graphroot, struct err *e);
int needs_open_files(struct err *e);

#endif
