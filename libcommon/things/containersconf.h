/*
 * containers.conf(5): /etc/containers/containers.conf, those in containers.conf.d beside it, then
 * the same below the user's configuration directory; what comes later wins, key by key.
 * CONTAINERS_CONF names one file to be read instead of them all, CONTAINERS_CONF_OVERRIDE one to
 * be read last. What distributions put below /usr/share is podman's defaults written out, and is
 * not read: ours stand for them.
 */
#ifndef POD_THINGS_CONTAINERSCONF_H
#define POD_THINGS_CONTAINERSCONF_H

#include "plain/err.h"
#include "things/create.h"

/*
 * Everything that is set, a new reference in *ret; NULL when there is no such file, which is
 * usual. A file that cannot be read or understood is an error that names it and the line.
 */
int containersconf_load(json_t **ret, struct err *e);

/*
 * What the person did not say is as those files have it. Strings of o then point into memory that
 * stays until the process ends.
 */
int create_defaults(struct create_opts *o, struct err *e);

#endif
