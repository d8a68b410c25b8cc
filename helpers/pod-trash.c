/*
 * pod-trash PATH...: removes whole trees, whatever ids and modes lie in them.
 *
 * Run as uid 0 of the user's namespace (pod-userns enter --), where everything a container
 * wrote can be removed. Refuses relative paths and ends 1 when something stayed.
 */
#include "disk/report.h"
#include "disk/rmtree.h"

#include <fcntl.h>
#include <stdio.h>

int main(int argc, char **argv)
{
    struct err e = ERR_INIT;
    int failed = 0;
    for (int i = 1; i < argc; i++) {
        if (argv[i][0] == '/' && rmtree(AT_FDCWD, argv[i]) == 0)
            continue;
        if (argv[i][0] != '/')
            err_set(&e, 0, "pod-trash: \"%s\" is not an absolute path", argv[i]);
        else
            err_sys(&e, "cannot remove \"%s\"", argv[i]);
        failed = 1;
    }
    if (failed)
        report_err(&e);
    else
        report_ok(NULL);
    return failed;
}
