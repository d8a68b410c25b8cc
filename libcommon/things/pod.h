/*
 * Pods: a record of a name and of an infra container whose namespaces the members join.
 *
 *   own/pods/<id>/pod.json   id name created infra shared[] labels{} hostname createCommand[]
 *                           exitPolicy ("continue", "stop"); infra is "" where there is none
 *                 infra      symbolic link to ../../containers/<infra>
 *                 lock       held while the pod is made
 *
 * A pod exists while its infra container does: that one's appearing is the end of create, and
 * its vanishing the end of rm. What is left of either is nobody's and swept by gc.
 *
 * The infra container is a container like any other ("infra": true in its record; its payload is
 * pod-init --pause), members carry "pod": <id>. Who is a member is found by reading the records.
 */
#ifndef POD_THINGS_POD_H
#define POD_THINGS_POD_H

#include "disk/roots.h"
#include "plain/err.h"
#include "plain/str.h"
#include "words/json.h"

#include <stdbool.h>

struct pod {
    char id[65];
    json_t *record; /* owned */
};

/* Podman's sentence when there is none: «no pod with name or ID x found: no such pod». */
int pod_find_id(const struct roots *r, const char *name_or_id, char ret_id[65], struct err *e);
int pod_find(const struct roots *r, const char *name_or_id, struct pod *ret, struct err *e);
int pod_open(const struct roots *r, const char *id, struct pod *ret, struct err *e);
void pod_close(struct pod *p);
int pod_list(const struct roots *r, struct strv *ret, struct err *e);
/* "continue" or "stop": what becomes of the pod when its last container has ended. */
const char *pod_exit_policy(const struct pod *p);
/* Do members join the infra container's namespace: "net", "ipc", "uts", "pid", "cgroup"? */
bool pod_shares(const struct pod *p, const char *ns);
/* Ids of the pod's containers, the infra container first. */
int pod_members(const struct roots *r, const char *pod_id, struct strv *ret, struct err *e);
/* Is there a pod of that id (64 hex)? */
bool pod_exists(const struct roots *r, const char *id);
bool pod_being_made(const struct roots *r, const char *id);
/*
 * Takes the name and puts the record in its place; it becomes a pod when its infra container is
 * created. *ret_lock is to be closed after that.
 */
int pod_prepare(const struct roots *r, const char *id, const char *name, const json_t *record,
                int *ret_lock, struct err *e);
/* Removes the record and frees the name (NULL: any); the containers are gone already. */
int pod_discard(const struct roots *r, const char *id, const char *name, struct err *e);
/* What killed commands have left of pods. */
void pods_sweep(const struct roots *r);

#endif
