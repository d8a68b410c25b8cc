/* The two commands of a copy, and the pipe between them. */
#include "cp.h"

#include "plain/fdio.h"
#include "things/pack.h"
#include "things/spawn.h"

#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

static int pack_command(const struct end *from, const struct plan *p, struct strv *ret,
                        struct err *e)
{
    cleanup(strv_free) struct strv program = STRV_INIT;
    strv_take(&program, tool_path("pod-pack"));
    if (from->where && view_maps(from->roots, &from->c, &program, e) < 0)
        return -1;
    if (from->where) {
        view_owners(from->roots, &from->c, &program);
        strv_add(&program, "--root");
        strv_add(&program, "{root}");
    }
    strv_add(&program, "{}");
    if (p->name)
        strv_add(&program, p->name);
    if (p->name && p->as)
        strv_add(&program, p->as);
    end_command(from, p->from, &program, ret);
    return 0;
}

static int unpack_command(const struct end *to, const struct plan *p, const struct cp_options *o,
                          struct strv *ret, struct err *e)
{
    cleanup(strv_free) struct strv program = STRV_INIT;
    int64_t ids[2] = {0, 0};
    if (to->where && o->archive && view_user(to->roots, &to->c, ids, e) < 0)
        return -1;
    strv_take(&program, tool_path("pod-unpack"));
    strv_add(&program, "--dir");
    strv_add(&program, "{}");
    strv_add(&program, "--no-split");
    strv_add(&program, "--plain");
    if (!o->overwrite)
        strv_add(&program, "--keep");
    if (!to->where || o->archive) {
        strv_add(&program, "--owner");
        strv_addf(&program, "%lld:%lld", (long long)ids[0], (long long)ids[1]);
    } else if (view_maps(to->roots, &to->c, &program, e) < 0) {
        return -1;
    }
    end_command(to, p->to, &program, ret);
    return 0;
}

static int to_stream(const struct end *from, const struct plan *p, struct err *e)
{
    cleanup(strv_free) struct strv line = STRV_INIT;
    pid_t pid;
    int report, out;
    bool unread;
    if (pack_command(from, p, &line, e) < 0 || pack_output("-", &out, e) < 0 ||
        pack_start(&line, out, &pid, &report, e) < 0)
        return -1;
    int r = pack_end(pid, report, &unread, e);
    if (unread) { /* end as it did */
        signal(SIGPIPE, SIG_DFL);
        raise(SIGPIPE);
    }
    return r;
}

static int unpack(const struct strv *line, int in, struct err *e)
{
    char answer[65536];
    struct spawn s = {.argv = line->v, .in = in, .out = -1, .err = -1, .report = -1};
    return spawn_and_report(&s, "pod-unpack", answer, sizeof answer, e);
}

static int from_stream(const struct strv *line, struct err *e)
{
    struct err why = ERR_INIT;
    if (unpack(line, SPAWN_INHERIT, &why) == 0)
        return 0;
    if (!strstr(why.msg, "tar header") && !strstr(why.msg, "unexpected EOF")) {
        *e = why;
        return -1;
    }
    err_set(e, 0, "source must be a (compressed) tar archive when copying from stdin");
    return err_hint(e, "What came was none: %s", why.msg);
}

/* pod-unpack knows the place below its own root only. */
static void tell_where(const char *dir, struct err *e)
{
    static const char what[] = "error creating \"";
    struct err told = *e;
    if (strncmp(e->msg, what, strlen(what)) != 0 || strcmp(dir, "/") == 0)
        return;
    err_set(e, told.code, "%s%s%s", what, dir, told.msg + strlen(what));
    memcpy(e->hint, told.hint, sizeof e->hint);
}

int cp_transfer(const struct end *from, const struct end *to, const struct plan *p,
                const struct cp_options *o, struct err *e)
{
    cleanup(strv_free) struct strv pack = STRV_INIT, line = STRV_INIT;
    char answer[65536];
    if (to->stream)
        return to_stream(from, p, e);
    if (unpack_command(to, p, o, &line, e) < 0)
        return -1;
    if (from->stream)
        return from_stream(&line, e);
    if (pack_command(from, p, &pack, e) < 0)
        return -1;
    if (pack_through(&pack, &line, answer, sizeof answer, e) == 0)
        return 0;
    if (to->where)
        tell_where(p->to, e);
    return -1;
}
