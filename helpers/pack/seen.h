/* Files with several names: the first goes into an archive as a file, the others as links to it. */
#ifndef PACK_SEEN_H
#define PACK_SEEN_H

#include <sys/stat.h>

struct seen {
    void *tree;
};
/* The name that it is in the archive by; NULL: it is not yet. */
const char *seen_name(const struct seen *s, const struct stat *st);
/* It is now. Nothing to do when it has no other name. */
void seen_add(struct seen *s, const struct stat *st, const char *path);

#endif
