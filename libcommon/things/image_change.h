/* Changing the "config" object of an image configuration (OCI image-spec, «Properties»). */
#ifndef POD_THINGS_IMAGE_CHANGE_H
#define POD_THINGS_IMAGE_CHANGE_H

#include "words/json.h"

/*
 * One --change: an instruction of a Containerfile that only touches the configuration, with its
 * arguments behind a blank or an equals sign.
 */
int config_change(json_t *config, const char *text, struct err *e);
/* What parent has at key, made by json_object or json_array where it has none; borrowed. */
json_t *config_child(json_t *parent, const char *key, json_t *(*make)(void));
/* {"NAME": {}}, as configurations list ports and volumes. */
void config_put_key(json_t *config, const char *key, const char *name);

#endif
