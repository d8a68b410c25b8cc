/* oci-archive: and docker-archive: whole, up to the list of layers. */
#include "fuzz.h"

#include "../../bin/pull/pull.h"

volatile sig_atomic_t interrupted;

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct roots none = ROOTS_INIT;
    static const char *const forms[] = {"docker-archive:%s", "docker-archive:%s:@0",
                                        "docker-archive:%s:a:1", "oci-archive:%s",
                                        "oci-archive:%s:x"};
    struct platform want = {.os = "linux", .arch = "amd64"};
    char path[64], typed[128];
    if (size == 0)
        return 0;
    int fd = fuzz_file(data + 1, size - 1, path);
    struct origin o;
    struct plan p;
    struct err e = ERR_INIT;
    snprintf(typed, sizeof typed, forms[data[0] % 5], path);
    if (origin_open(&none, typed, &o, &e) == 0) {
        if (plan_make(&o, &want, &p, &e) == 0) {
            for (size_t i = 0; i < p.n; i++) {
                struct feed f;
                if (origin_blob(&o, &p.layers[i].blob, p.layers[i].file, &f, &e) < 0)
                    continue;
                if (f.offset < 0 || f.length < 0 || f.offset + f.length > (int64_t)size)
                    abort();
                close(f.fd);
            }
            plan_free(&p);
        }
        origin_close(&o);
    }
    close(fd);
    return 0;
}
