/*
 * Hook directories, oci-hooks(5): files NAME.json, version 1.0.0 or the older kind without one,
 * that put OCI hooks into the configuration of the containers they mean. The record's hooksDirs
 * has the directories; a name in a later one stands for the same name in those before it, and the
 * hooks come in the order of their files' names. A directory that is not there is empty.
 */
#ifndef POD_THINGS_HOOKS_H
#define POD_THINGS_HOOKS_H

#include "things/ctr.h"

/*
 * Adds to spec's "hooks". Those of the stage precreate, which is ours and not OCI's, come back as
 * an array in *ret_precreate (new reference, maybe empty).
 */
int hooks_add(const struct ctr *c, json_t *spec, json_t **ret_precreate, struct err *e);
/*
 * Each of them reads the configuration on its standard input and writes the one that is to be
 * taken to its standard output. *spec is replaced.
 */
int hooks_precreate(const json_t *hooks, json_t **spec, struct err *e);

#endif
