#include "rt.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

/* Is the run of n digits a number above INT64_MAX that fits 64 bits? */
static bool too_big(const char *p, size_t n, uint64_t *ret)
{
    char digits[24];
    if (n < 19 || n > 20)
        return false;
    memcpy(digits, p, n);
    digits[n] = '\0';
    return str_u64(digits, UINT64_MAX, ret) == 0 && *ret > INT64_MAX;
}

/* Behind the list that begins at p, or NULL when it does not end. */
static const char *list_end(const char *p)
{
    size_t depth = 0;
    for (; *p; p++) {
        if (*p == '"') {
            for (p++; *p && *p != '"'; p++)
                p += *p == '\\' && p[1];
            if (!*p)
                return NULL;
        } else if (*p == '[' || *p == '{') {
            depth++;
        } else if ((*p == ']' || *p == '}') && --depth == 0) {
            return p + 1;
        }
    }
    return NULL;
}

/* A quote in a string has a backslash before it: what is found with its quotes is a key. */
void spec_drop_rules(struct buf *json)
{
    const char *section = strstr(buf_str(json), "\"seccomp\":{");
    const char *rules = section ? strstr(section, "\"syscalls\":[") : NULL;
    if (!rules || strstr(section, "\"SCMP_ACT_NOTIFY\""))
        return;
    size_t from = (size_t)(strchr(rules, '[') + 1 - json->s);
    const char *end = list_end(json->s + from - 1);
    if (!end)
        return;
    size_t to = (size_t)(end - 1 - json->s);
    memmove(json->s + from, json->s + to, json->len - to + 1);
    json->len -= to - from;
}

void spec_fold_numbers(struct buf *json)
{
    struct buf out = BUF_INIT;
    const char *done = buf_str(json);
    bool in_string = false;
    for (const char *p = done; *p; p++) {
        if (in_string && *p == '\\' && p[1])
            p++;
        else if (*p == '"')
            in_string = !in_string;
        else if (!in_string && isdigit((unsigned char)*p)) {
            size_t n = strspn(p, "0123456789");
            uint64_t v;
            bool whole = (p == json->s || (p[-1] != '-' && p[-1] != '.')) && p[n] != '.';
            if (whole && too_big(p, n, &v)) {
                buf_add(&out, done, (size_t)(p - done));
                buf_addf(&out, "%lld", (long long)v);
                done = p + n;
            }
            p += n - 1;
        }
    }
    if (!out.len)
        return;
    buf_adds(&out, done);
    buf_free(json);
    *json = out;
}
