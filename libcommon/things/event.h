/* Lines for the journal (disk/journal.h) about what is not a container, and a container's own. */
#ifndef POD_THINGS_EVENT_H
#define POD_THINGS_EVENT_H

#include "disk/journal.h"
#include "disk/roots.h"
#include "words/json.h"

/* What every line about this container says: the text of its «event» file. The caller's. */
char *event_members(const json_t *record);

/* name: as podman gives it, a reference; may be NULL. */
void event_image(const struct roots *r, const char *status, const char *id, const char *name);
/* One for each of the image's names, or one without. */
void event_image_names(const struct roots *r, const char *status, const json_t *image);
void event_pod(const struct roots *r, const char *status, const char *id, const char *name);
void event_volume(const struct roots *r, const char *status, const char *name);

#endif
