#include "words/ident.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

static const char *const adjectives[] = {
    "amber",   "brave",  "bright", "calm",    "candid", "clever", "cosmic", "daring", "deft",
    "eager",   "fair",   "fleet",  "gentle",  "golden", "happy",  "honest", "humble", "jolly",
    "keen",    "kind",   "lively", "lucid",   "mellow", "merry",  "mild",   "nimble", "noble",
    "patient", "plucky", "polite", "proud",   "quick",  "quiet",  "rapid",  "ready",  "serene",
    "sharp",   "silver", "simple", "sincere", "smart",  "snug",   "solid",  "spry",   "stately",
    "steady",  "sunny",  "swift",  "tender",  "tidy",   "upbeat", "vivid",  "warm",   "wise",
};
static const char *const nouns[] = {
    "alder",   "anchor", "badger", "beacon",  "birch",  "bison",   "brook",  "cedar",   "cliff",
    "comet",   "condor", "coral",  "crane",   "delta",  "dolphin", "falcon", "fern",    "finch",
    "fjord",   "forge",  "gecko",  "glacier", "grove",  "harbor",  "heron",  "ibex",    "jackdaw",
    "juniper", "kelp",   "lagoon", "lark",    "lynx",   "maple",   "marten", "meadow",  "nebula",
    "ocelot",  "orchid", "osprey", "otter",   "pebble", "pine",    "plover", "quartz",  "raven",
    "reef",    "robin",  "sable",  "sparrow", "spruce", "summit",  "tern",   "thicket", "walrus",
};

static void random_bytes(void *p, size_t n)
{
    if (getrandom(p, n, 0) != (ssize_t)n)
        memset(p, (int)getpid() & 0xff, n);
}

void ident_new(char ret[IDENT_LEN + 1])
{
    unsigned char r[IDENT_LEN / 2];
    do {
        random_bytes(r, sizeof r);
        for (size_t i = 0; i < sizeof r; i++)
            snprintf(ret + 2 * i, 3, "%02x", r[i]);
    } while (strspn(ret, "0123456789") >= 12);
}

bool ident_name_ok(const char *name)
{
    static const char first[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
    static const char rest[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-";
    size_t n = strlen(name);
    return n > 0 && n <= 200 && strchr(first, name[0]) && strspn(name, rest) == n;
}

void ident_random_name(char *out, size_t size)
{
    uint16_t r[2];
    random_bytes(r, sizeof r);
    snprintf(out, size, "%s_%s", adjectives[r[0] % (sizeof adjectives / sizeof *adjectives)],
             nouns[r[1] % (sizeof nouns / sizeof *nouns)]);
}
