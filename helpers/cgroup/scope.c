#include "scope.h"

#include "bus.h"
#include "plain/fdio.h"
#include "plain/str.h"
#include "things/cgroup.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

static int open_manager(struct bus *ret, struct err *e)
{
    cleanup_free char *path = cgroup_manager_socket();
    if (!path)
        return err_set(e, 0, "no systemd user manager answers");
    return bus_open(path, ret, e);
}

static void put_own_pid(struct buf *b)
{
    size_t mark = bus_array_open(b, 4);
    bus_put_u32(b, (uint32_t)getpid());
    bus_array_close(b, mark, 4);
}

static void begin_property(struct buf *b, const char *name, const char *kind)
{
    bus_align(b, 8);
    bus_put_string(b, name);
    bus_put_signature(b, kind);
}

/* The call returns when the job is queued; the processes move when it is done. */
static int await_job(struct bus *bus, const char *job, struct err *e)
{
    for (;;) {
        struct bus_message m;
        if (bus_next(bus, &m, e) < 0)
            return -1;
        bool ours =
            strcmp(m.member, "JobRemoved") == 0 && strcmp(bus_body_string(&m, "us", 0), job) == 0;
        const char *result = ours ? bus_body_string(&m, "usss", 2) : "done";
        int r = strcmp(result, "done") == 0
                    ? 0
                    : err_set(e, 0, "systemd did not make the scope (%s)", result);
        bus_message_free(&m);
        if (ours)
            return r;
    }
}

int scope_enter_new(const char *unit, struct err *e)
{
    cleanup(buf_free) struct buf body = BUF_INIT;
    cleanup(bus_close) struct bus bus = BUS_INIT;
    cleanup(bus_message_free) struct bus_message answer = {.type = 0};
    if (open_manager(&bus, e) < 0)
        return -1;
    bus_put_string(&body, unit);
    bus_put_string(&body, "fail");
    size_t properties = bus_array_open(&body, 8);
    begin_property(&body, "Description", "s");
    bus_put_string(&body, "pod container with limits");
    begin_property(&body, "Delegate", "b");
    bus_put_u32(&body, 1);
    begin_property(&body, "CollectMode", "s"); /* a scope that ends by the OOM killer goes too */
    bus_put_string(&body, "inactive-or-failed");
    begin_property(&body, "PIDs", "au");
    put_own_pid(&body);
    bus_array_close(&body, properties, 8);
    size_t auxiliary = bus_array_open(&body, 8);
    bus_array_close(&body, auxiliary, 8);
    if (bus_call(&bus, "StartTransientUnit", "ssa(sv)a(sa(sv))", &body, &answer, e) < 0)
        return -1;
    return await_job(&bus, bus_body_string(&answer, "s", 0), e);
}

/*
 * From a login session's cgroup the way into the user's own tree leads over root's ground, so
 * the kernel refuses it to us and systemd has to do it.
 */
static int ask_for_move(const char *dir, struct err *e)
{
    cleanup(buf_free) struct buf body = BUF_INIT;
    cleanup(bus_close) struct bus bus = BUS_INIT;
    cleanup(bus_message_free) struct bus_message answer = {.type = 0};
    const char *end = strstr(dir, ".scope/"), *unit = end;
    if (!end)
        return err_set(e, 0, "it is no scope of systemd's");
    while (unit > dir && unit[-1] != '/')
        unit--;
    end += strlen(".scope");
    cleanup_free char *name = xstrndup(unit, (size_t)(end - unit));
    if (open_manager(&bus, e) < 0)
        return -1;
    bus_put_string(&body, name);
    bus_put_string(&body, end);
    put_own_pid(&body);
    return bus_call(&bus, "AttachProcessesToUnit", "ssau", &body, &answer, e);
}

int scope_enter(const char *dir, struct err *e)
{
    cleanup_free char *procs = xasprintf("%s/cgroup.procs", dir);
    cleanup_fd int fd = open(procs, O_WRONLY | O_CLOEXEC);
    if (fd >= 0 && fd_write_all(fd, "0", 1) == 0)
        return 0;
    err_sys(e, "cannot enter the container's cgroup \"%s\"", dir);
    if (e->sys != EACCES && e->sys != EPERM)
        return -1;
    struct err why = ERR_INIT;
    if (ask_for_move(dir, &why) == 0)
        return 0;
    return err_set(e, 0, "cannot enter the container's cgroup \"%s\": %s", dir, why.msg);
}
