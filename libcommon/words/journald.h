/* systemd's journal (systemd-journald.service 8): written by the monitor, read by pod-logs. */
#ifndef POD_WORDS_JOURNALD_H
#define POD_WORDS_JOURNALD_H

#define JOURNALD_SOCKET "/run/systemd/journal/socket"

#endif
