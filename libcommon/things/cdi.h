/*
 * Devices that a vendor describes: the Container Device Interface (CDI specification 0.7). A file
 * NAME.json or NAME.yaml in a directory of specifications says what each device named
 * VENDOR/CLASS=NAME changes in the configuration of a container that has it.
 */
#ifndef POD_THINGS_CDI_H
#define POD_THINGS_CDI_H

#include "words/json.h"

/* Is it such a name? What is a path of a device is not. */
bool cdi_is_name(const char *text);
/* Directories to look in where nobody said others; of later ones files count more. */
extern const char *const cdi_dirs[];

/*
 * Makes of an OCI configuration what the devices want of it. nodes: devices are made there (root);
 * else the host's are bound. spec NULL: only looks whether all are there.
 */
int cdi_apply(const struct strv *dirs, const struct strv *names, bool nodes, json_t *spec,
              struct err *e);

#endif
