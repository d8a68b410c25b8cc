/* The exit codes that scripts rely on: podman's, on every page. */
#ifndef POD_WORDS_EXITCODE_H
#define POD_WORDS_EXITCODE_H

enum exitcode {
    EXIT_DONE = 0,
    EXIT_NO = 1,           /* the answer is «no», or an operand of several was not found */
    EXIT_TOOL = 125,       /* pod itself failed, or was used wrongly */
    EXIT_CANNOT = 126,     /* the command in the container cannot be run */
    EXIT_NOTFOUND = 127,   /* the command in the container was not found */
    EXIT_SIGNAL = 128,     /* + n: the payload was ended by signal n */
    EXIT_NO_SESSION = 255, /* exec: the container does not run */
};

#endif
