/*
 * The entries of one layer, made in the working directory as containers/storage's overlay driver
 * makes them in a user namespace.
 *
 *   .wh.NAME            a whiteout: character device 0:0 called NAME, owned as in the archive
 *   .wh..wh..opq        the directory is opaque: user.overlay.opaque=y
 *   other .wh..wh.*     metadata of aufs: passed over
 *   devices             cannot be made here: passed over
 *   an entry again      replaces what was there; a directory over a directory is merged
 *
 * A whiteout beside an entry of its name hides only what lower layers have (OCI image-spec,
 * «Whiteouts»): a directory becomes opaque, anything else stays as it is.
 */
#ifndef UNPACK_LAYER_H
#define UNPACK_LAYER_H

#include "dirs.h"
#include "ids.h"
#include "later.h"
#include "split.h"
#include "tar.h"

#include "disk/idshift.h"
#include "disk/owners.h"

struct layer {
    /* to be set before */
    struct tar *tar;     /* its on_raw feeds the split */
    struct split *split; /* may be NULL */
    struct idmap uid_map, gid_map;
    bool plain;  /* an archive that is no layer: .wh. is a name like any other */
    bool keep;   /* a directory in the way of something else, or the reverse, is an error */
    bool single; /* of all ids only 0 is mapped: owners are remembered (disk/owner.h) */
    int owners;  /* where those of links and FIFOs are (disk/owners.h); -1: nowhere */
    bool owned;  /* all is owner's: uid, gid */
    unsigned owner[2];
    struct idshift shift; /* what the archive's ids are here */
    /* results */
    struct idset uids, gids;
    bool malformed; /* the failure is the archive's, not the disk's */
    /* working */
    struct dirs dirs;
    struct later later;
    bool root_seen;
    bool vacated;         /* something was removed: its inode number may be another's by now */
    struct owners linked; /* of links that have several names, as they were written down last */
    bool acl;             /* a default ACL was set: modes no longer come out as asked */
    char path[PATH_MAX];  /* of the entry, cleaned */
    size_t len;
};

/* Unpacks up to the end of the stream. */
int layer_unpack(struct layer *l, struct err *e);

/* Where the entry goes. */
struct place {
    const struct level *in;
    const char *base;
};

/* replace.c: removes what is at the place; 1 when that was a whiteout, else 0; -1. */
int layer_vacate(struct layer *l, const struct place *at, struct err *e);
/* file.c */
int layer_file(struct layer *l, const struct place *at, struct err *e);
/* Passes the payload on without making anything of it. */
int layer_skip(struct layer *l, struct err *e);
/* attrs.c: what makes a node the entry's own. */
int layer_own_fd(struct layer *l, const struct place *at, int fd, struct err *e);
int layer_own_name(struct layer *l, const struct place *at, struct err *e);
/* In single-id mode the owner of a link or a FIFO, beside the tree; had: there may be one already.
 */
int layer_remember(struct layer *l, const struct place *at, bool had, struct err *e);
/* A hard link: what its own header says counts for the file, which may be anything. */
int layer_own_link(struct layer *l, const struct place *at, struct err *e);
int layer_own_dir(struct layer *l, int dir, const char *base, bool fresh, struct err *e);
/* Are the entry's ids in the map? Counts them as used by the layer. */
int layer_ids_ok(struct layer *l, bool count, struct err *e);
/* path.c: the entry's cleaned path, or the link target's; -1 when it leaves the layer. */
int layer_clean(const char *name, char *out, size_t *ret_len, struct err *e);

#endif
