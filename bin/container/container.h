/* pod-container's verbs of several steps. */
#ifndef POD_BIN_CONTAINER_H
#define POD_BIN_CONTAINER_H

int do_clone(int argc, char **argv);

#endif
