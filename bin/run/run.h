#ifndef POD_RUN_RUN_H
#define POD_RUN_RUN_H

#include "things/create.h"

/*
 * Sees to it that the image is in the store, by --pull. *name is what the person typed; where the
 * image came from a file, whose name is not the image's, it then points to ret_id.
 */
int run_need_image(const struct roots *r, const struct create_opts *o, char **name, char ret_id[65],
                   struct err *e);

#endif
