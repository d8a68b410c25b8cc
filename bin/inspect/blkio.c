/* HostConfig's Blkio…: out of what a container's cgroup files are to be set to. */
#include "inspect.h"

#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* "8:0" as a path: what the kernel calls it now; the numbers where it is gone. */
static json_t *device_path(const char *numbers)
{
    char target[PATH_MAX];
    cleanup_free char *link = xasprintf("/sys/dev/block/%s", numbers);
    ssize_t n = readlink(link, target, sizeof target - 1);
    if (n <= 0)
        return json_string(numbers);
    target[n] = '\0';
    return json_sprintf("/dev/%s", basename(target));
}

/* What option writes, behind the file's name; NULL: this entry is another's. */
static const char *value_of(const json_t *entry, const char *option)
{
    const char *text = json_string_value(entry);
    size_t n = strlen(option);
    if (!text || strncmp(text, option, n) != 0 || text[n] != ' ')
        return NULL;
    const char *equals = strchr(text, '=');
    return equals ? equals + 1 : NULL;
}

/* "8:0 200" or "8:0 rbps=1048576"; the last one of a device has its way. */
static json_t *of_devices(const json_t *files, const char *option, const char *key)
{
    cleanup_json by_device = json_object();
    const json_t *f;
    json_t *number;
    const char *device;
    size_t i;
    json_array_foreach(files, i, f)
    {
        cleanup_free char *text = xstrdup(value_of(f, option) ? value_of(f, option) : "");
        char *value = strchr(text, ' ');
        if (!value)
            continue;
        *value++ = '\0';
        char *equals = strchr(value, '=');
        json_object_set_new(by_device, text, json_integer(atoll(equals ? equals + 1 : value)));
    }
    if (!json_object_size(by_device))
        return json_null();
    json_t *list = json_array();
    json_object_foreach(by_device, device, number)
    {
        json_array_append_new(list,
                              json_pack("{s:o, s:O}", "Path", device_path(device), key, number));
    }
    return list;
}

static int64_t weight(const json_t *files)
{
    const json_t *f;
    size_t i;
    int64_t last = 0;
    json_array_foreach(files, i, f)
    {
        const char *value = value_of(f, "--blkio-weight");
        if (value && str_starts(value, "default "))
            last = atoll(value + strlen("default "));
    }
    return last;
}

void inspect_blkio(const json_t *limits, json_t *o)
{
    static const struct {
        const char *name, *option, *key;
    } lists[] = {{"BlkioWeightDevice", "--blkio-weight-device", "Weight"},
                 {"BlkioDeviceReadBps", "--device-read-bps", "Rate"},
                 {"BlkioDeviceWriteBps", "--device-write-bps", "Rate"},
                 {"BlkioDeviceReadIOps", "--device-read-iops", "Rate"},
                 {"BlkioDeviceWriteIOps", "--device-write-iops", "Rate"}};
    const json_t *files = json_object_get(limits, "files");
    json_object_set_new(o, "BlkioWeight", json_integer(weight(files)));
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++)
        json_object_set_new(o, lists[i].name, of_devices(files, lists[i].option, lists[i].key));
}
