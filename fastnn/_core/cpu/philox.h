/* Philox4x32-10: random words from a counter and a key, no state (Salmon et al., "Parallel random
 * numbers: as easy as 1, 2, 3", SC 2011). Integers only: the same bits on every device. */
#ifndef FASTNN_PHILOX_H
#define FASTNN_PHILOX_H

#include <stdint.h>

#define PHILOX_ROUNDS 10
#define PHILOX_MULTIPLIER_0 0xD2511F53u
#define PHILOX_MULTIPLIER_1 0xCD9E8D57u
#define PHILOX_WEYL_0 0x9E3779B9u
#define PHILOX_WEYL_1 0xBB67AE85u

static inline __attribute__((always_inline)) void philox(uint32_t word[4], uint32_t key_0,
                                                         uint32_t key_1)
{
    for (int round = 0; round < PHILOX_ROUNDS; round++) {
        const uint64_t product_0 = (uint64_t)PHILOX_MULTIPLIER_0 * word[0];
        const uint64_t product_1 = (uint64_t)PHILOX_MULTIPLIER_1 * word[2];
        word[0] = (uint32_t)(product_1 >> 32) ^ word[1] ^ key_0;
        word[1] = (uint32_t)product_1;
        word[2] = (uint32_t)(product_0 >> 32) ^ word[3] ^ key_1;
        word[3] = (uint32_t)product_0;
        key_0 += PHILOX_WEYL_0;
        key_1 += PHILOX_WEYL_1;
    }
}

#endif
