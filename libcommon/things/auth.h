/*
 * Who the user is to a registry, as `podman login` and `docker login` saved it
 * (containers-auth.json(5)).
 *
 * A named file (--authfile, $REGISTRY_AUTH_FILE) is the only one looked at; else
 * $XDG_RUNTIME_DIR/containers/auth.json, ${XDG_CONFIG_HOME:-~/.config}/containers/auth.json,
 * ${DOCKER_CONFIG:-~/.docker}/config.json. The most specific key wins: host/namespace/repository,
 * then each shorter one, then the host alone. Secrets are never put into messages or argv.
 */
#ifndef POD_THINGS_AUTH_H
#define POD_THINGS_AUTH_H

#include "plain/err.h"

struct creds {
    char *user, *password; /* NULL when there are none */
    char *identity_token;  /* for the OAuth2 refresh flow, instead of a password */
};
#define CREDS_INIT                                                                                 \
    {                                                                                              \
        0                                                                                          \
    }
void creds_free(struct creds *c); /* wipes before it frees */

/* authfile may be NULL. No credentials for this image is 0 with nothing in *ret. */
int auth_lookup(const char *authfile, const char *host, const char *path, struct creds *ret,
                struct err *e);
/* --creds USER[:PASSWORD] */
int auth_parse(const char *arg, struct creds *ret, struct err *e);
/* docker-credential-NAME get, for host. */
int auth_from_helper(const char *name, const char *host, struct creds *ret, struct err *e);

#endif
