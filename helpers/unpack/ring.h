/*
 * A ring of large buffers from one producer (decompression) to two consumers, the writer and
 * the hasher. A slot is free again when both have dropped it, so nothing is ever copied.
 */
#ifndef UNPACK_RING_H
#define UNPACK_RING_H

#include "plain/err.h"

#include <stdbool.h>
#include <stddef.h>

#define RING_SLOT  ((size_t)256 << 10)
#define RING_SLOTS 16

enum ring_reader { RING_WRITER, RING_HASHER, RING_READERS };

struct ring;
struct ring *ring_new(void);
void ring_free(struct ring *r); /* when nobody uses it any more */

/* Producer: a free buffer of RING_SLOT bytes, waiting for one; NULL once a reader gave up. */
char *ring_slot(struct ring *r);
void ring_push(struct ring *r, size_t n);
/* No more will come; why is the reason when the stream is broken, NULL at its proper end. */
void ring_end(struct ring *r, const struct err *why);

/*
 * Reader: the next buffer, dropping the one before it. 1; 0 at the end; -1 with *e when the
 * producer failed.
 */
int ring_next(struct ring *r, enum ring_reader who, const char **ret, size_t *ret_n, struct err *e);
/* Nothing more is wanted by anybody; the producer's next ring_slot() is NULL. */
void ring_abandon(struct ring *r);

#endif
