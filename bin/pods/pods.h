/* pod-pod's verbs: each gets its own argv and returns the exit code. */
#ifndef POD_BIN_PODS_H
#define POD_BIN_PODS_H

#include "things/ctr.h"
#include "things/pod.h"

int verb_create(int argc, char **argv);
int verb_ps(int argc, char **argv);
int verb_inspect(int argc, char **argv);
int verb_start(int argc, char **argv);
int verb_stop(int argc, char **argv);
int verb_kill(int argc, char **argv);
int verb_restart(int argc, char **argv);
int verb_rm(int argc, char **argv);
int verb_exists(int argc, char **argv);

/* Names on the command line, or all pods, or the latest: ids to ret. */
int pods_select(const struct roots *r, char *const *operands, bool all, bool latest,
                struct strv *ret, struct err *e);
/* "Created", "Running", "Degraded", "Exited", "Stopped", as podman derives it from the members. */
const char *pods_status(const struct roots *r, const struct strv *members, size_t *running);
/* {"Id", "Names", "Status"} of each member. */
json_t *pods_containers(const struct roots *r, const struct strv *members);

#endif
