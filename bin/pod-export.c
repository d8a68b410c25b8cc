/* pod-export: a container's root file system as a tar archive. */
#include "say.h"

#include "disk/journal.h"
#include "things/pack.h"
#include "things/spawn.h"
#include "things/view.h"

#include <stddef.h>

struct options {
    const char *output;
};
static const struct opt options[] = {
    {"output", 'o', OPT_STR, "FILE", "Write to FILE (default: standard output)",
     offsetof(struct options, output)},
    {0},
};
static const struct cmd command = {
    .name = "pod export",
    .operands = "CONTAINER",
    .summary = "Write a container's files as a tar archive",
    .more = "Exit codes: 0 done, 125 pod failed or the container does not exist.",
    .opts = options,
    .min = 1,
    .max = 1,
};

int main(int argc, char **argv)
{
    struct err e = ERR_INIT;
    struct options o = {0};
    struct roots r;
    struct ctr c;
    cleanup(view_free) struct view view = VIEW_INIT;
    int code = 0, out;
    int first = say_parse(&command, &o, argc, argv, &code);
    if (first < 0)
        return code;
    if (roots_open(&r, &e) < 0 || ctr_find(&r, argv[first], &c, &e) < 0)
        return say_error(&e);
    view_container(&r, &c, &view);
    strv_take(&view.line, tool_path("pod-pack"));
    view_owners(&r, &c, &view.line);
    if (pack_output(o.output, &out, &e) < 0 || pack_tree(&view.line, view.dir, out, &e) < 0)
        return say_error(&e);
    journal_container(c.dir, "export", NULL);
    ctr_close(&c);
    return say_end(0);
}
