/*
 * Tiny TAP for the unit tests: CHECK(name, condition) prints a line, check_end() the plan and
 * gives main its exit code. The checks go on after a failure.
 */
#ifndef POD_TESTS_UNIT_CHECK_H
#define POD_TESTS_UNIT_CHECK_H

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

static int check_count, check_failures;

static inline bool check_one(bool ok, const char *name, const char *file, int line)
{
    printf("%s %d - %s\n", ok ? "ok" : "not ok", ++check_count, name);
    if (!ok) {
        check_failures++;
        printf("# %s:%d\n", file, line);
    }
    return ok;
}

static inline void check_text(const char *got, const char *want, const char *name, const char *file,
                              int line)
{
    if (!check_one(strcmp(got, want) == 0, name, file, line))
        printf("# got:    «%s»\n# wanted: «%s»\n", got, want);
}

#define CHECK(name, cond)          check_one((cond), (name), __FILE__, __LINE__)
#define CHECK_STR(name, got, want) check_text((got), (want), (name), __FILE__, __LINE__)

static inline int check_end(void)
{
    printf("1..%d\n", check_count);
    return check_failures != 0;
}

#endif
