/* pod-pause and pod-unpause: containers that stand still, and go on. */
#include "say.h"

#include "things/pause.h"
#include "things/select.h"

#include <stdio.h>
#include <string.h>

struct options {
    struct select which;
};
#define AT(f) offsetof(struct options, f)
static const struct opt options[] = {
    {"all", 'a', OPT_BOOL, NULL, "All containers that run, or are paused", AT(which.all)},
    {"cidfile", 0, OPT_LIST, "FILE", "The container whose ID is in FILE", AT(which.cidfile)},
    {"filter", 'f', OPT_LIST, "KEY=VALUE", "Only those that match, as for pod ps",
     AT(which.filter)},
    {"latest", 'l', OPT_BOOL, NULL, "The container created last", AT(which.latest)},
    {0},
};
static const char codes[] =
    "Exit codes: 0 done, 125 pod failed, or a container does not exist or is in another state.";
static const struct cmd pause_command = {
    .name = "pod pause",
    .operands = "CONTAINER...",
    .summary = "Let all processes of containers stand still",
    .more = codes,
    .opts = options,
    .max = -1,
};
static const struct cmd unpause_command = {
    .name = "pod unpause",
    .operands = "CONTAINER...",
    .summary = "Let paused containers go on",
    .more = codes,
    .opts = options,
    .max = -1,
};

/* 1 when --all does not mean it. */
static int one(const struct roots *r, const struct options *o, const char *name, bool pausing,
               struct err *e)
{
    struct ctr c;
    struct ctr_status s;
    bool several = o->which.all || o->which.filter.n;
    if (ctr_find(r, name, &c, e) < 0)
        return -1;
    ctr_status(r, &c, &s);
    int res = 1;
    if (!several || s.state == (pausing ? CTR_RUNNING : CTR_PAUSED))
        res = pausing ? ctr_pause(r, &c, e) : ctr_unpause(r, &c, e);
    if (res == 0)
        puts(c.id);
    ctr_close(&c);
    return res;
}

int main(int argc, char **argv)
{
    struct err e = ERR_INIT;
    struct options o = {0};
    struct roots r;
    cleanup(strv_free) struct strv names = STRV_INIT;
    const char *self = strrchr(argv[0], '/') ? strrchr(argv[0], '/') + 1 : argv[0];
    bool pausing = strcmp(self, "pod-unpause") != 0;
    int code = 0;
    int first = say_parse(pausing ? &pause_command : &unpause_command, &o, argc, argv, &code);
    if (first < 0)
        return code;
    if (roots_open(&r, &e) < 0 || select_names(&r, &o.which, argv + first, &names, &e) < 0)
        return say_error(&e);
    for (size_t i = 0; i < names.n; i++) {
        e = (struct err)ERR_INIT;
        if (one(&r, &o, names.v[i], pausing, &e) < 0)
            code = say_error(&e);
    }
    return say_end(code);
}
