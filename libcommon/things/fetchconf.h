/* The first packet to pod-fetch; only things/fetch.c has a use for this. */
#ifndef POD_THINGS_FETCHCONF_H
#define POD_THINGS_FETCHCONF_H

#include "things/fetch.h"

#include <jansson.h>

/* Looks up sources, credentials and certificates. A new reference in *ret. */
int fetch_config(const struct fetch_conf *conf, json_t **ret, struct err *e);

#endif
