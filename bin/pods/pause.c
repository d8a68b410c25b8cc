/* pod pod pause and unpause: the containers of a pod stand still, or go on. */
#include "pods.h"
#include "say.h"

#include "things/pause.h"

#include <stddef.h>

#define AT(f) offsetof(struct pods_life, f)
static const struct opt options[] = {
    {"all", 'a', OPT_BOOL, NULL, "All pods", AT(which.all)},
    {"latest", 'l', OPT_BOOL, NULL, "The pod created last", AT(which.latest)},
    {0}};

static const char codes[] = "Exit codes: 0 done, 125 pod failed or a pod does not exist.";

static int pause_one(const struct roots *r, struct ctr *c, const struct pods_life *o, struct err *e)
{
    struct ctr_status s;
    (void)o;
    ctr_status(r, c, &s);
    return s.state == CTR_RUNNING ? ctr_pause(r, c, e) : 0;
}

static int unpause_one(const struct roots *r, struct ctr *c, const struct pods_life *o,
                       struct err *e)
{
    struct ctr_status s;
    (void)o;
    ctr_status(r, c, &s);
    return s.state == CTR_PAUSED ? ctr_unpause(r, c, e) : 0;
}

static int pause_pod(const struct roots *r, const char *id, const struct pods_life *o,
                     struct err *e)
{
    return pods_each(r, id, true, pause_one, o, e);
}

static int unpause_pod(const struct roots *r, const char *id, const struct pods_life *o,
                       struct err *e)
{
    return pods_each(r, id, false, unpause_one, o, e);
}

int verb_pause(int argc, char **argv)
{
    static const struct cmd c = {"pod pod pause",
                                 "POD...",
                                 "Let the containers of pods stand still",
                                 codes,
                                 options,
                                 0,
                                 -1,
                                 0};
    return pods_drive(&c, argc, argv, pause_pod, "pause");
}

int verb_unpause(int argc, char **argv)
{
    static const struct cmd c = {"pod pod unpause",
                                 "POD...",
                                 "Let the containers of paused pods go on",
                                 codes,
                                 options,
                                 0,
                                 -1,
                                 0};
    return pods_drive(&c, argc, argv, unpause_pod, "unpause");
}
