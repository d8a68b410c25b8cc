#include "mountopt.h"

#include "rt.h"

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
    {"nosymfollow", MS_NOSYMFOLLOW, 0},
    {"symfollow", 0, MS_NOSYMFOLLOW},
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
    unsigned long set, clear;
} recursive[] = {
    {"rro", MOUNT_ATTR_RDONLY, 0},
    {"rrw", 0, MOUNT_ATTR_RDONLY},
    {"rnosuid", MOUNT_ATTR_NOSUID, 0},
    {"rsuid", 0, MOUNT_ATTR_NOSUID},
    {"rnodev", MOUNT_ATTR_NODEV, 0},
    {"rdev", 0, MOUNT_ATTR_NODEV},
    {"rnoexec", MOUNT_ATTR_NOEXEC, 0},
    {"rexec", 0, MOUNT_ATTR_NOEXEC},
    {"rnodiratime", MOUNT_ATTR_NODIRATIME, 0},
    {"rdiratime", 0, MOUNT_ATTR_NODIRATIME},
    {"rrelatime", MOUNT_ATTR_RELATIME, MOUNT_ATTR__ATIME},
    {"rnorelatime", 0, 0},
    {"rnoatime", MOUNT_ATTR_NOATIME, MOUNT_ATTR__ATIME},
    {"ratime", MOUNT_ATTR_RELATIME, MOUNT_ATTR__ATIME},
    {"rstrictatime", MOUNT_ATTR_STRICTATIME, MOUNT_ATTR__ATIME},
    {"rnostrictatime", MOUNT_ATTR_RELATIME, MOUNT_ATTR__ATIME},
    {"rnosymfollow", MOUNT_ATTR_NOSYMFOLLOW, 0},
    {"rsymfollow", 0, MOUNT_ATTR_NOSYMFOLLOW},
};

#define COUNT(a) (sizeof(a) / sizeof *(a))

/* z and Z: there are no labels to change; the engine has refused them where there are. */
static const char *const words[] = {"tmpcopyup", "copy-symlink", "idmap", "ridmap", "z", "Z"};

static bool word(const char *s, struct mountopt *m)
{
    m->copy_up |= strcmp(s, "tmpcopyup") == 0;
    m->copy_symlink |= strcmp(s, "copy-symlink") == 0;
    m->idmap_all |= strcmp(s, "ridmap") == 0;
    m->idmap |= strcmp(s, "idmap") == 0 || m->idmap_all;
    for (size_t i = 0; i < COUNT(words); i++)
        if (strcmp(s, words[i]) == 0)
            return true;
    return false;
}

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
            unsigned long clear = recursive[i].clear;
            m->recursive = (m->recursive & ~clear) | recursive[i].set;
            m->recursive_clear = (m->recursive_clear & ~recursive[i].set) | clear;
            return true;
        }
    return word(s, m);
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
    m.idmap |= json_array_size(json_object_get(mount, "uidMappings")) > 0;
    *ret = m;
}

unsigned long propagation_of(const char *name)
{
    for (size_t i = 0; i < COUNT(propagations); i++)
        if (strcmp(propagations[i].name, name) == 0)
            return propagations[i].how;
    return 0;
}

void mount_option_names(struct strv *ret)
{
    for (size_t i = 0; i < COUNT(flags); i++)
        strv_add(ret, flags[i].name);
    for (size_t i = 0; i < COUNT(propagations); i++)
        strv_add(ret, propagations[i].name);
    for (size_t i = 0; i < COUNT(recursive); i++)
        strv_add(ret, recursive[i].name);
    for (size_t i = 0; i < COUNT(words) - 2; i++)
        strv_add(ret, words[i]);
}
