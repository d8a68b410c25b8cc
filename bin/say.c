#include "say.h"

#include "words/exitcode.h"
#include "words/userns.h"

#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

int say_error(const struct err *e)
{
    fflush(stdout);
    if (e->code == 128 + SIGPIPE) { /* a helper died of it: so does a tool whose reader went */
        signal(SIGPIPE, SIG_DFL);
        raise(SIGPIPE);
    }
    fprintf(stderr, "Error: %s\n", e->msg);
    if (e->hint[0])
        fprintf(stderr, "%s\n", e->hint);
    else if (e->sys == ENOSPC || e->sys == EDQUOT)
        fprintf(stderr, "To see what takes the space, type: pod store df; to free some: pod store "
                        "gc, pod rm, pod rmi\n");
    return e->code ? e->code : EXIT_TOOL;
}

void say_warning(const char *fmt, ...)
{
    char text[1200], now[32];
    const char *level = getenv("POD_LOG_LEVEL");
    time_t t = time(NULL);
    struct tm tm;
    va_list ap;
    if (level && strcmp(level, "error") == 0)
        return;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    fflush(stdout);
    if (isatty(2)) {
        fprintf(stderr, "Warning: %s\n", text);
        return;
    }
    strftime(now, sizeof now, "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&t, &tm));
    fprintf(stderr, "time=\"%s\" level=warning msg=\"", now);
    for (const char *p = text; *p; p++)
        fprintf(stderr, "%s%c", *p == '"' || *p == '\\' ? "\\" : "", *p);
    fputs("\"\n", stderr);
}

void say_single_id(const char *run_path, const char *more)
{
    char why[600];
    if (userns_untold(run_path, why, sizeof why))
        say_warning("%s: containers have a single user ID (for more, type: pod doctor)", why);
    if (more)
        say_warning("%s", more);
}

int say_confirm(const char *warning)
{
    char answer[16] = "";
    printf("WARNING! %s\nAre you sure you want to continue? [y/N] ", warning);
    fflush(stdout);
    if (fgets(answer, sizeof answer, stdin))
        return answer[0] == 'y' || answer[0] == 'Y';
    fputs("Error: EOF\nTo go on without a question, add --force\n", stderr);
    return -1;
}

int say_end(int code)
{
    if (fflush(stdout) != 0 || ferror(stdout)) {
        if (errno != EPIPE)
            fprintf(stderr, "Error: cannot write to standard output: %s\n", strerror(errno));
        return code ? code : EXIT_TOOL;
    }
    return code;
}

int say_help(const struct cmd *c)
{
    cleanup(buf_free) struct buf b = BUF_INIT;
    cmd_help(c, &b);
    fwrite(b.s, 1, b.len, stdout);
    return say_end(EXIT_DONE);
}

int say_parse(const struct cmd *c, void *base, int argc, char **argv, int *code)
{
    struct err e = ERR_INIT;
    int first = argc;
    signal(SIGXFSZ, SIG_IGN); /* a limit on the size of files is an error like a full disk */
    switch (cmd_parse(c, base, argc, argv, &first, &e)) {
    case CMD_OK:
        return first;
    case CMD_HELP:
        *code = say_help(c);
        return -1;
    default:
        *code = say_error(&e);
        return -1;
    }
}

static int list_verbs(const char *program, const char *summary, const struct verb *verbs)
{
    printf("%s\n\nUsage: %s VERB [options] [operands]\n\nVerbs:\n", summary, program);
    for (const struct verb *v = verbs; v->name; v++)
        if (v->summary)
            printf("  %-14s %s\n", v->name, v->summary);
    printf("\nSee '%s VERB --help' for one of them.\n", program);
    return say_end(EXIT_DONE);
}

int say_verbs(const char *program, const char *summary, const struct verb *verbs, int argc,
              char **argv)
{
    struct err e = ERR_INIT;
    const char *names[64];
    size_t n = 0;
    if (argc < 2) {
        err_set(&e, 0, "missing command '%s COMMAND'", program);
        err_hint(&e, "Try '%s --help' for more information", program);
        return say_error(&e);
    }
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0 ||
        strcmp(argv[1], "help") == 0)
        return list_verbs(program, summary, verbs);
    for (const struct verb *v = verbs; v->name && n < 63; v++) {
        if (strcmp(v->name, argv[1]) == 0)
            return v->run(argc - 1, argv + 1);
        if (v->summary)
            names[n++] = v->name;
    }
    names[n] = NULL;
    opt_unknown("verb", argv[1], names, NULL, &e);
    cleanup_free char *near = xstrdup(e.hint);
    err_set(&e, 0, "unrecognized command `%s %s`", program, argv[1]);
    err_hint(&e, "%s%sTry '%s --help' for more information", near, *near ? "\n" : "", program);
    return say_error(&e);
}
