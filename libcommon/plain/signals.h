/*
 * Signals as the kernel counts them, 1 to 64. A C library keeps some for itself (32, 33, musl's 34
 * too) and leaves them out of sigfillset(3) and signal(2); a container's payload has all of them.
 */
#ifndef POD_PLAIN_SIGNALS_H
#define POD_PLAIN_SIGNALS_H

#include <signal.h>

void signals_fill(sigset_t *set);
/* Every one that is ignored or handled has its default action again. */
void signals_default(void);

#endif
