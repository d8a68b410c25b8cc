#include "layer.h"

#include <errno.h>
#include <string.h>

/*
 * Textually, as Go's path.Clean and Join below the root: "." and empty components go, ".." takes
 * one away, an absolute name stays at its root. A relative one that climbs is an error.
 */
int layer_clean(const char *name, char *out, size_t *ret_len, struct err *e)
{
    size_t len = 0;
    const char *c = name;
    while (*c) {
        size_t n = strcspn(c, "/");
        if (n == 2 && c[0] == '.' && c[1] == '.') {
            if (len == 0 && name[0] != '/')
                return err_set(e, 0, "%s: path climbs out of the layer", shown(name) + 1);
            while (len > 0 && out[len - 1] != '/')
                len--;
            len -= len > 0;
        } else if (n > 0 && !(n == 1 && c[0] == '.')) {
            if (len + n + 2 > PATH_MAX) {
                errno = ENAMETOOLONG;
                return path_error(e, "open", name);
            }
            if (len > 0)
                out[len++] = '/';
            memcpy(out + len, c, n);
            len += n;
        }
        c += n + (c[n] == '/');
    }
    out[len] = '\0';
    *ret_len = len;
    return 0;
}
