/* What `podman info` and `podman version` tell, as far as it is true of us. */
#ifndef POD_BIN_INFO_H
#define POD_BIN_INFO_H

#include "disk/roots.h"
#include "words/json.h"

json_t *info_version(void);                               /* host.c */
json_t *info_host(const struct roots *r);                 /* host.c */
json_t *info_store(const struct roots *r, struct err *e); /* store.c */
/* Nested objects and lists as YAML, keys in order. */
void info_yaml(const json_t *o); /* yaml.c */

#endif
