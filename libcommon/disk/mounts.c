#include "disk/mounts.h"

#include "disk/at.h"

#include <fcntl.h>
#include <string.h>

#define MAX_MOUNTINFO (64 << 20)

/* mountinfo writes blanks and backslashes in octal. */
static void unescape(char *p)
{
    char *to = p;
    for (; *p; p++) {
        if (p[0] == '\\' && p[1] >= '0' && p[1] <= '3' && p[2] && p[3]) {
            *to++ = (char)((p[1] - '0') * 64 + (p[2] - '0') * 8 + (p[3] - '0'));
            p += 3;
        } else {
            *to++ = *p;
        }
    }
    *to = '\0';
}

int mounts_list(struct strv *ret, struct err *e)
{
    cleanup(buf_free) struct buf b = BUF_INIT;
    if (at_read(AT_FDCWD, "/proc/self/mountinfo", MAX_MOUNTINFO, &b) < 0)
        return err_sys(e, "cannot read the list of mounts");
    char *save = NULL;
    for (char *line = strtok_r(b.s, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
        char *p = line;
        for (int field = 0; field < 4 && p; field++)
            p = strchr(p, ' ') ? strchr(p, ' ') + 1 : NULL;
        if (!p)
            continue;
        p[strcspn(p, " ")] = '\0';
        unescape(p);
        strv_add(ret, p);
    }
    return 0;
}
