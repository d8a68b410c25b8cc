/* Mount options as runtime-spec «Linux mount options» lists them. */
#ifndef POD_RUNTIME_MOUNTOPT_H
#define POD_RUNTIME_MOUNTOPT_H

#include "plain/buf.h"
#include "plain/str.h"
#include "words/json.h"

struct mountopt {
    unsigned long flags, clear;               /* MS_* to set, to clear */
    unsigned long propagation;                /* MS_PRIVATE and the like, with MS_REC; 0 = leave */
    unsigned long recursive, recursive_clear; /* MOUNT_ATTR_* for the whole tree (rro, rrw…) */
    bool copy_up;                             /* tmpcopyup: begin with what the image has there */
    bool copy_symlink;                        /* a source that is a link is copied, not followed */
    bool idmap, idmap_all;                    /* ids mapped; idmap_all: in the whole tree */
    struct buf data;                          /* the rest, for the filesystem */
};

/* Reads the array `options` of a mount. buf_free(&ret->data) afterwards. */
void mountopt_parse(const json_t *mount, struct mountopt *ret);

#endif
