/*
 * containers-registries.conf(5): what a short name stands for, and where an image of a registry
 * is really fetched from (mirrors, moved locations, insecure and blocked ones).
 *
 * One main file: $CONTAINERS_REGISTRIES_CONF, else the user's, else /etc/containers/, else
 * share/registries.conf. Over it the drop-ins of registries.conf.d in /etc/containers and in the
 * user's directory. Version 1 files are read too. Aliases are looked up in: the short names that
 * podman saved for this user, the files above, share/shortnames.conf.
 */
#ifndef POD_THINGS_REGISTRIES_H
#define POD_THINGS_REGISTRIES_H

#include "plain/err.h"
#include "words/ref.h"

#include <stdbool.h>
#include <stddef.h>

struct registries;

int registries_load(struct registries **ret, struct err *e);
void registries_free(struct registries *g);

struct refs {
    struct ref *v;
    size_t n;
    char *how; /* for people: how a short name was resolved; NULL when there is nothing to say */
};
void refs_free(struct refs *l);
/*
 * What a typed name can mean, in the order to try: one for a full name or an alias, one for each
 * unqualified-search registry, or docker.io's when nothing is configured. The message for a name
 * that cannot be resolved shows the candidates and the line to write.
 */
int registries_candidates(const struct registries *g, const char *typed, struct refs *ret,
                          struct err *e);

struct source {
    char *host, *path; /* "mirror.example:5000", "cache/library/alpine" */
    bool insecure;     /* TLS need not verify, plain HTTP is allowed */
};
struct sources {
    struct source *v;
    size_t n;
};
void sources_free(struct sources *l);
/* Where to ask for ref, mirrors first. A blocked registry is an error. */
int registries_sources(const struct registries *g, const struct ref *ref, struct sources *ret,
                       struct err *e);

#endif
