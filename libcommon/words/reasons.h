/*
 * Why containers cannot run on a machine: one sentence and one line to type for each reason, the
 * same from whichever program meets it. All but the small ones return -1 and fill *e.
 */
#ifndef POD_WORDS_REASONS_H
#define POD_WORDS_REASONS_H

#include "plain/err.h"

#include <stddef.h>

/* The user's login name, or number. */
const char *reason_user(void);
/* Full path of an executable in PATH, the caller's; NULL when there is none. */
char *reason_find_tool(const char *tool);
/* "sudo apt install PACKAGE" in the words of this distribution; tool: newuidmap, slirp4netns … */
void reason_install_line(const char *tool, char *out, size_t size);

/* sys: the errno of making a user namespace, or that it came without its rights (AppArmor). */
#define REASON_NO_RIGHTS 250
int reason_userns(int sys, struct err *e);

/* kind: uid or gid. */
int reason_subids(const char *kind, struct err *e);
/* How many ids /etc/subuid or /etc/subgid give to the user. */
unsigned long long reason_count_subids(const char *kind);

/* tool: newuidmap or newgidmap. 0 when nothing is wrong with it that can be seen. */
int reason_mapper(const char *tool, struct err *e);
/* The same when it was run and failed. */
int reason_mapper_refused(const char *tool, struct err *e);

/* sys: the errno of the kernel's overlay, 0: not asked; fuse: why fuse-overlayfs did not serve. */
int reason_overlay(int sys, const char *fuse, struct err *e);
/* The usual two of these; NULL when there is nothing to be seen. */
const char *reason_no_fuse(void);

#endif
