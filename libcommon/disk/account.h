/*
 * Accounts of this machine, wherever its administrator keeps them: in /etc/passwd, or in what
 * nsswitch.conf(5) names (LDAP, systemd-homed). A static program has only the former at hand and
 * asks getent(1) for the rest.
 */
#ifndef POD_DISK_ACCOUNT_H
#define POD_DISK_ACCOUNT_H

#include <sys/types.h>

struct account {
    uid_t uid;
    gid_t gid;
    char name[256];
    char home[1024];
};

/* 0 and *ret; -1: no such account. */
int account_by_id(uid_t uid, struct account *ret);
int account_by_name(const char *name, struct account *ret);
/* The name of a group: 0, or -1: no such group, or its name is longer than size. */
int account_group(gid_t gid, char *ret, size_t size);

#endif
