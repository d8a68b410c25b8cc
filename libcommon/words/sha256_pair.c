/*
 * SHA-256 of two messages at once, with the x86 SHA extensions.
 *
 * The rounds of one message wait for each other: sha256rnds2 takes twice as long as the processor
 * needs to begin the next one. Rounds of another message fill those gaps, so that two messages
 * take about two thirds of the time that they take one after the other.
 */
#include "words/sha256_pair.h"

#ifdef __x86_64__

#include <cpuid.h>
#include <immintrin.h>

#define SHA     __attribute__((target("sha,sse4.1")))
#define SHA_IN  SHA static inline __attribute__((always_inline))
#define CPU_SHA (1U << 29) /* CPUID 7, EBX */

/* FIPS 180-4, 4.2.2. */
static const uint32_t constants[64] __attribute__((aligned(16))) = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2};

/* The state in the order that sha256rnds2 wants, and the last 16 words of the schedule. */
struct lane {
    __m128i abef, cdgh, w[4];
};

bool sha256_pair_usable(void)
{
    unsigned a, b, c, d;
    if (!__get_cpuid_count(7, 0, &a, &b, &c, &d) || !(b & CPU_SHA))
        return false;
    return __get_cpuid(1, &a, &b, &c, &d) && (c & bit_SSE4_1);
}

SHA_IN struct lane take(const uint32_t *h)
{
    __m128i abcd = _mm_shuffle_epi32(_mm_loadu_si128((const __m128i *)h), 0xb1);
    __m128i efgh = _mm_shuffle_epi32(_mm_loadu_si128((const __m128i *)(h + 4)), 0x1b);
    return (struct lane){.abef = _mm_alignr_epi8(abcd, efgh, 8),
                         .cdgh = _mm_blend_epi16(efgh, abcd, 0xf0)};
}

SHA_IN void give(const struct lane *l, uint32_t *h)
{
    __m128i feba = _mm_shuffle_epi32(l->abef, 0x1b);
    __m128i dchg = _mm_shuffle_epi32(l->cdgh, 0xb1);
    _mm_storeu_si128((__m128i *)h, _mm_blend_epi16(feba, dchg, 0xf0));
    _mm_storeu_si128((__m128i *)(h + 4), _mm_alignr_epi8(dchg, feba, 8));
}

SHA_IN void load(struct lane *l, const unsigned char *p)
{
    const __m128i big_endian = _mm_set_epi64x(0x0c0d0e0f08090a0b, 0x0405060700010203);
    for (int i = 0; i < 4; i++)
        l->w[i] = _mm_shuffle_epi8(_mm_loadu_si128((const __m128i *)p + i), big_endian);
}

/* Rounds 4r to 4r + 3; their words make place for those of 16 rounds later. */
SHA_IN void rounds(struct lane *l, int r, bool schedule)
{
    __m128i *w = &l->w[r & 3], *next = &l->w[(r + 3) & 3];
    __m128i k = _mm_add_epi32(*w, _mm_load_si128((const __m128i *)(constants + 4 * (size_t)r)));
    l->cdgh = _mm_sha256rnds2_epu32(l->cdgh, l->abef, k);
    l->abef = _mm_sha256rnds2_epu32(l->abef, l->cdgh, _mm_shuffle_epi32(k, 0x0e));
    if (!schedule)
        return;
    __m128i sum = _mm_sha256msg1_epu32(*w, l->w[(r + 1) & 3]);
    sum = _mm_add_epi32(sum, _mm_alignr_epi8(*next, l->w[(r + 2) & 3], 4));
    *w = _mm_sha256msg2_epu32(sum, *next);
}

SHA_IN void sixteen(struct lane *a, struct lane *b, int r, bool schedule)
{
    rounds(a, r, schedule);
    rounds(b, r, schedule);
    rounds(a, r + 1, schedule);
    rounds(b, r + 1, schedule);
    rounds(a, r + 2, schedule);
    rounds(b, r + 2, schedule);
    rounds(a, r + 3, schedule);
    rounds(b, r + 3, schedule);
}

SHA void sha256_pair(uint32_t a[8], const unsigned char *p, uint32_t b[8], const unsigned char *q,
                     size_t n)
{
    struct lane x = take(a), y = take(b);
    for (; n > 0; n--, p += 64, q += 64) {
        const struct lane x0 = x, y0 = y;
        load(&x, p);
        load(&y, q);
        sixteen(&x, &y, 0, true);
        sixteen(&x, &y, 4, true);
        sixteen(&x, &y, 8, true);
        sixteen(&x, &y, 12, false);
        x.abef = _mm_add_epi32(x.abef, x0.abef);
        x.cdgh = _mm_add_epi32(x.cdgh, x0.cdgh);
        y.abef = _mm_add_epi32(y.abef, y0.abef);
        y.cdgh = _mm_add_epi32(y.cdgh, y0.cdgh);
    }
    give(&x, a);
    give(&y, b);
}

#else

bool sha256_pair_usable(void)
{
    return false;
}

void sha256_pair(uint32_t a[8], const unsigned char *p, uint32_t b[8], const unsigned char *q,
                 size_t n)
{
    (void)a, (void)p, (void)b, (void)q, (void)n;
}

#endif
