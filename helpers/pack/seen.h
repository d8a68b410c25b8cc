/* Files with several names: the first goes into an archive as a file, the others as links to it. */
#ifndef PACK_SEEN_H
#define PACK_SEEN_H

#include <sys/stat.h>

struct seen {
    void *tree;
};
/* The name that the file had the first time; NULL: this was it, or it has no other. */
const char *seen_first(struct seen *s, const struct stat *st, const char *path);

#endif
