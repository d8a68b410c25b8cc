/* pod-ps' rows: what `ps --format json` gives, and how tables show it (words/template.h). */
#ifndef POD_BIN_PS_H
#define POD_BIN_PS_H

#include "things/ctr.h"

#include <stdbool.h>

struct ps_view {
    bool whole; /* --no-trunc */
    bool pods;  /* the pod's name is looked up */
    bool ns;    /* namespaces are read from /proc */
    bool usual; /* only what the table without options shows */
};

/* row.c; ".sort" in it is the time of creation. */
json_t *ps_row(const struct roots *r, const struct ctr *c, const struct ctr_status *s,
               const struct ps_view *v);
/* external.c: containers that Buildah or podman keep in the same store. */
int ps_external(const struct roots *r, const struct ps_view *v, json_t *rows, struct err *e);
/* sizes.c: --size, for all rows at once; what we may not see is looked at as root of our ids. */
int ps_sizes(const struct roots *r, json_t *rows, struct err *e);

/* Text of the row for tables (".Key") and JSON ("Key"). */
void ps_put(json_t *row, const char *key, const char *text);
/* ID, CREATED and COMMAND as tables have them. */
void ps_common(json_t *row, const char *id, const char *created, const char *command, bool whole);

#endif
