#include "info.h"

#include "disk/at.h"
#include "disk/kv.h"
#include "things/cgroup.h"
#include "things/create.h"
#include "things/spawn.h"
#include "words/arch.h"
#include "words/userns.h"
#include "words/version.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysinfo.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#define SMALL 65536

/* Built: when the program's file was written. */
json_t *info_version(void)
{
    struct stat st = {0};
    char text[64] = "";
    struct tm tm;
    (void)stat("/proc/self/exe", &st);
    strftime(text, sizeof text, "%a %b %e %H:%M:%S %Y", localtime_r(&st.st_mtime, &tm));
    return json_pack("{s:s, s:s, s:s, s:s, s:s, s:I, s:o, s:s}", "APIVersion", POD_VERSION,
                     "Version", POD_VERSION, "GoVersion", "", "GitCommit", "", "BuiltTime", text,
                     "Built", (json_int_t)st.st_mtime, "OsArch",
                     json_sprintf("linux/%s", arch_here()), "Os", "linux");
}

static char *in_path(const char *name)
{
    cleanup(strv_free) struct strv dirs = STRV_INIT;
    const char *path = getenv("PATH");
    strv_split(&dirs, path ? path : "/usr/local/bin:/usr/bin:/bin", ':');
    strv_add(&dirs, "/usr/sbin");
    for (size_t i = 0; i < dirs.n; i++) {
        char *full = xasprintf("%s/%s", dirs.v[i], name);
        if (access(full, X_OK) == 0)
            return full;
        free(full);
    }
    return NULL;
}

static json_t *program(const char *name)
{
    cleanup_free char *path = in_path(name);
    return json_pack("{s:s, s:s, s:s}", "executable", path ? path : "", "package", "", "version",
                     "");
}

static json_t *own_program(const char *name)
{
    cleanup_free char *path = tool_path(name);
    return json_pack("{s:s, s:o, s:s, s:o}", "name", name, "package",
                     json_sprintf("pod %s", POD_VERSION), "path", path, "version",
                     json_sprintf("%s version %s", name, POD_VERSION));
}

static json_t *distribution(void)
{
    static const char *const keys[][2] = {
        {"ID", "distribution"}, {"VERSION_ID", "version"}, {"VERSION_CODENAME", "codename"}};
    cleanup(buf_free) struct buf b = BUF_INIT;
    json_t *o = json_object();
    (void)at_read(AT_FDCWD, "/etc/os-release", SMALL, &b);
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        char value[128] = "";
        (void)kv_str(buf_str(&b), keys[i][0], value, sizeof value);
        size_t n = strlen(value);
        bool quoted = n > 1 && value[0] == '"' && value[n - 1] == '"';
        if (quoted)
            value[n - 1] = '\0';
        json_object_set_new(o, keys[i][1], json_string(value + quoted));
    }
    return o;
}

static json_t *id_map(pid_t holder, const char *file)
{
    cleanup_free char *path = xasprintf("/proc/%d/%s", holder, file);
    cleanup(buf_free) struct buf b = BUF_INIT;
    json_t *list = json_array();
    char *save = NULL;
    (void)at_read(AT_FDCWD, path, SMALL, &b);
    for (char *l = b.s ? strtok_r(b.s, "\n", &save) : NULL; l; l = strtok_r(NULL, "\n", &save)) {
        int64_t in, out, n;
        if (sscanf(l, "%" SCNd64 "%" SCNd64 "%" SCNd64, &in, &out, &n) == 3)
            json_array_append_new(list,
                                  json_pack("{s:I, s:I, s:I}", "container_id", (json_int_t)in,
                                            "host_id", (json_int_t)out, "size", (json_int_t)n));
    }
    return list;
}

static json_t *controllers(void)
{
    static const char *const known[] = {"cpuset",  "cpu",  "io",   "memory",
                                        "hugetlb", "pids", "rdma", "misc"};
    cleanup_free char *dir = cgroup_own();
    json_t *list = json_array();
    for (size_t i = 0; dir && i < sizeof known / sizeof *known; i++)
        if (cgroup_lists(dir, "cgroup.controllers", known[i]))
            json_array_append_new(list, json_string(known[i]));
    return list;
}

static json_t *security(void)
{
    cleanup_json caps = caps_default();
    cleanup(buf_free) struct buf b = BUF_INIT;
    cleanup_free char *profile = share_path("seccomp.json");
    const json_t *v;
    size_t i;
    json_array_foreach(caps, i, v) buf_addf(&b, "%s%s", i ? "," : "", json_string_value(v));
    return json_pack("{s:b, s:s, s:b, s:b, s:s, s:b}", "apparmorEnabled", 0, "capabilities",
                     buf_str(&b), "rootless", geteuid() != 0, "seccompEnabled", 1,
                     "seccompProfilePath", profile, "selinuxEnabled", 0);
}

static json_t *uptime(long seconds)
{
    return json_sprintf("%ldh %ldm %ld.00s", seconds / 3600, seconds / 60 % 60, seconds % 60);
}

json_t *info_host(const struct roots *r)
{
    struct utsname u = {0};
    struct sysinfo si = {0};
    char host[256] = "";
    pid_t holder = userns_holder(r->run_path);
    cleanup_free char *slirp = in_path("slirp4netns");
    uname(&u);
    sysinfo(&si);
    gethostname(host, sizeof host - 1);
    json_t *o = json_pack(
        "{s:s, s:o, s:s, s:s, s:o, s:i, s:o, s:s, s:s, s:{s:o, s:o}, s:s, s:s, s:I, s:I}", "arch",
        arch_here(), "cgroupControllers", controllers(), "cgroupManager", "cgroupfs",
        "cgroupVersion", cgroup_is_v2() ? "v2" : "v1", "conmon", own_program("pod-monitor"), "cpus",
        (int)sysconf(_SC_NPROCESSORS_ONLN), "distribution", distribution(), "eventLogger", "none",
        "hostname", host, "idMappings", "gidmap", id_map(holder ? holder : getpid(), "gid_map"),
        "uidmap", id_map(holder ? holder : getpid(), "uid_map"), "kernel", u.release, "logDriver",
        "k8s-file", "memFree", (json_int_t)(si.freeram * si.mem_unit), "memTotal",
        (json_int_t)(si.totalram * si.mem_unit));
    json_object_set_new(o, "networkBackend", json_string("pod-netns"));
    json_object_set_new(o, "rootlessNetworkCmd", json_string(slirp ? "slirp4netns" : "pasta"));
    json_object_set_new(o, "ociRuntime", own_program("pod-runtime"));
    json_object_set_new(o, "os", json_string("linux"));
    json_object_set_new(o, "pasta", program("pasta"));
    json_object_set_new(o, "slirp4netns", program("slirp4netns"));
    json_object_set_new(o, "security", security());
    json_object_set_new(o, "serviceIsRemote", json_false());
    json_object_set_new(o, "swapFree", json_integer((json_int_t)(si.freeswap * si.mem_unit)));
    json_object_set_new(o, "swapTotal", json_integer((json_int_t)(si.totalswap * si.mem_unit)));
    json_object_set_new(o, "uptime", uptime(si.uptime));
    return o;
}
