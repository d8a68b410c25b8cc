/* pod-unshare: a command as root of the namespace in which containers and images live. */
#include "say.h"

#include "things/spawn.h"
#include "things/start.h"
#include "words/exitcode.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const struct cmd command = {
    .name = "pod unshare",
    .operands = "[COMMAND [ARG...]]",
    .summary = "Run a command in the user namespace of containers",
    .more = "Exit codes: 0 done or the command's own, 125 pod failed, 126 it cannot be run,\n"
            "127 it was not found.",
    .max = -1,
    .stop_at_operand = 1,
};

/* Asked here: the helpers would answer on descriptor 3, which may be the caller's. */
static bool in_path(const char *name)
{
    cleanup(strv_free) struct strv dirs = STRV_INIT;
    const char *path = getenv("PATH");
    if (strchr(name, '/'))
        return true;
    strv_split(&dirs, path ? path : "/usr/local/bin:/usr/bin:/bin", ':');
    for (size_t i = 0; i < dirs.n; i++) {
        cleanup_free char *full = xasprintf("%s/%s", *dirs.v[i] ? dirs.v[i] : ".", name);
        if (access(full, X_OK) == 0)
            return true;
    }
    return false;
}

int main(int argc, char **argv)
{
    struct err e = ERR_INIT;
    cleanup(strv_free) struct strv line = STRV_INIT;
    int code = 0;
    int first = say_parse(&command, NULL, argc, argv, &code);
    if (first < 0)
        return code;
    if (first < argc && !in_path(argv[first])) {
        err_set(&e, EXIT_NOTFOUND, "exec: \"%s\": executable file not found in $PATH", argv[first]);
        return say_error(&e);
    }
    start_add_userns(&line);
    strv_take(&line, tool_path("pod-rootfs"));
    strv_add(&line, "--");
    for (int i = first; i < argc; i++)
        strv_add(&line, argv[i]);
    if (first == argc)
        strv_add(&line, getenv("SHELL") ? getenv("SHELL") : "/bin/sh");
    setenv("_CONTAINERS_USERNS_CONFIGURED", "done", 1);
    execv(line.v[0], line.v);
    err_sys(&e, "cannot run \"%s\"", line.v[0]);
    return say_error(&e);
}
