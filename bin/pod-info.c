/* pod-info and pod-version: what there is on this machine, and what we are. */
#include "info/info.h"
#include "say.h"

#include "things/table.h"

#include <stdio.h>
#include <string.h>

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

static json_t *info_of(struct err *e)
{
    struct roots r;
    if (roots_open(&r, e) < 0)
        return NULL;
    json_t *store = info_store(&r, e);
    if (!store)
        return NULL;
    return json_pack("{s:o, s:{s:[s,s,s,s], s:[s,s,s,s], s:[s]}, s:{}, s:o, s:o}", "host",
                     info_host(&r), "plugins", "log", "k8s-file", "json-file", "none",
                     "passthrough", "network", "slirp4netns", "pasta", "host", "none", "volume",
                     "local", "registries", "store", store, "version", info_version());
}

/* There is no server beside us: in templates .Server is ourselves, as podman has it. */
static json_t *version_of(const char *format)
{
    json_t *all = json_pack("{s:o}", "Client", info_version());
    if (format && *format && !table_is_json(format))
        json_object_set_new(all, "Server", info_version());
    return all;
}

static void print_version(const json_t *client)
{
    printf("Client:       pod\nVersion:      %s\nAPI Version:  %s\nBuilt:        %s\n"
           "OS/Arch:      %s\n",
           jx_str(client, "Version"), jx_str(client, "APIVersion"), jx_str(client, "BuiltTime"),
           jx_str(client, "OsArch"));
}

static int print(json_t *o, const char *format, bool version, struct err *e)
{
    cleanup(buf_free) struct buf out = BUF_INIT;
    if (!format || !*format) {
        if (version)
            print_version(json_object_get(o, "Client"));
        else
            info_yaml(o);
        return 0;
    }
    if (table_render_one(strcmp(format, "json") == 0 ? NULL : format, 2, o, &out, e) < 0)
        return -1;
    fputs(buf_str(&out), stdout);
    return 0;
}

int main(int argc, char **argv)
{
    struct err e = ERR_INIT;
    struct options o = {0};
    const char *self = strrchr(argv[0], '/') ? strrchr(argv[0], '/') + 1 : argv[0];
    bool version = strcmp(self, "pod-version") == 0;
    int code = 0;
    if (say_parse(version ? &version_command : &info_command, &o, argc, argv, &code) < 0)
        return code;
    cleanup_json all = version ? version_of(o.format) : info_of(&e);
    if (!all || print(all, o.format, version, &e) < 0)
        return say_error(&e);
    return say_end(0);
}
