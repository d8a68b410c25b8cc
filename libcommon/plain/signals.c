#include "plain/signals.h"

#include <stdint.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#define KERNEL_SIGNALS 64

/* rt_sigaction(2)'s own structure where it begins with the handler, as it does everywhere but on
 * MIPS; all zero is the default action, without flags. */
struct kernel_action {
    uint64_t words[4];
};

void signals_fill(sigset_t *set)
{
    memset(set, 0xff, sizeof *set);
}

void signals_default(void)
{
    static const struct kernel_action plain;
    for (int sig = 1; sig <= KERNEL_SIGNALS; sig++)
        (void)syscall(SYS_rt_sigaction, sig, &plain, NULL, KERNEL_SIGNALS / 8);
}
