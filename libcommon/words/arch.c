#include "words/arch.h"

#include <stddef.h>
#include <string.h>
#include <sys/utsname.h>

static const struct {
    const char *from, *arch, *variant;
} aliases[] = {
    {"x86_64", "amd64", ""},  {"x86-64", "amd64", ""},  {"i386", "386", ""},
    {"i486", "386", ""},      {"i586", "386", ""},      {"i686", "386", ""},
    {"aarch64", "arm64", ""}, {"armhf", "arm", "v7"},   {"armel", "arm", "v6"},
    {"armv5l", "arm", "v5"},  {"armv6l", "arm", "v6"},  {"armv7l", "arm", "v7"},
    {"armv8l", "arm", "v8"},  {"mips64", "mips64", ""}, {"loongarch64", "loong64", ""},
};

const char *arch_of(const char *name, const char **ret_variant)
{
    size_t n = sizeof aliases / sizeof *aliases, i = 0;
    while (i < n && strcmp(aliases[i].from, name) != 0)
        i++;
    if (ret_variant)
        *ret_variant = i < n ? aliases[i].variant : "";
    return i < n ? aliases[i].arch : name;
}

const char *arch_here(void)
{
    static struct utsname u;
    return uname(&u) == 0 ? arch_of(u.machine, NULL) : "";
}
