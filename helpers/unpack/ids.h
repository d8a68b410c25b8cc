/* User and group ids: which ones the namespace has, and which ones a layer uses. */
#ifndef UNPACK_IDS_H
#define UNPACK_IDS_H

#include "plain/buf.h"
#include "plain/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct idrange {
    uint32_t first, count, outside;
};

struct idmap {
    struct idrange *v;
    size_t n;
};
/* Reads /proc/self/uid_map or gid_map. */
int idmap_read(const char *file, struct idmap *ret, struct err *e);
/* Of all ids it has 0 alone. */
bool idmap_single(const struct idmap *m);
bool idmap_has(const struct idmap *m, int64_t id);
/* First host id behind the map, for the line that adds more. */
uint32_t idmap_next(const struct idmap *m);

/*
 * Sorted, each once. Of a layer with more than IDSET_MAX the smallest and the largest are kept:
 * the set is for sizing a mapping.
 */
#define IDSET_MAX 256
struct idset {
    uint32_t v[IDSET_MAX];
    size_t n;
    uint32_t last;
    bool any;
};
void idset_add(struct idset *s, uint32_t id);
void idset_json(const struct idset *s, struct buf *out);

#endif
