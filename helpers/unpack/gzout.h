/* gzip written as it comes, fast rather than small. The first error is kept until the end. */
#ifndef UNPACK_GZOUT_H
#define UNPACK_GZOUT_H

#include <stddef.h>

struct gzout;
struct gzout *gzout_new(int fd); /* fd stays the caller's */
void gzout_add(struct gzout *z, const void *p, size_t n);
void gzout_base64(struct gzout *z, const void *p, size_t n);
/* Writes what is left and frees z. 0, or the errno that any write had. */
int gzout_end(struct gzout *z);

#endif
