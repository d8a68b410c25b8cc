#include "info.h"

#include <stdio.h>
#include <string.h>

/* Would a YAML reader take the bare text for something else? */
static bool needs_quotes(const char *s)
{
    static const char *const words[] = {"true", "false", "null", "yes", "no", "~", NULL};
    return !*s || str_in(s, words) || strspn(s, "0123456789.-+eE") == strlen(s) ||
           strpbrk(s, ":#{}[],&*!|>'\"%@`\n") || s[0] == ' ' || s[0] == '-';
}

static void print_scalar(const json_t *v)
{
    cleanup_free char *text = NULL;
    if (!json_is_string(v)) {
        text = json_dumps(v, JSON_ENCODE_ANY | JSON_REAL_PRECISION(4));
        printf("%s\n", text ? text : "null");
    } else if (!needs_quotes(json_string_value(v))) {
        puts(json_string_value(v));
    } else if ((text = json_dumps(v, JSON_ENCODE_ANY))) {
        puts(text); /* a JSON string is a YAML one */
    }
}

static void print_value(const json_t *v, int depth);

static void print_object(const json_t *o, int depth, bool in_list)
{
    cleanup(strv_free) struct strv keys = STRV_INIT;
    const char *key;
    json_t *v;
    json_object_foreach((json_t *)(uintptr_t)o, key, v) strv_add(&keys, key);
    strv_sort(&keys);
    for (size_t i = 0; i < keys.n; i++) {
        printf("%*s%s:", i == 0 && in_list ? 0 : 2 * depth, "", keys.v[i]);
        print_value(json_object_get(o, keys.v[i]), depth);
    }
}

static void print_value(const json_t *v, int depth)
{
    const json_t *item;
    size_t i;
    if (json_is_object(v) && json_object_size(v)) {
        putchar('\n');
        print_object(v, depth + 1, false);
    } else if (json_is_array(v) && json_array_size(v)) {
        putchar('\n');
        json_array_foreach(v, i, item)
        {
            printf("%*s- ", 2 * depth, "");
            if (json_is_object(item))
                print_object(item, depth + 1, true);
            else
                print_scalar(item);
        }
    } else {
        putchar(' ');
        print_scalar(v);
    }
}

void info_yaml(const json_t *o)
{
    print_object(o, 0, false);
}
