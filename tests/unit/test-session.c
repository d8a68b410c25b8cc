/* Floor 3: what a person's session makes of how the monitor's end of the socket closes. */
#include "check.h"
#include "things/session.h"
#include "words/attach.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

/* A session whose monitor says «last» and closes before it has read what we sent. */
static int against(const char *last, int *code)
{
    struct err e = ERR_INIT;
    int s[2];
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, s) < 0)
        exit(1);
    attach_send(s[0], ATTACH_EOF, NULL, 0);
    attach_send(s[0], ATTACH_EOF, NULL, 0);
    for (const char *p = last; *p; p++)
        attach_sendf(s[1], *p, "%s", *p == ATTACH_EXIT ? "7" : "");
    close(s[1]);
    struct session run = {.sock = s[0], .id = "none"};
    int r = session_run(&run, code, &e);
    close(s[0]);
    return r;
}

int main(void)
{
    static const char end[] = {ATTACH_EXIT, '\0'}, more[] = {ATTACH_SENT, ATTACH_EXIT, '\0'};
    int code = -1;
    CHECK("the end is heard", against(end, &code) == SESSION_EXIT && code == 7);
    code = -1;
    CHECK("behind other words", against(more, &code) == SESSION_EXIT && code == 7);
    CHECK("no end", against("", &code) == SESSION_LOST);
    return check_end();
}
