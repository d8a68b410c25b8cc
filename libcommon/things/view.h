/*
 * A root filesystem as a directory, for one program that reads it: nothing can be written, nobody
 * is kept from anything, and the mount goes with the program. Files have the ids that containers
 * see. Of a container that runs, what its processes have written until then.
 */
#ifndef POD_THINGS_VIEW_H
#define POD_THINGS_VIEW_H

#include "things/ctr.h"

struct view {
    struct strv line; /* the beginning of a command line; the program and its arguments follow */
    char *dir;        /* where it sees the files; NULL: there are no layers */
};
#define VIEW_INIT                                                                                  \
    {                                                                                              \
        0                                                                                          \
    }

/* Volumes and what else is mounted in the container are not part of it. */
void view_container(const struct roots *r, const struct ctr *c, struct view *ret);
/* layers: "l/<link>" below graph/overlay or absolute, top layer first. */
void view_layers(const struct roots *r, const struct strv *layers, struct view *ret);
/*
 * The same of a container that does not run, to be changed; the caller holds its lock. Fresh
 * volumes are filled, but none is mounted. Ids are those of the user's namespace.
 */
int view_to_change(const struct roots *r, const struct ctr *c, struct view *ret, struct err *e);
/* Its ids as options of pod-pack and pod-unpack, where it has a map of its own. */
int view_maps(const struct roots *r, const struct ctr *c, struct strv *argv, struct err *e);
/*
 * Its layers, its own first, as options of pod-pack and pod-fakeroot: owners may be remembered
 * beside them (disk/owners.h).
 */
void view_owners(const struct roots *r, const struct ctr *c, struct strv *argv);
/* The ids of the container's own user, as the user's namespace has them. */
int view_user(const struct roots *r, const struct ctr *c, int64_t ret[2], struct err *e);
void view_free(struct view *v);

#endif
