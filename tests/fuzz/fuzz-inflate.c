/* gzip, zstd and plain blobs, from the first byte to the end of the last member. */
#include "fuzz.h"

#include "../../helpers/unpack/inflate.h"

#include <pthread.h>

enum { ENOUGH = 4 << 20 };

static void *consume(void *arg)
{
    struct ring *r = arg;
    struct err e = ERR_INIT;
    const char *p;
    size_t n, sum = 0;
    while (ring_next(r, RING_WRITER, &p, &n, &e) > 0)
        if ((sum += n) > ENOUGH) {
            ring_abandon(r); /* a bomb */
            break;
        }
    return NULL;
}

static void *consume_too(void *arg)
{
    struct ring *r = arg;
    struct err e = ERR_INIT;
    const char *p;
    size_t n;
    while (ring_next(r, RING_HASHER, &p, &n, &e) > 0)
        ;
    return NULL;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char path[64];
    int fd = fuzz_file(data, size, path);
    struct ring *r = ring_new();
    struct pump p = {
        .in = fd, .limit = UINT64_MAX, .want_size = -1, .ring = r, .hash = sha256_new()};
    pthread_t a, b;
    if (pthread_create(&a, NULL, consume, r) || pthread_create(&b, NULL, consume_too, r))
        abort();
    pump_run(&p);
    pthread_join(a, NULL);
    pthread_join(b, NULL);
    if (!p.ok && p.err.code && !p.err.msg[0])
        abort();
    ring_free(r);
    close(fd);
    return 0;
}
