/* Volumes: pod/volumes/NAME/_data in the graph root. Anonymous ones are named by a random id. */
#ifndef POD_THINGS_VOLUME_H
#define POD_THINGS_VOLUME_H

#include "disk/roots.h"
#include "plain/err.h"
#include "plain/str.h"
#include "words/json.h"

/* Names of the volumes that a container mounts, by its record, one for each mount. */
void volumes_of(const struct roots *r, const json_t *record, bool only_anonymous, struct strv *ret);
/* Likewise of all containers. */
void volumes_used(const struct roots *r, struct strv *ret);
/* Those of names that no container mounts go into trash/INTO, a directory about to be deleted. */
int volumes_reclaim(const struct roots *r, const struct strv *names, const char *into,
                    struct err *e);

#endif
