#include "things/pack.h"

#include "things/spawn.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

int pack_output(const char *file, int *ret_fd, struct err *e)
{
    *ret_fd = SPAWN_INHERIT;
    if ((!file || strcmp(file, "-") == 0) && isatty(1))
        return err_set(e, 0, "refusing to export to terminal. Use -o flag or redirect");
    if (!file || strcmp(file, "-") == 0)
        return 0;
    *ret_fd = open(file, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    return *ret_fd < 0 ? err_sys(e, "cannot write \"%s\"", file) : 0;
}

int pack_tree(struct strv *line, const char *dir, int out, struct err *e)
{
    pid_t pid;
    strv_take(line, tool_path("pod-pack"));
    strv_add(line, dir);
    const struct spawn s = {
        .argv = line->v, .in = -1, .out = out, .err = SPAWN_INHERIT, .report = -1};
    if (spawn(&s, &pid, e) < 0)
        return -1;
    return spawn_wait(pid) == 0 ? 0 : err_set(e, 0, "cannot pack \"%s\"", dir);
}
