/* pod-secret's verbs: each gets its own argv and returns the exit code. */
#ifndef POD_BIN_SECRET_H
#define POD_BIN_SECRET_H

#include "things/secret.h"

int verb_create(int argc, char **argv);
int verb_exists(int argc, char **argv);
int verb_inspect(int argc, char **argv);
int verb_ls(int argc, char **argv);
int verb_rm(int argc, char **argv);

#endif
