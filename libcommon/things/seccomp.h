/*
 * System call filters: from the profile a person writes to the program the kernel runs.
 *
 *   profile  containers-common's/Docker's JSON (archMap, includes, excludes …) or the OCI form
 *   section  linux.seccomp of an OCI config.json: the profile with its conditions decided
 *   program  struct sock_filter[], as seccomp(2) takes it
 *
 * Compiling takes up to 20 ms and loading 0.1 ms, hence the cache: run's path reads bytes only.
 */
#ifndef POD_THINGS_SECCOMP_H
#define POD_THINGS_SECCOMP_H

#include "disk/roots.h"
#include "plain/buf.h"
#include "plain/err.h"
#include "words/json.h"

#include <stdbool.h>
#include <stddef.h>

/*
 * caps: the capabilities the container will have, with or without "CAP_". Podman's sentences for
 * a profile that is missing or malformed.
 */
int seccomp_profile_resolve(const char *path, const struct strv *caps, json_t **ret_linux_seccomp,
                            struct err *e);

/* What this libseccomp or architecture does not know by name is left out, as other runtimes do. */
int seccomp_compile(const json_t *linux_seccomp, struct buf *ret_bpf, struct err *e);

/* Makes a program shorter that decides by architecture and number; others stay as they are. */
void seccomp_shrink(struct buf *program);

#define SECCOMP_WAIT_KILLABLE (1U << 5) /* ..._WAIT_KILLABLE_RECV, since Linux 5.19 */
/* The section's "flags" as seccomp(2)'s SECCOMP_FILTER_FLAG_*. */
int seccomp_flags(const json_t *linux_seccomp, unsigned *ret, struct err *e);

/* The names that profiles may use, ends with NULL. */
enum seccomp_kind { SECCOMP_ACTIONS, SECCOMP_OPERATORS, SECCOMP_ARCHS, SECCOMP_FLAGS };
const char *const *seccomp_words(enum seccomp_kind kind);

/*
 * Puts the program on this thread, for good. The caller has set no_new_privs or holds
 * CAP_SYS_ADMIN. listener_fd: NULL, or where the notify descriptor goes.
 */
int seccomp_install(const void *bpf, size_t n, unsigned flags, int *listener_fd, struct err *e);

/* What a container's filter is made from. */
struct seccomp_wish {
    char *profile;    /* path; owned */
    struct strv caps; /* owned */
    bool single;      /* in single-id mode */
    bool links;       /* and layers have links of several owners (disk/owners.h) */
    bool killable;    /* and the runtime is ours, which knows that flag */
};
/* From a container's record; false: it has no filter. To be freed either way. */
bool seccomp_wish(const struct roots *r, const json_t *record, bool single, bool ours,
                  struct seccomp_wish *ret);
void seccomp_wish_free(struct seccomp_wish *w);

/*
 * Both forms of a profile out of cachedir: NAME.bpf (the program) and NAME.json (the section's
 * text, to be put into a config.json as it is). A hit costs three stat(2) and leaves
 * *ret_section NULL; a miss resolves, compiles, writes both and hands the section over. A changed
 * profile, capability set, kernel or libseccomp has another NAME.
 */
#define SECCOMP_NAME_SIZE 48
int seccomp_cached(int cachedir, const struct seccomp_wish *wish, char ret_name[SECCOMP_NAME_SIZE],
                   json_t **ret_section, struct err *e);

/* ---- single-id mode (words/userns.h) ---- */

/*
 * What the section allows of chown, set*id, setgroups and mknod, and where there are links also of
 * rename, chmod and their like, goes to pod-fakeroot, which listens where the section's text says
 * SECCOMP_LISTENER.
 */
void seccomp_ask_fakeroot(json_t *linux_seccomp, const struct seccomp_wish *wish);
#define SECCOMP_LISTENER "@LISTENER@"
/* Puts the socket's path into such a text. */
void seccomp_place_listener(struct buf *section, const char *path);

#endif
