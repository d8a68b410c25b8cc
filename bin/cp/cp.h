/* One end of a copy: a container's files, the host's, or a tar archive on a standard stream. */
#ifndef CP_CP_H
#define CP_CP_H

#include "things/ctr.h"
#include "things/view.h"

enum kind {
    KIND_DIR = 'd',
    KIND_FILE = 'f',
    KIND_NEW = 'n',    /* is not there, but the directory that it would lie in */
    KIND_NOWHERE = 'x' /* not even that */
};

struct end {
    const struct roots *roots;
    const char *typed; /* the path as it was typed */
    const char *where; /* the container's name as it was typed; NULL: the host */
    bool stream;
    struct ctr c;
    int lock;          /* held while a container that does not run is copied from or to */
    struct strv begin; /* pod-userns … pod-copy …, up to its verb */
    char *path;        /* absolute; a link at its end is followed */
    enum kind kind;
};
#define END_INIT                                                                                   \
    {                                                                                              \
        .c = CTR_INIT, .lock = -1                                                                  \
    }

/*
 * operand: CONTAINER:PATH, PATH or "-". -1 when there is no such container.
 * other: the end that is read from, where that is open already, or NULL.
 */
int end_open(const struct roots *r, const char *operand, struct end *other, struct end *ret,
             struct err *e);
void end_close(struct end *end);
/* Looks again, at a path of the same end. */
int end_kind(const struct end *end, const char *path, enum kind *ret, struct err *e);
/* "… could not be found on …", in podman's words. */
int end_missing(const struct end *end, struct err *e);
/*
 * The command that starts `program` (its first word a path) with the first "{}" in it replaced by
 * the directory dir of that end.
 */
void end_command(const struct end *end, const char *dir, const struct strv *program,
                 struct strv *ret);

struct cp_options {
    bool archive, overwrite, pause;
};

/* What goes where. */
struct plan {
    char *from;       /* directory the archive is made in */
    const char *name; /* what is taken of it; NULL: all it holds */
    char *to;         /* directory it is unpacked in */
    const char *as;   /* what it is called there */
};
int cp_transfer(const struct end *from, const struct end *to, const struct plan *p,
                const struct cp_options *o, struct err *e);

#endif
