/*
 * pod-store: the image room. `pod-store VERB`, or by a second name `pod-VERB` (share/aliases).
 */
#include "store/room.h"

static const struct verb verbs[] = {
    {"images", "List images", verb_images},
    {"ls", NULL, verb_images},
    {"list", NULL, verb_images},
    {"inspect", "Show all that is known of images, as JSON", verb_inspect},
    {"history", "Show how an image was built", verb_history},
    {"tag", "Give an image further names", verb_tag},
    {"untag", "Take names from an image", verb_untag},
    {"prune", "Remove images that nobody needs", verb_prune},
    {"rmi", "Remove images", verb_rmi},
    {"rm", NULL, verb_rmi},
    {"exists", "Is there an image of that name? (0 yes, 1 no)", verb_exists},
    {"mount", "Mount images read-only, inside pod unshare", verb_mount},
    {"unmount", "Unmount images", verb_unmount},
    {"umount", NULL, verb_unmount},
    {"check", "Look for what is broken in the image store", verb_check},
    {"gc", "Remove what no image and no container needs", verb_gc},
    {"df", "Show how much disk is used", verb_df},
    {NULL, NULL, NULL},
};

/* pod-images is `pod-store images`, pod-image-exists is `pod-store exists`. */
static const struct verb *verb_of_name(const char *path)
{
    const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
    if (str_starts(name, "pod-image-"))
        name += strlen("pod-image-");
    else if (str_starts(name, "pod-"))
        name += strlen("pod-");
    for (const struct verb *v = verbs; v->name; v++)
        if (strcmp(v->name, name) == 0)
            return v;
    return NULL;
}

int main(int argc, char **argv)
{
    const struct verb *v = argc > 0 ? verb_of_name(argv[0]) : NULL;
    if (v)
        return v->run(argc, argv);
    return say_verbs("pod store", "The image room: what images there are and how they lie on disk",
                     verbs, argc, argv);
}
