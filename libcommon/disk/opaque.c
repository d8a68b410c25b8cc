#include "disk/opaque.h"

#include "disk/at.h"

#include <sys/xattr.h>

bool opaque_marked(int dir)
{
    static const char *const names[] = {"user.overlay.opaque", "trusted.overlay.opaque",
                                        "user.fuseoverlayfs.opaque"};
    char value;
    for (unsigned i = 0; i < sizeof names / sizeof *names; i++)
        if (fgetxattr(dir, names[i], &value, 1) == 1 && value == 'y')
            return true;
    return false;
}

bool opaque_is(int dir)
{
    return opaque_marked(dir) || at_exists(dir, ".wh..wh..opq");
}
