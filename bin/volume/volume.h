/* pod-volume's verbs: each gets its own argv and returns the exit code. */
#ifndef POD_BIN_VOLUME_H
#define POD_BIN_VOLUME_H

#include "things/volume.h"

int verb_create(int argc, char **argv);
int verb_exists(int argc, char **argv);
int verb_export(int argc, char **argv);
int verb_import(int argc, char **argv);
int verb_inspect(int argc, char **argv);
int verb_ls(int argc, char **argv);
int verb_mount(int argc, char **argv);
int verb_prune(int argc, char **argv);
int verb_rm(int argc, char **argv);
int verb_unmount(int argc, char **argv);

/* A row of ls and inspect (things/table.h), with podman's keys; NULL when it cannot be read. */
json_t *volume_row(const struct roots *r, const char *name, struct err *e);

/* KEY=VALUE each, with podman's sentences for what cannot be understood. */
int volume_filter_check(const struct strv *filters, struct err *e);
/* Values of one key are alternatives, labels and different keys narrow. used: volumes_used(). */
bool volume_filter_match(const struct strv *filters, const json_t *row, const struct strv *used);

#endif
