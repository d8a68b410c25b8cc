/* Manifests and indexes of any registry: told apart, an entry chosen, descriptors read. */
#include "fuzz.h"

#include "../../bin/pull/pull.h"

volatile sig_atomic_t interrupted;

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct platform wants[] = {{.os = "linux", .arch = "amd64"},
                                            {.os = "linux", .arch = "arm", .variant = "v7"}};
    struct buf b = BUF_INIT;
    struct err e = ERR_INIT;
    json_t *m = NULL, *entry;
    enum manifest_kind kind;
    buf_add(&b, data, size);
    if (manifest_parse("x", &b, &m, &kind, &e) == 0) {
        struct digest d;
        int64_t n;
        for (int i = 0; kind == MANIFEST_INDEX && i < 2; i++)
            if (manifest_choose("x", m, &wants[i], &entry, &e) == 0)
                (void)manifest_descriptor("x", entry, &d, &n, &e);
        if (kind == MANIFEST_IMAGE)
            (void)manifest_descriptor("x", json_object_get(m, "config"), &d, &n, &e);
        json_decref(m);
    } else if (!e.msg[0]) {
        abort();
    }
    buf_free(&b);
    return 0;
}
