#include "ring.h"

#include "plain/buf.h"

#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>

struct ring {
    pthread_mutex_t lock;
    pthread_cond_t room, more;
    struct ring_slot *slot[RING_SLOTS];
    uint64_t pushed;
    uint64_t dropped[RING_READERS];
    bool holds[RING_READERS];
    bool ended, failed, deserted;
    struct err why;
};

struct ring *ring_new(void)
{
    struct ring *r = xcalloc(1, sizeof *r);
    pthread_mutex_init(&r->lock, NULL);
    pthread_cond_init(&r->room, NULL);
    pthread_cond_init(&r->more, NULL);
    for (int i = 0; i < RING_SLOTS; i++)
        r->slot[i] = xmalloc(sizeof *r->slot[i]);
    return r;
}

void ring_free(struct ring *r)
{
    for (int i = 0; i < RING_SLOTS; i++)
        free(r->slot[i]);
    free(r);
}

static uint64_t slowest(const struct ring *r)
{
    uint64_t hasher = r->dropped[RING_HASHER], writer = r->dropped[RING_WRITER];
    return r->deserted || hasher < writer ? hasher : writer;
}

struct ring_slot *ring_slot(struct ring *r)
{
    pthread_mutex_lock(&r->lock);
    while (r->pushed - slowest(r) == RING_SLOTS)
        pthread_cond_wait(&r->room, &r->lock);
    struct ring_slot *s = r->slot[r->pushed % RING_SLOTS];
    pthread_mutex_unlock(&r->lock);
    s->n = s->blob_n = 0;
    return s;
}

void ring_push(struct ring *r)
{
    pthread_mutex_lock(&r->lock);
    r->pushed++;
    pthread_cond_broadcast(&r->more);
    pthread_mutex_unlock(&r->lock);
}

bool ring_deserted(struct ring *r)
{
    pthread_mutex_lock(&r->lock);
    bool yes = r->deserted;
    pthread_mutex_unlock(&r->lock);
    return yes;
}

void ring_end(struct ring *r, const struct err *why)
{
    pthread_mutex_lock(&r->lock);
    r->ended = true;
    if (why) {
        r->failed = true;
        r->why = *why;
    }
    pthread_cond_broadcast(&r->more);
    pthread_mutex_unlock(&r->lock);
}

int ring_next(struct ring *r, enum ring_reader who, const struct ring_slot **ret, struct err *e)
{
    pthread_mutex_lock(&r->lock);
    if (r->holds[who]) {
        r->holds[who] = false;
        r->dropped[who]++;
        pthread_cond_signal(&r->room);
    }
    while (!r->ended && r->dropped[who] == r->pushed)
        pthread_cond_wait(&r->more, &r->lock);
    int rc = 0;
    if (r->dropped[who] < r->pushed) {
        *ret = r->slot[r->dropped[who] % RING_SLOTS];
        r->holds[who] = true;
        rc = 1;
    } else if (r->failed) {
        *e = r->why;
        rc = -1;
    }
    pthread_mutex_unlock(&r->lock);
    return rc;
}

void ring_desert(struct ring *r)
{
    pthread_mutex_lock(&r->lock);
    r->deserted = true;
    pthread_cond_signal(&r->room);
    pthread_mutex_unlock(&r->lock);
}
