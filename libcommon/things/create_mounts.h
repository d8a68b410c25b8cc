/* Between create_mounts.c, which reads --mount, and what makes records of its rarer kinds. */
#ifndef POD_THINGS_CREATE_MOUNTS_H
#define POD_THINGS_CREATE_MOUNTS_H

#include "disk/roots.h"
#include "plain/err.h"
#include "plain/str.h"
#include "words/json.h"

/* The words behind the last colon of -v, or of --mount: what mount(8) knows of them, completed. */
int mount_bind(const struct strv *words, struct strv *options, struct err *e);
/* words: the further options, KEY or KEY=VALUE. A new reference in *ret, as records keep mounts. */
int mount_devpts(const char *dest, const struct strv *words, json_t **ret, struct err *e);
int mount_image(const struct roots *r, const char *name, const char *dest, const struct strv *words,
                json_t **ret, struct err *e);

#endif
