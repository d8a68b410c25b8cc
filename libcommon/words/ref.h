/*
 * Image references as people type them and as records store them:
 *
 *   [domain[:port]/]path[:tag][@sha256:<hex>]
 *
 * The grammar is distribution/reference's. Without a domain the name is a short one: docker.io is
 * put before it (and library/ before a single component), and `shortname` remembers that nobody
 * said so, because registries.conf may know better (things/registries.h).
 */
#ifndef POD_WORDS_REF_H
#define POD_WORDS_REF_H

#include "plain/err.h"
#include "words/digest.h"

#include <stdbool.h>

#define REF_DEFAULT_DOMAIN "docker.io"
#define REF_DEFAULT_TAG    "latest"

struct ref {
    char *domain; /* "docker.io", "localhost:5000" */
    char *path;   /* "library/alpine" */
    char *tag;    /* NULL only when there is a digest */
    struct digest digest;
    bool has_digest;
    bool shortname; /* no domain was typed */
};
#define REF_INIT                                                                                   \
    {                                                                                              \
        0                                                                                          \
    }

/* "docker://" before it is accepted. Messages are podman's: «invalid reference format», … */
int ref_parse(const char *s, struct ref *ret, struct err *e);
void ref_free(struct ref *r);
void ref_copy(const struct ref *r, struct ref *ret);

/* All three are the caller's strings. */
char *ref_name(const struct ref *r); /* "docker.io/library/alpine" */
char *ref_str(const struct ref *r);  /* with :tag and @digest, as far as there */
/* What a registry is asked for: the digest where there is one, else the tag. */
char *ref_version(const struct ref *r);

#endif
