/* --blkio-weight, --device-read-bps and the like, --cgroup-conf: files of cgroup v2 to be set. */
#include "things/create.h"

#include "words/units.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#define MIN_WEIGHT 10
#define MAX_WEIGHT 1000

/* As pod-cgroup takes it: who asked for it, the file, what is written to it. */
static void add(json_t *list, const char *option, const char *file, const char *value)
{
    json_array_append_new(list, json_sprintf("%s %s=%s", option, file, value));
}

/* PATH:VALUE of a block device to "MAJOR:MINOR" and the value. */
static int split_device(const char *option, char *text, char dev[32], char **value, struct err *e)
{
    struct stat st;
    *value = strrchr(text, ':');
    if (text[0] != '/' || !*value || *value == text)
        return err_set(e, 0, "%s: bad format for device \"%s\": use /dev/NAME:VALUE", option, text);
    *(*value)++ = '\0';
    if (stat(text, &st) < 0)
        return err_set(e, 0, "%s: stat %s: %s", option, text,
                       errno == ENOENT ? "no such file or directory" : strerror(errno));
    if (!S_ISBLK(st.st_mode) && !S_ISCHR(st.st_mode))
        return err_set(e, 0, "%s: \"%s\" is no device", option, text);
    snprintf(dev, 32, "%u:%u", major(st.st_rdev), minor(st.st_rdev));
    return 0;
}

static int weight_ok(const char *option, const char *text, struct err *e)
{
    uint64_t n;
    if (str_u64(text, MAX_WEIGHT, &n) < 0 || n < MIN_WEIGHT)
        return err_set(e, 0, "%s: range of blkio weight is from %d to %d", option, MIN_WEIGHT,
                       MAX_WEIGHT);
    return 0;
}

static int rates(const char *option, const char *key, bool bytes, const struct strv *texts,
                 json_t *list, struct err *e)
{
    for (size_t i = 0; i < texts->n; i++) {
        cleanup_free char *copy = xstrdup(texts->v[i]);
        char dev[32], *value;
        uint64_t n;
        if (split_device(option, copy, dev, &value, e) < 0)
            return -1;
        if ((bytes ? units_size_parse(value, &n) : str_u64(value, INT64_MAX, &n)) < 0 || n == 0)
            return err_set(e, 0, "%s: invalid rate for device: \"%s\"", option, texts->v[i]);
        cleanup_free char *line = xasprintf("%s %s=%llu", dev, key, (unsigned long long)n);
        add(list, option, "io.max", line);
    }
    return 0;
}

static int weights(const struct create_opts *o, json_t *list, struct err *e)
{
    static const char one[] = "--blkio-weight", device[] = "--blkio-weight-device";
    if (o->blkio_weight && strcmp(o->blkio_weight, "0") != 0) {
        cleanup_free char *line = xasprintf("default %s", o->blkio_weight);
        if (weight_ok(one, o->blkio_weight, e) < 0)
            return -1;
        add(list, one, "io.weight", line);
    }
    for (size_t i = 0; i < o->blkio_weight_device.n; i++) {
        cleanup_free char *copy = xstrdup(o->blkio_weight_device.v[i]);
        char dev[32], *value;
        if (split_device(device, copy, dev, &value, e) < 0 || weight_ok(device, value, e) < 0)
            return -1;
        cleanup_free char *line = xasprintf("%s %s", dev, value);
        add(list, device, "io.weight", line);
    }
    return 0;
}

static int conf(const struct create_opts *o, json_t *list, struct err *e)
{
    for (size_t i = 0; i < o->cgroup_conf.n; i++) {
        cleanup_free char *file = xstrdup(o->cgroup_conf.v[i]);
        char *value = strchr(file, '=');
        if (value)
            *value++ = '\0';
        if (!value || !*file || strchr(file, '/') || strchr(file, ' ') || !strchr(file, '.'))
            return err_set(e, 0, "--cgroup-conf: \"%s\" is not FILE=VALUE", o->cgroup_conf.v[i]);
        add(list, "--cgroup-conf", file, value);
    }
    return 0;
}

/* What only cgroup v1 has: to take it in silence would be a promise. */
static int only_v1(const struct create_opts *o, struct err *e)
{
    const struct {
        const char *option, *value;
    } old[] = {{"--cpu-rt-period", o->cpu_rt_period},
               {"--cpu-rt-runtime", o->cpu_rt_runtime},
               {"--memory-swappiness", o->memory_swappiness},
               {"--oom-kill-disable", o->oom_kill_disable ? "1" : NULL}};
    for (size_t i = 0; i < sizeof old / sizeof *old; i++)
        if (old[i].value && strcmp(old[i].value, "0") != 0 && strcmp(old[i].value, "-1") != 0)
            return err_set(e, 0, "%s is not supported: cgroup v2 has nothing like it",
                           old[i].option);
    return 0;
}

int create_io(const struct create_opts *o, json_t *limits, struct err *e)
{
    json_t *list = json_array();
    int res =
        only_v1(o, e) < 0 || weights(o, list, e) < 0 ||
                rates("--device-read-bps", "rbps", true, &o->device_read_bps, list, e) < 0 ||
                rates("--device-write-bps", "wbps", true, &o->device_write_bps, list, e) < 0 ||
                rates("--device-read-iops", "riops", false, &o->device_read_iops, list, e) < 0 ||
                rates("--device-write-iops", "wiops", false, &o->device_write_iops, list, e) < 0 ||
                conf(o, list, e) < 0
            ? -1
            : 0;
    jx_set(limits, "files", list);
    jx_set_str(limits, "parent", o->cgroup_parent);
    return res;
}
