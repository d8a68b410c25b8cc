/* pod-import: an image with a single layer, from a tar archive of a root file system. */
#include "say.h"

#include "plain/fdio.h"
#include "things/event.h"
#include "things/image_change.h"
#include "things/local_image.h"
#include "things/spawn.h"
#include "words/arch.h"
#include "words/timefmt.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct options {
    const char *message, *os, *arch, *variant;
    struct strv change;
    bool quiet;
};
#define AT(f) offsetof(struct options, f)
static const struct opt options[] = {
    {"arch", 0, OPT_STR, "ARCH", "Architecture of the image (default: this machine's)", AT(arch)},
    {"change", 'c', OPT_LIST, "INSTRUCTION", "Set the configuration, as in a Containerfile",
     AT(change)},
    {"message", 'm', OPT_STR, "TEXT", "A comment, shown by pod history", AT(message)},
    {"os", 0, OPT_STR, "OS", "Operating system of the image (default linux)", AT(os)},
    {"quiet", 'q', OPT_BOOL, NULL, "Accepted for podman's sake: only the id is ever printed",
     AT(quiet)},
    {"variant", 0, OPT_STR, "VARIANT", "Variant of the architecture", AT(variant)},
    {0},
};
static const struct cmd command = {
    .name = "pod import",
    .operands = "FILE|- [IMAGE]",
    .summary = "Make an image from a tar archive",
    .more = "The archive may be compressed by gzip or zstd; - is standard input.\n\n"
            "Exit codes: 0 done, 125 pod failed.",
    .opts = options,
    .min = 1,
    .max = 2,
};

static int open_source(const char *from, struct err *e)
{
    if (strcmp(from, "-") == 0)
        return isatty(0) ? err_set(e, 0, "an archive cannot be typed: redirect standard input")
                         : dup(0);
    if (strncmp(from, "http://", 7) == 0 || strncmp(from, "https://", 8) == 0) {
        err_set(e, 0, "pod import does not fetch: \"%s\"", from);
        return err_hint(e, "Type: curl -fL %s | pod import -", from);
    }
    int fd = open(from, O_RDONLY | O_CLOEXEC);
    if (fd < 0 && errno == ENOENT)
        return err_set(e, 0, "open %s: no such file or directory", from);
    return fd < 0 ? err_sys(e, "cannot open \"%s\"", from) : fd;
}

static int unpack(const struct roots *r, int in, struct new_layer *l, uint32_t **ids, struct err *e)
{
    static char answer[1 << 20];
    cleanup(strv_free) struct strv line = STRV_INIT;
    if (staged_make(r, l, e) < 0)
        return -1;
    staged_command(r, l, &line);
    struct spawn s = {.argv = line.v, .in = in, .out = -1, .err = -1, .report = -1};
    return spawn_and_report(&s, "pod-unpack", answer, sizeof answer, e) < 0
               ? -1
               : staged_answer(answer, l, ids, e);
}

static int configure(const struct options *o, const char *from, json_t *ret, struct err *e)
{
    char now[40];
    timefmt_now(now, sizeof now);
    json_object_set_new(ret, "created", json_string(now));
    jx_set_str(ret, "architecture", o->arch ? o->arch : arch_here());
    jx_set_str(ret, "os", o->os ? o->os : "linux");
    jx_set_str(ret, "variant", o->variant);
    json_t *config = config_child(ret, "config", json_object);
    for (size_t i = 0; i < o->change.n; i++)
        if (config_change(config, o->change.v[i], e) < 0)
            return -1;
    json_t *history = json_pack("{s:s}", "created", now);
    cleanup_free char *usual = xasprintf("Imported from %s", from);
    jx_set_str(history, "comment", o->message ? o->message : usual);
    json_array_append_new(config_child(ret, "history", json_array), history);
    return 0;
}

static int work(const struct options *o, char **operands, char ret_id[65], struct err *e)
{
    struct roots r;
    struct new_layer layer = {0};
    struct local_image image = {.layer = &layer};
    cleanup_free uint32_t *ids = NULL;
    cleanup_free char *name = NULL;
    cleanup_json config = json_object();
    if ((operands[1] && store_normalize(operands[1], &name, e) < 0) ||
        configure(o, operands[0], config, e) < 0 || roots_open(&r, e) < 0)
        return -1;
    cleanup_fd int in = open_source(operands[0], e);
    cleanup_fd int hold = in < 0 ? -1 : store_hold(&r, e);
    int res = hold < 0 ? -1 : unpack(&r, in, &layer, &ids, e);
    if (res == 0) {
        json_t *rootfs = config_child(config, "rootfs", json_object);
        json_object_set_new(rootfs, "type", json_string("layers"));
        json_array_append_new(config_child(rootfs, "diff_ids", json_array),
                              json_string(digest_text(&layer.diff).s));
        image.config = config;
        image.name = name;
        res = local_image_save(&r, &image, ret_id, e);
        if (res == 0)
            event_image(&r, "import", ret_id, operands[0]);
    } else if (layer.staging[0]) {
        err_prefix(e, "cannot import \"%s\"", operands[0]);
    }
    staged_drop(&r, &layer);
    return res;
}

int main(int argc, char **argv)
{
    struct err e = ERR_INIT;
    struct options o = {0};
    char id[65];
    int code = 0;
    int first = say_parse(&command, &o, argc, argv, &code);
    if (first < 0)
        return code;
    if (work(&o, argv + first, id, &e) < 0)
        return say_error(&e);
    printf("sha256:%s\n", id);
    return say_end(0);
}
