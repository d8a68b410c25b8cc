/*
 * Secrets, in the store that podman and Buildah keep theirs in (containers/common's format):
 *   graph/secrets/secrets.json                  {"secrets": {ID: {name id labels createdAt
 *                                               updatedAt driver driverOptions}}, "nameToID",
 *                                               "idToName"}; secrets.lock beside it
 *   graph/secrets/filedriver/secretsdata.json   {ID: base64}; secretsdata.lock beside it
 * Driver "file" is the one we read and write; the names of others' are shown.
 *
 * A container gets copies when it is created: own/containers/<id>/secrets/N, N from 0, with
 *   secrets[{name id file} + {target uid gid mode} or {env}]
 * in its record. They go with it.
 */
#ifndef POD_THINGS_SECRET_H
#define POD_THINGS_SECRET_H

#include "disk/roots.h"
#include "plain/buf.h"
#include "plain/err.h"
#include "plain/str.h"
#include "words/json.h"

#include <stdbool.h>

#define SECRET_MAX 512000 /* bytes; less than that, and more than none */

struct secrets {
    const struct roots *roots;
    int dir;      /* graph/secrets; -1: there are none */
    int lock;     /* of the list */
    json_t *list; /* the whole of secrets.json */
};

/* change: to be written, else to be read; waits for whoever writes. */
int secrets_open(const struct roots *r, bool change, struct secrets *ret, struct err *e);
void secrets_close(struct secrets *s);
/* By name, id, or the beginning of one id: borrowed; NULL with podman's sentence, e->sys ENOENT. */
const json_t *secret_find(const struct secrets *s, const char *name_or_id, struct err *e);
/* Its bytes at the end of b. */
int secret_read(const struct secrets *s, const json_t *secret, struct buf *b, struct err *e);

bool secret_name_ok(const char *name);
struct secret_want {
    const char *name;
    const json_t *labels; /* an object of strings */
    const void *data;
    size_t size;
    bool replace; /* the one of that name, if there is one: at once, or not at all */
};
/* e->sys EEXIST when the name is taken. */
int secret_create(struct secrets *s, const struct secret_want *w, char ret_id[26], struct err *e);
int secret_remove(struct secrets *s, const char *id, struct err *e);

/* --secret values to rec's "secrets", without the bytes: each must be there. */
int create_secrets(const struct roots *r, const struct strv *texts, json_t *rec, struct err *e);
/* Copies the bytes into the container's directory. */
int secrets_write(const struct roots *r, int ctr_dir, const json_t *rec, struct err *e);
/* Adds NAME=VALUE of those that a container has in its environment. */
int secrets_env(int ctr_dir, const json_t *rec, json_t *env, struct err *e);

#endif
