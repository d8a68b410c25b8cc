#include "words/signame.h"

#include "plain/str.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#define RT_MIN 34
#define RT_MAX 64

/* The first name of a number is the one that is printed. */
static const struct {
    const char *name;
    int number;
} names[] = {
    {"SIGHUP", SIGHUP},   {"SIGINT", SIGINT},     {"SIGQUIT", SIGQUIT},  {"SIGILL", SIGILL},
    {"SIGTRAP", SIGTRAP}, {"SIGABRT", SIGABRT},   {"SIGIOT", SIGABRT},   {"SIGBUS", SIGBUS},
    {"SIGFPE", SIGFPE},   {"SIGKILL", SIGKILL},   {"SIGUSR1", SIGUSR1},  {"SIGSEGV", SIGSEGV},
    {"SIGUSR2", SIGUSR2}, {"SIGPIPE", SIGPIPE},   {"SIGALRM", SIGALRM},  {"SIGTERM", SIGTERM},
    {"SIGSTKFLT", 16},    {"SIGCHLD", SIGCHLD},   {"SIGCLD", SIGCHLD},   {"SIGCONT", SIGCONT},
    {"SIGSTOP", SIGSTOP}, {"SIGTSTP", SIGTSTP},   {"SIGTTIN", SIGTTIN},  {"SIGTTOU", SIGTTOU},
    {"SIGURG", SIGURG},   {"SIGXCPU", SIGXCPU},   {"SIGXFSZ", SIGXFSZ},  {"SIGVTALRM", SIGVTALRM},
    {"SIGPROF", SIGPROF}, {"SIGWINCH", SIGWINCH}, {"SIGIO", SIGIO},      {"SIGPOLL", SIGIO},
    {"SIGPWR", SIGPWR},   {"SIGSYS", SIGSYS},     {"SIGUNUSED", SIGSYS},
};
#define NAMES (sizeof names / sizeof *names)

/* What follows RTMIN or RTMAX: nothing, or the sign and a distance. */
static int realtime(const char *s, char sign, int base)
{
    uint64_t far = 0;
    if (*s && (*s != sign || str_u64(s + 1, RT_MAX - RT_MIN, &far) < 0))
        return -1;
    return sign == '+' ? base + (int)far : base - (int)far;
}

int signal_number(const char *name)
{
    uint64_t n;
    if (str_u64(name, RT_MAX, &n) == 0)
        return n ? (int)n : -1;
    if (strncasecmp(name, "SIG", 3) == 0)
        name += 3;
    if (strncasecmp(name, "RTMIN", 5) == 0)
        return realtime(name + 5, '+', RT_MIN);
    if (strncasecmp(name, "RTMAX", 5) == 0)
        return realtime(name + 5, '-', RT_MAX);
    for (size_t i = 0; i < NAMES; i++)
        if (strcasecmp(names[i].name + 3, name) == 0)
            return names[i].number;
    return -1;
}

int signal_parse(const char *text, int *ret, struct err *e)
{
    uint64_t n;
    const char *name = text[0] == '-' ? text + 1 : text;
    if (str_u64(name, UINT64_MAX, &n) == 0 && n > RT_MAX)
        return err_set(e, 0, "valid signals are 1 through %d", RT_MAX);
    int sig = signal_number(name);
    if (sig < 0)
        return err_set(e, 0, "invalid signal: %s", name);
    *ret = sig;
    return 0;
}

const char *signal_name(int number)
{
    static char text[RT_MAX - RT_MIN + 1][16];
    for (size_t i = 0; i < NAMES; i++)
        if (names[i].number == number)
            return names[i].name;
    if (number < RT_MIN || number > RT_MAX)
        return NULL;
    char *s = text[number - RT_MIN];
    if (number == RT_MIN)
        return "SIGRTMIN";
    if (number == RT_MAX)
        return "SIGRTMAX";
    snprintf(s, sizeof text[0], "SIGRTMIN+%d", number - RT_MIN);
    return s;
}
