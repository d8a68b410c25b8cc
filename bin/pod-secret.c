/* pod-secret: passwords and keys that containers get without being part of an image. */
#include "say.h"
#include "secret/secret.h"

static const struct verb verbs[] = {
    {"create", "keep a new secret", verb_create},
    {"exists", "say by the exit code whether a secret exists", verb_exists},
    {"inspect", "show all about secrets as JSON", verb_inspect},
    {"list", NULL, verb_ls},
    {"ls", "list secrets", verb_ls},
    {"rm", "remove secrets", verb_rm},
    {0},
};

int main(int argc, char **argv)
{
    return say_verbs("pod secret", "Manage secrets: what containers shall know and images not",
                     verbs, argc, argv);
}
