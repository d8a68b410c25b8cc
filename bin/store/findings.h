/* Looking for what is broken in the store, or left over in it. */
#ifndef POD_BIN_STORE_FINDINGS_H
#define POD_BIN_STORE_FINDINGS_H

#include "store/room.h"

/* What a finding is about decides what --repair may do. */
enum finding_kind {
    FOUND_NOTE,      /* nothing is wrong for anybody: left over */
    FOUND_DAMAGE,    /* cannot be mended here */
    FOUND_BAD_LAYER, /* the layer's content is not there: the images on it must be pulled again */
    FOUND_BAD_IMAGE, /* the image cannot be used */
    FOUND_LINK,      /* link or lower: can be written anew */
};

struct finding {
    enum finding_kind kind;
    char id[65]; /* layer or image */
    char *text;  /* one line */
};

struct findings {
    struct finding *v;
    size_t n, cap;
};
void finding_add(struct findings *l, enum finding_kind kind, const char *id, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));
void findings_free(struct findings *l);

void find_bad_layers(const struct store *s, struct findings *l);
/* Reads all files of all layers, as far as it may. */
void find_bad_splits(const struct store *s, struct findings *l);
/* Every item is hashed against its recorded digest. */
void find_bad_images(const struct store *s, struct findings *l);
/* Paths below graph: directories in overlay/, items of overlay-layers/ and overlay-images/ that no
 * record names. */
void find_orphans(const struct store *s, struct strv *ret);
/* "overlay/l/X" that point nowhere. */
void find_dangling_links(const struct store *s, struct strv *ret);
/* Staging and trash of pod's own that nobody is busy with. */
size_t find_leftovers(const struct roots *r);

#endif
