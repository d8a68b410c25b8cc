/* The reader of layers: headers, extensions, sparse maps, in pieces of any size. */
#include "fuzz.h"

#include "../../helpers/unpack/layer.h"

struct input {
    const uint8_t *p;
    size_t left, step;
    uint64_t raw;
};

static int more(void *ctx, const char **p, size_t *n, struct err *e)
{
    struct input *in = ctx;
    (void)e;
    if (in->left == 0)
        return 0;
    *n = in->left < in->step ? in->left : in->step;
    *p = (const char *)in->p;
    in->p += *n;
    in->left -= *n;
    return 1;
}

static void raw(void *ctx, const char *p, size_t n)
{
    (void)p;
    ((struct input *)ctx)->raw += n;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    struct input in = {data + 1, size - 1, 1 + data[0] * 7U, 0};
    struct tar t = {.more = more, .on_raw = raw, .ctx = &in};
    struct err e = ERR_INIT;
    char path[PATH_MAX];
    uint64_t payload = 0;
    size_t n;
    const char *p;
    int r, d = 0;
    while ((r = tar_next(&t, &e)) > 0) {
        size_t len;
        if (layer_clean(buf_str(&t.entry.name), path, &len, &e) == 0 && len >= sizeof path)
            abort();
        while ((d = tar_data(&t, &p, &n, &e)) > 0)
            payload += n;
        if (d < 0)
            break;
    }
    /* no byte is lost, none comes twice: what was read is what the tar-split will hold */
    if (r == 0 && tar_rest(&t, &e) == 0 && in.raw + payload != size - 1)
        abort();
    if ((r < 0 || d < 0) && !e.msg[0])
        abort();
    tar_release(&t);
    return 0;
}
