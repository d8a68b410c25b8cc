#include "things/ready.h"

#include "disk/lock.h"
#include "disk/sdnotify.h"
#include "plain/fdio.h"
#include "things/health.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define LOOK_NS 20000000

static const char *notify_socket; /* as our environment had it first; NULL: not looked yet */

static const char *mode_of(const struct ctr *c)
{
    const char *mode = jx_str0(c->record, "sdnotify");
    return mode ? mode : "container";
}

bool ready_waits(const struct ctr *c)
{
    return strcmp(mode_of(c), "healthy") == 0;
}

void ready_prepare(const struct ctr *c)
{
    if (!notify_socket) {
        const char *path = getenv("NOTIFY_SOCKET");
        notify_socket = xstrdup(path ? path : "");
    }
    if (strcmp(mode_of(c), "container") != 0)
        unsetenv("NOTIFY_SOCKET");
    else if (*notify_socket)
        setenv("NOTIFY_SOCKET", notify_socket, 1);
}

/* As `pod wait --condition healthy` looks at it; over its restarts, too. */
static int become_healthy(const struct ctr *c, struct err *e)
{
    char health[16] = "";
    for (;;) {
        bool goes_on = lock_is_held(c->dir, "lock");
        health_status(c, health, sizeof health);
        if (strcmp(health, "healthy") == 0)
            return 0;
        if (!goes_on)
            return err_set(e, 0, "container %s ended before it was healthy", ctr_name(c));
        nanosleep(&(struct timespec){.tv_nsec = LOOK_NS}, NULL);
    }
}

static void say(const struct roots *r, const struct ctr *c)
{
    struct ctr_status s;
    ctr_status(r, c, &s);
    if (s.monitor > 0)
        sdnotify_ready(notify_socket, s.monitor);
}

void ready_say(const struct roots *r, const struct ctr *c)
{
    if (strcmp(mode_of(c), "conmon") == 0)
        say(r, c);
}

int ready_wait(const struct roots *r, const struct ctr *c, struct err *e)
{
    if (!ready_waits(c))
        return 0;
    if (become_healthy(c, e) < 0)
        return -1;
    say(r, c);
    return 0;
}

void ready_wait_beside(const struct roots *r, const struct ctr *c, int session_fd)
{
    struct err nobody = ERR_INIT;
    if (!ready_waits(c) || fork() != 0)
        return;
    if (session_fd >= 0)
        close(session_fd);
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    for (int fd = 0; fd < 3; fd++)
        dup2(null, fd);
    _exit(ready_wait(r, c, &nobody) < 0 ? 1 : 0);
}
