#include "words/filter.h"

#include "words/json.h"

#include <regex.h>
#include <string.h>

char *filter_key(const char *filter, const char **ret_value)
{
    const char *equals = strchr(filter, '=');
    *ret_value = equals ? equals + 1 : "";
    return equals ? xstrndup(filter, (size_t)(equals - filter)) : xstrdup(filter);
}

bool filter_like(const char *text, const char *pattern)
{
    regex_t re;
    if (regcomp(&re, pattern, REG_EXTENDED | REG_NOSUB) != 0)
        return strstr(text, pattern) != NULL;
    bool found = regexec(&re, text, 0, NULL, 0) == 0;
    regfree(&re);
    return found;
}

bool filter_label(const json_t *labels, const char *want)
{
    const char *value;
    cleanup_free char *key = filter_key(want, &value);
    const char *have = jx_str0(labels, key);
    return have && (!strchr(want, '=') || strcmp(have, value) == 0);
}

int filter_truth(const char *value, bool *ret)
{
    static const char *const yes[] = {"1", "t", "T", "true", "TRUE", "True", NULL};
    static const char *const no[] = {"0", "f", "F", "false", "FALSE", "False", NULL};
    if (!str_in(value, yes) && !str_in(value, no))
        return -1;
    *ret = str_in(value, yes);
    return 0;
}
