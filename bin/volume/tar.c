/*
 * pod volume export and import. pod-pack packs, as root of the user's namespace; what unpacks is
 * pod-unpack, to which nothing outside the volume has a name: a container may have left links.
 */
#include "say.h"
#include "volume.h"

#include "plain/fdio.h"
#include "things/pack.h"
#include "things/spawn.h"
#include "things/start.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int find_path(struct roots *r, const char *wanted, char **ret, struct err *e)
{
    cleanup_free char *name = NULL;
    cleanup_json volume = NULL;
    if (roots_open(r, e) < 0)
        return -1;
    if (volume_find(r, wanted, &name, e) < 0) {
        if (e->sys != ENOENT)
            return -1;
        err_set(e, 0, "no such volume %s", wanted);
        return err_hint(e, "See: pod volume ls");
    }
    if (volume_load(r, name, &volume, e) < 0)
        return -1;
    *ret = volume_path(r, name, volume);
    return 0;
}

/* ---- export ---- */

struct export_options {
    const char *output;
};
static const struct opt export_table[] = {
    {"output", 'o', OPT_STR, "FILE", "Write to FILE (default: standard output)",
     offsetof(struct export_options, output)},
    {0},
};
static const struct cmd export_command = {
    .name = "pod volume export",
    .operands = "VOLUME",
    .summary = "Write the contents of a volume as a tar archive",
    .more = "Exit codes: 0 done, 125 pod failed or the volume does not exist.",
    .opts = export_table,
    .min = 1,
    .max = 1,
};

int verb_export(int argc, char **argv)
{
    struct err e = ERR_INIT;
    struct export_options o = {0};
    struct roots r;
    cleanup_free char *path = NULL;
    cleanup(strv_free) struct strv line = STRV_INIT;
    int code = 0, out;
    int first = say_parse(&export_command, &o, argc, argv, &code);
    if (first < 0)
        return code;
    if (find_path(&r, argv[first], &path, &e) < 0)
        return say_error(&e);
    start_add_userns(&line);
    strv_take(&line, tool_path("pod-pack"));
    if (pack_output(o.output, &out, &e) < 0 || pack_tree(&line, path, out, &e) < 0)
        return say_error(&e);
    return say_end(0);
}

/* ---- import ---- */

static const struct cmd import_command = {
    .name = "pod volume import",
    .operands = "VOLUME FILE",
    .summary = "Unpack a tar archive, from FILE or - (standard input), into a volume",
    .more = "The archive may be compressed by gzip or zstd.\n"
            "Exit codes: 0 done, 125 pod failed or the volume does not exist.",
    .min = 2,
    .max = 2,
};

static int unpack(const char *path, int in, struct err *e)
{
    cleanup(strv_free) struct strv line = STRV_INIT;
    char answer[65536];
    start_add_userns(&line);
    strv_take(&line, tool_path("pod-unpack"));
    strv_add(&line, "--dir");
    strv_add(&line, path);
    strv_add(&line, "--no-split");
    strv_add(&line, "--plain");
    struct spawn s = {.argv = line.v, .in = in, .out = -1, .err = -1, .report = -1};
    return spawn_and_report(&s, "pod-unpack", answer, sizeof answer, e);
}

int verb_import(int argc, char **argv)
{
    struct err e = ERR_INIT;
    struct roots r;
    cleanup_free char *path = NULL;
    cleanup_fd int file = -1;
    int code = 0;
    int first = say_parse(&import_command, NULL, argc, argv, &code);
    if (first < 0)
        return code;
    if (find_path(&r, argv[first], &path, &e) < 0)
        return say_error(&e);
    const char *from = argv[first + 1];
    if (strcmp(from, "-") != 0 && (file = open(from, O_RDONLY | O_CLOEXEC)) < 0) {
        err_set(&e, 0, "open %s: %s", from,
                errno == ENOENT ? "no such file or directory" : strerror(errno));
        return say_error(&e);
    }
    if (unpack(path, file < 0 ? SPAWN_INHERIT : file, &e) < 0) {
        err_prefix(&e, "cannot import \"%s\"", from);
        return say_error(&e);
    }
    return say_end(0);
}
