/* Telling a service manager (sd_notify(3)). */
#ifndef POD_DISK_SDNOTIFY_H
#define POD_DISK_SDNOTIFY_H

#include <sys/types.h>

/* Ready, with pid as the main process. socket: what NOTIFY_SOCKET says; nothing for NULL or "". */
void sdnotify_ready(const char *socket, pid_t pid);

#endif
