/* prune: removes the pods of which nothing runs any more. */
#include "pods.h"
#include "say.h"

#include "words/exitcode.h"

#include <stdio.h>
#include <string.h>

struct options {
    bool force;
};

static const struct opt options[] = {
    {"force", 'f', OPT_BOOL, NULL, "Do not ask", offsetof(struct options, force)}, {0}};

static const struct cmd command = {
    .name = "pod pod prune",
    .operands = "",
    .summary = "Remove all pods that have ended, and their containers",
    .more = "Exit codes: 0 removed, or the answer was no; 125 pod failed.",
    .opts = options,
};

/* One that was never started waits for that. */
static bool has_ended(const struct roots *r, const char *id)
{
    cleanup(strv_free) struct strv members = STRV_INIT;
    struct err ignored = ERR_INIT;
    if (pod_members(r, id, &members, &ignored) < 0)
        return false;
    size_t running;
    const char *status = pods_status(r, &members, &running);
    return strcmp(status, "Exited") == 0 || strcmp(status, "Stopped") == 0;
}

int verb_prune(int argc, char **argv)
{
    static char *const none[] = {NULL};
    struct err e = ERR_INIT;
    struct options o = {0};
    struct roots r;
    cleanup(strv_free) struct strv ids = STRV_INIT;
    const struct pods_life how = {.time = -1};
    int code = 0;
    if (say_parse(&command, &o, argc, argv, &code) < 0)
        return code;
    int yes = o.force ? 1 : say_confirm("This will remove all stopped/exited pods.");
    if (yes <= 0)
        return say_end(yes ? EXIT_TOOL : 0);
    if (roots_open(&r, &e) < 0 || pods_select(&r, none, true, false, &ids, &e) < 0)
        return say_error(&e);
    for (size_t i = 0; i < ids.n; i++) {
        if (!has_ended(&r, ids.v[i]))
            continue;
        e = (struct err)ERR_INIT;
        if (pods_do(&r, ids.v[i], &how, pods_remove, "remove", &e) < 0)
            code = say_error(&e);
        else
            puts(ids.v[i]);
    }
    return say_end(code);
}
