/* Scopes of the user's systemd: cgroups that it hands over to us whole. */
#ifndef POD_HELPERS_CGROUP_SCOPE_H
#define POD_HELPERS_CGROUP_SCOPE_H

#include "plain/err.h"

/* Moves the calling process into a new scope that is delegated to it. */
int scope_enter_new(const char *unit, struct err *e);
/* Moves the calling process into dir, a cgroup in such a scope. */
int scope_enter(const char *dir, struct err *e);

#endif
