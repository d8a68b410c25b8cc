/* The same numbers in each run (xorshift). */
#ifndef POD_TESTS_UNIT_DICE_H
#define POD_TESTS_UNIT_DICE_H

#include <stdint.h>

static inline uint32_t dice(uint32_t sides)
{
    static uint64_t x = 88172645463325252ULL;
    x ^= x << 13;
    x ^= x >> 7;
    x ^= x << 17;
    return (uint32_t)(x >> 16) % sides;
}

#endif
