/* registries.conf: read, then asked about a few names. */
#include "fuzz.h"

#include "things/registries.h"

static void ask(const struct registries *g, const char *typed)
{
    struct refs l = {0};
    struct err e = ERR_INIT;
    if (registries_candidates(g, typed, &l, &e) < 0)
        return;
    for (size_t i = 0; i < l.n; i++) {
        struct sources s = {0};
        if (registries_sources(g, &l.v[i], &s, &e) == 0)
            sources_free(&s);
    }
    refs_free(&l);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char path[64];
    int fd = fuzz_file(data, size, path);
    struct registries *g = NULL;
    struct err e = ERR_INIT;
    setenv("CONTAINERS_REGISTRIES_CONF", path, 1);
    setenv("HOME", "/nonexistent", 1);
    setenv("XDG_CONFIG_HOME", "/nonexistent", 1);
    setenv("XDG_CACHE_HOME", "/nonexistent", 1);
    if (registries_load(&g, &e) == 0) {
        ask(g, "a");
        ask(g, "a.b.c/d/e:f");
        ask(g, "docker.io/library/x");
        registries_free(g);
    }
    close(fd);
    return 0;
}
