/* What registries.conf and its drop-ins say, merged; the inside of struct registries. */
#ifndef POD_THINGS_REGISTRYFILES_H
#define POD_THINGS_REGISTRYFILES_H

#include "plain/str.h"

#include <jansson.h>
#include <stdbool.h>

struct registries {
    json_t *registries; /* [[registry]] tables; of one prefix, the last file's */
    json_t *aliases;    /* name → full name; "" takes an earlier one back */
    json_t *alias_from; /* name → the file that says so */
    struct strv search;
    bool search_set;   /* some file has unqualified-search-registries, be it empty */
    char *mode;        /* short-name-mode, NULL when not set */
    char *main_file;   /* for messages */
    char *search_file; /* which set search */
};

#endif
