/* Names of the store's files, below graph; shared by the store's own sources and by `pod store
 * check`. */
#ifndef POD_THINGS_STORE_FILES_H
#define POD_THINGS_STORE_FILES_H

#include "things/store.h"

#define STORE_IMAGES_JSON              "overlay-images/images.json"
#define STORE_IMAGES_LOCK              "overlay-images/images.lock"
#define STORE_LAYERS_JSON              "overlay-layers/layers.json"
#define STORE_VOLATILE_LAYERS_JSON     "overlay-layers/volatile-layers.json"
#define STORE_LAYERS_LOCK              "overlay-layers/layers.lock"
#define STORE_CONTAINERS_JSON          "overlay-containers/containers.json"
#define STORE_VOLATILE_CONTAINERS_JSON "overlay-containers/volatile-containers.json"
#define STORE_CONTAINERS_LOCK          "overlay-containers/containers.lock"
/* below own: held shared by whoever is half-way with something in staging or trash */
#define STORE_OWN_LOCK "lock"

enum { STORE_MAX_JSON = 256 << 20, STORE_MAX_BIG = 16 << 20, STORE_MAX_DEPTH = 500 };

/* Reads one list; *ret is replaced. */
int store_load_list(int graph, const char *path, json_t **ret, struct err *e);
/* images.json and layers*.json, locks as the caller holds them. */
int store_load(struct store *s, struct err *e);
int store_check_driver(const struct roots *r, struct err *e);

#endif
