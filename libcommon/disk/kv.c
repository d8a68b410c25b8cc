#include "disk/kv.h"

#include <stdlib.h>
#include <string.h>

static const char *find(const char *text, const char *key)
{
    size_t n = strlen(key);
    while (text && *text) {
        if (strncmp(text, key, n) == 0 && text[n] == '=')
            return text + n + 1;
        text = strchr(text, '\n');
        if (text)
            text++;
    }
    return NULL;
}

int64_t kv_int(const char *text, const char *key, int64_t otherwise)
{
    const char *v = find(text, key);
    if (!v)
        return otherwise;
    char *end;
    int64_t n = strtoll(v, &end, 10);
    return end == v || (*end != '\n' && *end != '\0') ? otherwise : n;
}

bool kv_str(const char *text, const char *key, char *out, size_t size)
{
    const char *v = find(text, key);
    if (!v || !size)
        return false;
    size_t n = strcspn(v, "\n");
    if (n >= size)
        n = size - 1;
    memcpy(out, v, n);
    out[n] = '\0';
    return true;
}
