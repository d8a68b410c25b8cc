/* pod-run's steps before and after the container itself. */
#ifndef POD_BIN_RUN_H
#define POD_BIN_RUN_H

#include "things/create.h"

#include <stdbool.h>
#include <sys/types.h>

/* ---- image.c ---- */
/*
 * Sees to it that the image is in the store, by --pull. *name is what the person typed; where the
 * image came from a file, whose name is not the image's, it then points to ret_id.
 */
int run_need_image(const struct roots *r, const struct create_opts *o, char **name, char ret_id[65],
                   struct err *e);
/* --rmi, for a run that stayed: warns when somebody else uses the image. */
void drop_image(const struct roots *r, const char *id);

/* check.c: options that need no container to be wrong; puts some of them straight. */
int check_options(struct create_opts *o, bool is_run, struct err *e);
bool attaches(const struct create_opts *o, const char *stream);

/* around.c */
void remove_named(const char *name);
/* --pod new:NAME makes the pod; its name to *ret_made (o's string), else NULL. */
int need_pod(struct create_opts *o, const char **ret_made, struct err *e);
void drop_pod(const char *name);

#endif
