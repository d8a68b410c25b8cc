/* SHA-256, one message and two at a time. */
#include "check.h"
#include "dice.h"
#include "words/sha256.h"

#include <string.h>

#define SIZE ((size_t)200000)

static unsigned char a[SIZE], b[SIZE];

static size_t least(size_t x, size_t y)
{
    return x < y ? x : y;
}

/* FIPS 180-4's examples. */
static void test_known(void)
{
    CHECK_STR("nothing", sha256_of("", 0).hex,
              "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    CHECK_STR("one block", sha256_of("abc", 3).hex,
              "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

static void test_two(void)
{
    bool same = true;
    for (int round = 0; round < 300; round++) {
        size_t n = dice(round % 3 ? SIZE : 300), m = dice(round % 4 ? SIZE : 300);
        uint32_t most = round % 2 ? 70000 : 200;
        struct sha256 *h = sha256_new(), *k = sha256_new();
        for (size_t i = 0, j = 0; i < n || j < m;) {
            size_t x = least(dice(most), n - i), y = least(dice(most), m - j);
            sha256_add_two(h, a + i, x, k, b + j, y);
            i += x;
            j += y;
        }
        struct digest one = sha256_end(h), two = sha256_end(k);
        struct digest first = sha256_of(a, n), second = sha256_of(b, m);
        same = same && digest_eq(&one, &first) && digest_eq(&two, &second);
    }
    CHECK("two in pieces are what they are whole", same);
}

/* 2^32 bits and more: the count has two words. */
static void test_long(void)
{
    struct sha256 *h = sha256_new(), *k = sha256_new(), *alone = sha256_new();
    for (size_t n = 0; n <= (size_t)1 << 29; n += SIZE) {
        sha256_add_two(h, a, SIZE, k, b, SIZE);
        sha256_add(alone, b, SIZE);
    }
    struct digest one = sha256_end(h), two = sha256_end(k), want = sha256_end(alone);
    CHECK_STR("more than 512 MiB", two.hex, want.hex);
    CHECK("and the other is another", strcmp(one.hex, two.hex) != 0);
}

int main(void)
{
    for (size_t i = 0; i < SIZE; i++) {
        a[i] = (unsigned char)dice(256);
        b[i] = (unsigned char)dice(256);
    }
    test_known();
    test_two();
    test_long();
    return check_end();
}
