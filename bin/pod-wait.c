/* pod-wait: waits for containers to end and prints their exit codes, one a line. */
#include "say.h"

#include "things/select.h"
#include "things/session.h"

#include <stdio.h>
#include <string.h>

struct options {
    struct select which;
    bool ignore;
};

#define AT(f) offsetof(struct options, f)
static const struct opt options[] = {
    {"ignore", 0, OPT_BOOL, NULL, "No error for a container that does not exist", AT(ignore)},
    {"latest", 'l', OPT_BOOL, NULL, "The container created last", AT(which.latest)},
    {0},
};

static const struct cmd command = {
    .name = "pod wait",
    .operands = "CONTAINER...",
    .summary = "Wait until containers have ended and print their exit codes",
    .more = "Exit codes: 0 done, 125 pod failed or a container does not exist.",
    .opts = options,
    .max = -1,
};

int main(int argc, char **argv)
{
    struct err e = ERR_INIT;
    struct options o = {0};
    struct roots r;
    cleanup(strv_free) struct strv names = STRV_INIT;
    int code = 0;
    int first = say_parse(&command, &o, argc, argv, &code);
    if (first < 0)
        return code;
    if (roots_open(&r, &e) < 0 || select_names(&r, &o.which, argv + first, &names, &e) < 0)
        return say_error(&e);
    for (size_t i = 0; i < names.n; i++) {
        struct ctr c;
        int ended = 0;
        if (ctr_find(&r, names.v[i], &c, &e) < 0 || ctr_wait(&r, &c, -1, &ended, &e) < 0) {
            if (!o.ignore)
                code = say_error(&e);
            continue;
        }
        printf("%d\n", ended);
        fflush(stdout);
        ctr_close(&c);
    }
    return say_end(code);
}
