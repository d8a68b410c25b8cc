/* Mount options as runtime-spec «Linux mount options» lists them. */
#ifndef POD_RUNTIME_MOUNTOPT_H
#define POD_RUNTIME_MOUNTOPT_H

#include "plain/buf.h"
#include "words/json.h"

struct mountopt {
    unsigned long flags, clear; /* MS_* to set, to clear */
    unsigned long propagation;  /* MS_PRIVATE and the like, with MS_REC; 0 = leave */
    unsigned long recursive;    /* MOUNT_ATTR_* to set on the whole tree (rro, rnosuid…) */
    bool copy_up;               /* tmpcopyup: begin with what the image has there */
    struct buf data;            /* the rest, for the filesystem */
};

/* Reads the array `options` of a mount. buf_free(&ret->data) afterwards. */
void mountopt_parse(const json_t *mount, struct mountopt *ret);

#endif
