/* What the fuzzers share. Each is one function over libFuzzer's bytes, and must only not break. */
#ifndef POD_TESTS_FUZZ_H
#define POD_TESTS_FUZZ_H

#include "plain/buf.h"
#include "plain/err.h"

#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A file without a name that holds the bytes; path is where to open it again. */
static inline int fuzz_file(const uint8_t *data, size_t size, char path[64])
{
    int fd = memfd_create("fuzz", MFD_CLOEXEC);
    if (fd < 0 || write(fd, data, size) != (ssize_t)size || lseek(fd, 0, SEEK_SET) < 0)
        abort();
    snprintf(path, 64, "/proc/self/fd/%d", fd);
    return fd;
}

/* The bytes as a string: what is behind the first NUL does not count. */
static inline char *fuzz_string(const uint8_t *data, size_t size)
{
    return xstrndup((const char *)data, size);
}

#endif
