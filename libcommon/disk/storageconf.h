/* The keys of containers-storage.conf(5) that decide where the store is. */
#ifndef POD_DISK_STORAGECONF_H
#define POD_DISK_STORAGECONF_H

/*
 * graphroot of the user's storage.conf: $CONTAINERS_STORAGE_CONF, else
 * ${XDG_CONFIG_HOME:-~/.config}/containers/storage.conf. NULL when none sets it; else the
 * caller's string. System-wide files name root's store and are not for an ordinary user.
 */
char *storageconf_graphroot(void);

#endif
