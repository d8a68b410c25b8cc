/* Removing trees. Never follows a symbolic link, never leaves the given directory. */
#ifndef POD_DISK_RMTREE_H
#define POD_DISK_RMTREE_H

/*
 * Removes name (of any kind) below dir. What cannot be removed is left, the rest goes; the first
 * errno is reported. A directory without permissions is made 0700 first. 0 when name is gone.
 */
int rmtree(int dir, const char *name);

/* Everything in the directory, not the directory itself. */
int rmtree_contents(int dir, const char *name);

#endif
