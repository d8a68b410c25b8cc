/* pod-volume: volumes. bin/volume/ has the verbs. */
#include "say.h"
#include "volume/volume.h"

static const struct verb verbs[] = {
    {"create", "create a volume", verb_create},
    {"exists", "say by the exit code whether a volume exists", verb_exists},
    {"export", "write the contents of a volume as a tar archive", verb_export},
    {"import", "unpack a tar archive into a volume", verb_import},
    {"inspect", "show all about volumes as JSON", verb_inspect},
    {"list", NULL, verb_ls},
    {"ls", "list volumes", verb_ls},
    {"mount", "print where volumes are", verb_mount},
    {"prune", "remove all volumes that no container uses", verb_prune},
    {"remove", NULL, verb_rm},
    {"rm", "remove volumes", verb_rm},
    {"unmount", "do nothing: volumes stay where they are", verb_unmount},
    {0},
};

int main(int argc, char **argv)
{
    return say_verbs("pod volume", "Manage volumes: directories that outlive containers", verbs,
                     argc, argv);
}
