/* spec: a config.json to begin with, as the sister commands of runc and crun write it. */
#include "rt.h"

#include "disk/at.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

static const char process[] =
    "{\"terminal\": true, \"user\": {\"uid\": 0, \"gid\": 0}, \"args\": [\"sh\"],"
    " \"env\": [\"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin\","
    " \"TERM=xterm\"], \"cwd\": \"/\", \"capabilities\": {"
    " \"bounding\": [\"CAP_AUDIT_WRITE\", \"CAP_KILL\", \"CAP_NET_BIND_SERVICE\"],"
    " \"effective\": [\"CAP_AUDIT_WRITE\", \"CAP_KILL\", \"CAP_NET_BIND_SERVICE\"],"
    " \"permitted\": [\"CAP_AUDIT_WRITE\", \"CAP_KILL\", \"CAP_NET_BIND_SERVICE\"]},"
    " \"rlimits\": [{\"type\": \"RLIMIT_NOFILE\", \"hard\": 1024, \"soft\": 1024}],"
    " \"noNewPrivileges\": true}";

static const char mounts[] =
    "[{\"destination\": \"/proc\", \"type\": \"proc\", \"source\": \"proc\"},"
    "{\"destination\": \"/dev\", \"type\": \"tmpfs\", \"source\": \"tmpfs\","
    " \"options\": [\"nosuid\", \"strictatime\", \"mode=755\", \"size=65536k\"]},"
    "{\"destination\": \"/dev/pts\", \"type\": \"devpts\", \"source\": \"devpts\", \"options\":"
    " [\"nosuid\", \"noexec\", \"newinstance\", \"ptmxmode=0666\", \"mode=0620\", \"gid=5\"]},"
    "{\"destination\": \"/dev/shm\", \"type\": \"tmpfs\", \"source\": \"shm\", \"options\":"
    " [\"nosuid\", \"noexec\", \"nodev\", \"mode=1777\", \"size=65536k\"]},"
    "{\"destination\": \"/dev/mqueue\", \"type\": \"mqueue\", \"source\": \"mqueue\","
    " \"options\": [\"nosuid\", \"noexec\", \"nodev\"]},"
    "{\"destination\": \"/sys\", \"type\": \"sysfs\", \"source\": \"sysfs\","
    " \"options\": [\"nosuid\", \"noexec\", \"nodev\", \"ro\"]},"
    "{\"destination\": \"/sys/fs/cgroup\", \"type\": \"cgroup\", \"source\": \"cgroup\","
    " \"options\": [\"nosuid\", \"noexec\", \"nodev\", \"relatime\", \"ro\"]}]";

static const char linux_part[] =
    "{\"namespaces\": [{\"type\": \"pid\"}, {\"type\": \"network\"}, {\"type\": \"ipc\"},"
    " {\"type\": \"uts\"}, {\"type\": \"cgroup\"}, {\"type\": \"mount\"}],"
    " \"maskedPaths\": [\"/proc/acpi\", \"/proc/asound\", \"/proc/kcore\", \"/proc/keys\","
    " \"/proc/latency_stats\", \"/proc/timer_list\", \"/proc/timer_stats\","
    " \"/proc/sched_debug\", \"/sys/firmware\", \"/proc/scsi\"],"
    " \"readonlyPaths\": [\"/proc/bus\", \"/proc/fs\", \"/proc/irq\", \"/proc/sys\","
    " \"/proc/sysrq-trigger\"]}";

/* Without root: a user namespace of one id, so no group 5 for terminals and no cgroups. */
static void make_rootless(json_t *mounts_, json_t *linux_)
{
    json_t *m, *ids = json_array();
    size_t i, k;
    json_array_foreach(mounts_, i, m)
    {
        json_t *o, *options = json_object_get(m, "options");
        json_array_foreach(options, k, o)
        {
            if (strcmp(json_string_value(o), "gid=5") == 0)
                json_array_remove(options, k--);
        }
    }
    json_array_append_new(json_object_get(linux_, "namespaces"),
                          json_pack("{s:s}", "type", "user"));
    json_array_append_new(ids, json_pack("{s:i, s:I, s:i}", "containerID", 0, "hostID",
                                         (json_int_t)geteuid(), "size", 1));
    json_object_set_new(linux_, "uidMappings", ids);
    ids = json_array();
    json_array_append_new(ids, json_pack("{s:i, s:I, s:i}", "containerID", 0, "hostID",
                                         (json_int_t)getegid(), "size", 1));
    json_object_set_new(linux_, "gidMappings", ids);
}

int cmd_spec(struct rt *rt, struct err *e)
{
    const char *dir = rt->o->bundle ? rt->o->bundle : ".";
    const char *name = rt->o->config ? rt->o->config : "config.json";
    cleanup_free char *path = xasprintf("%s/%s", dir, name);
    json_t *p = json_loads(process, 0, NULL), *m = json_loads(mounts, 0, NULL);
    json_t *l = json_loads(linux_part, 0, NULL);
    cleanup_json o = json_pack("{s:s, s:o, s:{s:s, s:b}, s:s, s:o, s:o}", "ociVersion", OCI_VERSION,
                               "process", p, "root", "path", "rootfs", "readonly", 1, "hostname",
                               "pod", "mounts", m, "linux", l);
    if (at_exists(AT_FDCWD, path))
        return err_set(e, 0, "file \"%s\" exists: remove it first", path);
    if (rt->o->rootless)
        make_rootless(m, l);
    cleanup_free char *text = json_dumps(o, JSON_INDENT(4) | JSON_PRESERVE_ORDER);
    return text && at_write(AT_FDCWD, path, text, strlen(text), 0644, AT_PLAIN) == 0
               ? 0
               : err_sys(e, "cannot write \"%s\"", path);
}
