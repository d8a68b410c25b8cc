#include "disk/sdnotify.h"

#include "plain/fdio.h"
#include "plain/str.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

void sdnotify_ready(const char *path, pid_t pid)
{
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    char text[64];
    if (!path || !*path || str_copy(a.sun_path, sizeof a.sun_path, path) < 0)
        return;
    socklen_t len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(path));
    if (a.sun_path[0] == '@') /* an abstract one */
        a.sun_path[0] = '\0';
    int n = snprintf(text, sizeof text, "MAINPID=%d\nREADY=1", pid);
    cleanup_fd int s = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (s >= 0)
        (void)sendto(s, text, (size_t)n, MSG_NOSIGNAL, (struct sockaddr *)&a, len);
}
