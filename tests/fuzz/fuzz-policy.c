/* policy.json, for a registry's image and a local one. */
#include "fuzz.h"

#include "things/policy.h"

#include <sys/stat.h>

static char dir[] = "/tmp/fuzz-policy.XXXXXX";

static void end(void)
{
    char path[64];
    static const char *const made[] = {"/containers/policy.json", "/containers", ""};
    for (size_t i = 0; i < 3; i++) {
        snprintf(path, sizeof path, "%s%s", dir, made[i]);
        (void)remove(path);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct ref ref;
    struct err e = ERR_INIT;
    if (!ref.domain) {
        char path[64];
        if (!mkdtemp(dir) || ref_parse("a.b.c:5000/d/e:f", &ref, &e) < 0)
            abort();
        atexit(end);
        snprintf(path, sizeof path, "%s/containers", dir);
        setenv("XDG_CONFIG_HOME", dir, 1);
        if (mkdir(path, 0700) < 0)
            abort();
    }
    char file[80];
    snprintf(file, sizeof file, "%s/containers/policy.json", dir);
    int fd = open(file, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    if (fd < 0 || write(fd, data, size) != (ssize_t)size)
        abort();
    close(fd);
    (void)policy_check("docker", NULL, &ref, &e);
    (void)policy_check("oci", "/some/where", NULL, &e);
    return 0;
}
