/* pod-rename: gives a container another name. */
#include "say.h"

#include "disk/journal.h"
#include "things/ctr.h"
#include "words/ident.h"

#include <stdlib.h>
#include <string.h>

static const struct cmd command = {
    .name = "pod rename",
    .operands = "CONTAINER NAME",
    .summary = "Rename a container",
    .more = "Exit codes: 0 renamed, 125 pod failed, the container does not exist or the name is\n"
            "in use.",
    .min = 2,
    .max = 2,
};

/* The new name is claimed before the record says so, the old one is free only after. */
static int rename_ctr(const struct roots *r, const struct ctr *c, const char *name, struct err *e)
{
    cleanup_free char *old = xstrdup(ctr_name(c));
    if (!ident_name_ok(name))
        return err_set(e, 0, "names must match [a-zA-Z0-9][a-zA-Z0-9_.-]*: invalid argument");
    if (strcmp(old, name) == 0)
        return 0;
    if (name_claim(r, name, c->id, false, e) < 0)
        return -1;
    json_object_set_new(c->record, "name", json_string(name));
    if (ctr_write_record(c->dir, c->record, e) < 0) {
        name_drop(r, name, c->id);
        return -1;
    }
    name_drop(r, old, c->id);
    journal_container(c->dir, "rename", NULL);
    return 0;
}

int main(int argc, char **argv)
{
    struct err e = ERR_INIT;
    struct roots r;
    struct ctr c;
    int code = 0;
    int first = say_parse(&command, NULL, argc, argv, &code);
    if (first < 0)
        return code;
    const char *name = argv[first + 1] + (argv[first + 1][0] == '/');
    if (roots_open(&r, &e) < 0 || ctr_find(&r, argv[first], &c, &e) < 0)
        return say_error(&e);
    if (rename_ctr(&r, &c, name, &e) < 0)
        return say_error(&e);
    return say_end(0);
}
