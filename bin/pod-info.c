/* pod-info and pod-version: what there is on this machine, and what we are. */
#include "say.h"

#include "disk/roots.h"
#include "plain/str.h"
#include "things/ctr.h"
#include "things/table.h"

#include <stdio.h>
#include <string.h>
#include <sys/sysinfo.h>
#include <sys/utsname.h>
#include <sys/vfs.h>
#include <unistd.h>

#define CGROUP2_MAGIC 0x63677270

struct options {
    const char *format;
};

static const struct opt options[] = {
    {"format", 'f', OPT_STR, "FORMAT", "json or a Go template", offsetof(struct options, format)},
    {0},
};
static const struct cmd info_command = {
    .name = "pod info",
    .operands = "",
    .summary = "Show what this machine offers and where the store is",
    .more = "Exit codes: 0 done, 125 pod failed.",
    .opts = options,
};
static const struct cmd version_command = {
    .name = "pod version",
    .operands = "",
    .summary = "Show versions",
    .more = "Exit codes: 0 done, 125 pod failed.",
    .opts = options,
};

static json_t *version_of(void)
{
    struct utsname u = {0};
    uname(&u);
    cleanup_free char *arch = xasprintf("linux/%s", u.machine);
    return json_pack("{s:s, s:s, s:s, s:s}", "APIVersion", POD_VERSION, "Version", POD_VERSION,
                     "OsArch", arch, "Os", "linux");
}

static json_t *info_of(const struct roots *r, struct err *e)
{
    struct utsname u = {0};
    struct sysinfo si = {0};
    struct statfs fs = {0};
    char host[256] = "";
    cleanup(strv_free) struct strv ids = STRV_INIT;
    size_t running = 0;
    uname(&u);
    sysinfo(&si);
    gethostname(host, sizeof host - 1);
    bool v2 = statfs("/sys/fs/cgroup", &fs) == 0 && fs.f_type == CGROUP2_MAGIC;
    if (ctr_list(r, &ids, e) < 0)
        return NULL;
    for (size_t i = 0; i < ids.n; i++) {
        struct ctr c;
        struct ctr_status s;
        struct err damaged = ERR_INIT;
        if (ctr_open(r, ids.v[i], &c, &damaged) < 0)
            continue;
        ctr_status(r, &c, &s);
        running += s.state == CTR_RUNNING;
        ctr_close(&c);
    }
    return json_pack("{s:{s:s, s:s, s:i, s:s, s:s, s:I, s:I, s:{s:s}, s:{s:b}}, s:{s:s, s:s, s:s, "
                     "s:{s:i, s:i}}, s:o}",
                     "host", "arch", u.machine, "cgroupVersion", v2 ? "v2" : "v1", "cpus",
                     (int)sysconf(_SC_NPROCESSORS_ONLN), "hostname", host, "kernel", u.release,
                     "memTotal", (json_int_t)(si.totalram * si.mem_unit), "memFree",
                     (json_int_t)(si.freeram * si.mem_unit), "ociRuntime", "name", "pod-runtime",
                     "security", "rootless", geteuid() != 0, "store", "graphDriverName", "overlay",
                     "graphRoot", r->graph_path, "runRoot", r->run_path, "containerStore", "number",
                     (int)ids.n, "running", (int)running, "version", version_of());
}

/* Objects as indented «key: value» lines, as podman's YAML has them. */
static void print_tree(const json_t *o, int depth)
{
    const char *key;
    json_t *v;
    json_object_foreach((json_t *)(uintptr_t)o, key, v)
    {
        printf("%*s%s:", 2 * depth, "", key);
        if (json_is_object(v)) {
            putchar('\n');
            print_tree(v, depth + 1);
        } else if (json_is_string(v)) {
            printf(" %s\n", json_string_value(v));
        } else if (json_is_integer(v)) {
            printf(" %lld\n", (long long)json_integer_value(v));
        } else {
            printf(" %s\n", json_is_true(v) ? "true" : "false");
        }
    }
}

static int print(json_t *o, const char *format, bool version, struct err *e)
{
    cleanup(buf_free) struct buf out = BUF_INIT;
    if (!format || !*format) {
        if (version)
            printf("Client:       pod\nVersion:      %s\nAPI Version:  %s\nOS/Arch:      %s\n",
                   POD_VERSION, POD_VERSION, jx_str(json_object_get(o, "Client"), "OsArch"));
        else
            print_tree(o, 0);
        return 0;
    }
    if (table_render_one(strcmp(format, "json") == 0 ? NULL : format, 2, o, &out, e) < 0)
        return -1;
    fputs(buf_str(&out), stdout);
    return 0;
}

/* Templates may ask for the server, which is the client itself; the JSON has none. */
static json_t *version_rows(const char *format)
{
    json_t *o = json_pack("{s:o}", "Client", version_of());
    if (format && !table_is_json(format))
        json_object_set_new(o, "Server", version_of());
    return o;
}

int main(int argc, char **argv)
{
    struct err e = ERR_INIT;
    struct options o = {0};
    struct roots r;
    const char *self = strrchr(argv[0], '/') ? strrchr(argv[0], '/') + 1 : argv[0];
    bool version = strcmp(self, "pod-version") == 0;
    int code = 0;
    if (say_parse(version ? &version_command : &info_command, &o, argc, argv, &code) < 0)
        return code;
    cleanup_json all = NULL;
    if (version)
        all = version_rows(o.format);
    else if (roots_open(&r, &e) == 0)
        all = info_of(&r, &e);
    if (!all || print(all, o.format, version, &e) < 0)
        return say_error(&e);
    return say_end(0);
}
