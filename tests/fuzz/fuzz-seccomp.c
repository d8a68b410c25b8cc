/* Seccomp profiles that somebody else wrote: decided and compiled. */
#include "fuzz.h"

#include "things/seccomp.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char path[64];
    int fd = fuzz_file(data, size, path);
    struct strv caps = STRV_INIT;
    json_t *section = NULL;
    struct err e = ERR_INIT;
    struct buf bpf = BUF_INIT;
    unsigned flags;
    strv_add(&caps, "CAP_CHOWN");
    strv_add(&caps, "CAP_SYS_ADMIN");
    if (seccomp_profile_resolve(path, &caps, &section, &e) == 0) {
        (void)seccomp_compile(section, &bpf, &e);
        (void)seccomp_flags(section, &flags, &e);
        json_decref(section);
    }
    buf_free(&bpf);
    strv_free(&caps);
    close(fd);
    return 0;
}
