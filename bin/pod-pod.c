/* pod-pod: pods. bin/pods/ has the verbs. */
#include "pods/pods.h"
#include "say.h"

static const struct verb verbs[] = {
    {"create", "create a pod", verb_create},
    {"exists", "say by the exit code whether a pod exists", verb_exists},
    {"inspect", "show all about pods as JSON", verb_inspect},
    {"kill", "send a signal to the containers of pods", verb_kill},
    {"logs", "print what the containers of a pod have written", verb_logs},
    {"ls", NULL, verb_ps},
    {"list", NULL, verb_ps},
    {"pause", "let the containers of pods stand still", verb_pause},
    {"prune", "remove the pods that have ended", verb_prune},
    {"ps", "list pods", verb_ps},
    {"restart", "stop and start pods", verb_restart},
    {"rm", "remove pods", verb_rm},
    {"settle", NULL, verb_settle},
    {"start", "start pods", verb_start},
    {"stats", "show what the containers of pods use", verb_stats},
    {"stop", "stop pods", verb_stop},
    {"top", "list the processes of the containers of a pod", verb_top},
    {"unpause", "let paused pods go on", verb_unpause},
    {0},
};

int main(int argc, char **argv)
{
    return say_verbs("pod pod", "Manage pods: containers that share a network", verbs, argc, argv);
}
