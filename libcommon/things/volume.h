/*
 * Volumes: pod/volumes/NAME in the graph root, the contents in _data. Beside them
 *   volume.json  {"name", "driver", "created", "labels", "options", "anonymous"}, written once
 *   fresh        as long as it waits for a container that gives it an owner, and what the image
 *                has at that place (helpers/rootfs/fill.c)
 * A directory without volume.json is a volume too, of which no more is known.
 */
#ifndef POD_THINGS_VOLUME_H
#define POD_THINGS_VOLUME_H

#include "disk/roots.h"
#include "plain/err.h"
#include "plain/str.h"
#include "words/json.h"

struct volume_want {
    const char *name;
    bool anonymous;        /* goes with its last container, on rm -v and --rm */
    const json_t *labels;  /* objects of strings, or NULL */
    const json_t *options; /* type, device, o: volume_check_options() */
};

/* Makes it; e->sys is EEXIST when there is one of that name. */
int volume_create(const struct roots *r, const struct volume_want *w, struct err *e);
/*
 * Binds (type bind, or o with "bind"; device a directory), tmpfs (o: its options; each container
 * has one of its own), and uid=, gid= in o.
 */
int volume_check_options(const json_t *options, struct err *e);
/* name, or the beginning of one volume's name only: the whole name to *ret, the caller's. */
int volume_find(const struct roots *r, const char *name, char **ret, struct err *e);
bool volume_exists(const struct roots *r, const char *name);
/* What is known of it, a new reference. */
int volume_load(const struct roots *r, const char *name, json_t **ret, struct err *e);
bool volume_is_tmpfs(const json_t *volume);
/* Where its contents are: _data, or the device of one that binds. The caller's. */
char *volume_path(const struct roots *r, const char *name, const json_t *volume);
/* uid= and gid= of the options, -1 each when not given. */
void volume_owner(const json_t *volume, int64_t *uid, int64_t *gid);
/* What it waits for. */
struct volume_needs {
    bool copy, owner;
};
struct volume_needs volume_needs(const struct roots *r, const char *name);
/* All names, sorted. */
void volume_list(const struct roots *r, struct strv *ret);
/* Whoever mounts it: the caller has looked. */
int volume_remove(const struct roots *r, const char *name, struct err *e);

/* Names of the volumes that a container mounts, by its record, one for each mount. */
void volumes_of(const json_t *record, bool only_anonymous, struct strv *ret);
/* Likewise of all containers. */
void volumes_used(const struct roots *r, struct strv *ret);
/* Makes those that a new container mounts and that are not there. */
int volumes_make(const struct roots *r, const json_t *record, struct err *e);
/* Those of names that no container mounts go into trash/INTO, a directory about to be deleted. */
int volumes_reclaim(const struct roots *r, const struct strv *names, const char *into,
                    struct err *e);

#endif
