#include "mountopt.h"

#include <linux/mount.h>
#include <string.h>
#include <sys/mount.h>

static const struct {
    const char *name;
    unsigned long set, clear;
} flags[] = {
    {"bind", MS_BIND, 0},
    {"rbind", MS_BIND | MS_REC, 0},
    {"ro", MS_RDONLY, 0},
    {"rw", 0, MS_RDONLY},
    {"suid", 0, MS_NOSUID},
    {"nosuid", MS_NOSUID, 0},
    {"dev", 0, MS_NODEV},
    {"nodev", MS_NODEV, 0},
    {"exec", 0, MS_NOEXEC},
    {"noexec", MS_NOEXEC, 0},
    {"sync", MS_SYNCHRONOUS, 0},
    {"async", 0, MS_SYNCHRONOUS},
    {"dirsync", MS_DIRSYNC, 0},
    {"remount", MS_REMOUNT, 0},
    {"mand", MS_MANDLOCK, 0},
    {"nomand", 0, MS_MANDLOCK},
    {"atime", 0, MS_NOATIME},
    {"noatime", MS_NOATIME, 0},
    {"diratime", 0, MS_NODIRATIME},
    {"nodiratime", MS_NODIRATIME, 0},
    {"relatime", MS_RELATIME, 0},
    {"norelatime", 0, MS_RELATIME},
    {"strictatime", MS_STRICTATIME, 0},
    {"nostrictatime", 0, MS_STRICTATIME},
    {"defaults", 0, 0},
    {"silent", MS_SILENT, 0},
    {"loud", 0, MS_SILENT},
    {"iversion", MS_I_VERSION, 0},
    {"noiversion", 0, MS_I_VERSION},
    {"lazytime", MS_LAZYTIME, 0},
    {"nolazytime", 0, MS_LAZYTIME},
};

static const struct {
    const char *name;
    unsigned long how;
} propagations[] = {
    {"private", MS_PRIVATE},       {"rprivate", MS_PRIVATE | MS_REC},
    {"slave", MS_SLAVE},           {"rslave", MS_SLAVE | MS_REC},
    {"shared", MS_SHARED},         {"rshared", MS_SHARED | MS_REC},
    {"unbindable", MS_UNBINDABLE}, {"runbindable", MS_UNBINDABLE | MS_REC},
};

static const struct {
    const char *name;
    unsigned long attr;
} recursive[] = {
    {"rro", MOUNT_ATTR_RDONLY},
    {"rnosuid", MOUNT_ATTR_NOSUID},
    {"rnodev", MOUNT_ATTR_NODEV},
    {"rnoexec", MOUNT_ATTR_NOEXEC},
};

#define COUNT(a) (sizeof(a) / sizeof *(a))

static bool one(const char *s, struct mountopt *m)
{
    for (size_t i = 0; i < COUNT(flags); i++)
        if (strcmp(s, flags[i].name) == 0) {
            m->flags = (m->flags | flags[i].set) & ~flags[i].clear;
            m->clear = (m->clear | flags[i].clear) & ~flags[i].set;
            return true;
        }
    for (size_t i = 0; i < COUNT(propagations); i++)
        if (strcmp(s, propagations[i].name) == 0) {
            m->propagation = propagations[i].how;
            return true;
        }
    for (size_t i = 0; i < COUNT(recursive); i++)
        if (strcmp(s, recursive[i].name) == 0) {
            m->recursive |= recursive[i].attr;
            return true;
        }
    if (strcmp(s, "tmpcopyup") == 0)
        return m->copy_up = true;
    return strcmp(s, "z") == 0 || strcmp(s, "Z") == 0;
}

void mountopt_parse(const json_t *mount, struct mountopt *ret)
{
    struct mountopt m = {0};
    const json_t *o;
    size_t i;
    json_array_foreach(json_object_get(mount, "options"), i, o)
    {
        const char *s = json_string_value(o);
        if (!s || one(s, &m))
            continue;
        if (m.data.len)
            buf_addc(&m.data, ',');
        buf_adds(&m.data, s);
    }
    *ret = m;
}
