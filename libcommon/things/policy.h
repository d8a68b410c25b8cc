/*
 * containers-policy.json(5): which images may come in. The user's file, else
 * /etc/containers/policy.json, else share/policy.json, which takes everything.
 *
 * The most specific scope decides: for a registry the whole name with its tag or digest, the name,
 * each shorter one, the host, *.DOMAIN; then the transport's own default, then "default".
 *
 * We verify no signatures, so a scope that asks for some is refused: never taken in silence.
 */
#ifndef POD_THINGS_POLICY_H
#define POD_THINGS_POLICY_H

#include "plain/err.h"
#include "words/ref.h"

/* scope: a path for a local transport ("" when it has none), unused with a reference. */
int policy_check(const char *transport, const char *scope, const struct ref *ref, struct err *e);

#endif
