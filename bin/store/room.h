/* What the verbs of pod-store share. */
#ifndef POD_BIN_STORE_ROOM_H
#define POD_BIN_STORE_ROOM_H

#include "say.h"

#include "things/event.h"
#include "things/store.h"
#include "things/store_write.h"
#include "words/exitcode.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

int verb_images(int argc, char **argv);
int verb_inspect(int argc, char **argv);
int verb_history(int argc, char **argv);
int verb_tag(int argc, char **argv);
int verb_untag(int argc, char **argv);
int verb_prune(int argc, char **argv);
int verb_rmi(int argc, char **argv);
int verb_exists(int argc, char **argv);
int verb_mount(int argc, char **argv);
int verb_unmount(int argc, char **argv);
int verb_check(int argc, char **argv);
int verb_gc(int argc, char **argv);
int verb_df(int argc, char **argv);

/* Roots and store, open together and closed together. */
struct room {
    struct roots roots;
    struct store store;
};
#define ROOM_INIT                                                                                  \
    {                                                                                              \
        .roots = ROOTS_INIT, .store = STORE_INIT                                                   \
    }
int room_open(struct room *ret, struct err *e); /* to read */
int room_edit(struct room *ret, struct err *e); /* to write, under the locks */
void room_close(struct room *r);
#define cleanup_room cleanup(room_close) struct room

/* "docker.io/library/x:1" → "docker.io/library/x" and "1"; a name with a digest has tag "<none>".
 */
void name_split(const char *name, char **repo, char **tag);
/* Borrowed names; "" when there is none. */
const char *image_name(const json_t *img, size_t i);
size_t image_names(const json_t *img);
struct timespec image_created(const json_t *img);

/* Does the child's history say that it was built by one step from parent? Configurations. */
bool config_is_child(const json_t *parent, const json_t *child);
/* Borrowed; NULL when no image here is the one img was built on. */
json_t *image_parent(const struct store *s, const json_t *img);
bool image_has_child(const struct store *s, const json_t *img);
/* Has no name and nothing stands on it. */
bool image_dangling(const struct store *s, const json_t *img);

/* Names that are a tag, not a digest: a new array. */
json_t *image_tags(const json_t *img);
/* "name@sha256:…" for each name's repository and digest, in the alphabet's order. */
json_t *image_repo_digests(const json_t *img);
/* Object at config.config.Labels; NULL when there is none. */
json_t *config_labels(const json_t *config);
/* Members whose names begin with "." hold how the thing looks: ".Size" beside "Size". */
void row_text(json_t *row, const char *key, struct buf *text); /* empties text */

/* Prints «Error: …» for one, or podman's list for several errors. */
struct errors {
    struct strv msgs;
    char hint[1200];
};
void errors_add(struct errors *l, const struct err *e);
void errors_say(struct errors *l); /* frees */

#endif
