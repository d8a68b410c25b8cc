/*
 * A ring of large buffers from one producer (the blob's reader and decompressor) to two consumers,
 * the writer and the hasher. A slot is free again when both have dropped it, so nothing is ever
 * copied.
 */
#ifndef UNPACK_RING_H
#define UNPACK_RING_H

#include "plain/err.h"

#include <stdbool.h>
#include <stddef.h>

#define RING_DATA  ((size_t)256 << 10)
#define RING_BLOB  ((size_t)128 << 10)
#define RING_SLOTS 8

enum ring_reader { RING_WRITER, RING_HASHER, RING_READERS };

/* A piece of the archive, and what was read of the blob since the piece before. */
struct ring_slot {
    size_t n, blob_n;
    char data[RING_DATA];
    unsigned char blob[RING_BLOB];
};

struct ring;
struct ring *ring_new(void);
void ring_free(struct ring *r); /* when nobody uses it any more */

/* Producer: an empty slot, waiting for one; it is the readers' with ring_push(). */
struct ring_slot *ring_slot(struct ring *r);
void ring_push(struct ring *r);
/* Whether the writer has left: only the blob's bytes matter then. */
bool ring_deserted(struct ring *r);
/* No more will come; why is the reason when the stream is broken, NULL at its proper end. */
void ring_end(struct ring *r, const struct err *why);

/*
 * Reader: the next slot, dropping the one before it. 1; 0 at the end; -1 with *e when the producer
 * failed.
 */
int ring_next(struct ring *r, enum ring_reader who, const struct ring_slot **ret, struct err *e);
/* The writer wants nothing more. */
void ring_desert(struct ring *r);

#endif
