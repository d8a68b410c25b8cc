/* Instructions of a Containerfile that change nothing but an image's configuration. */
#include "things/image_change.h"

#include "plain/buf.h"
#include "plain/str.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define INSTRUCTIONS                                                                               \
    "It can be CMD, ENTRYPOINT, ENV, EXPOSE, LABEL, ONBUILD, STOPSIGNAL, USER, VOLUME or WORKDIR"

static int invalid(const char *text, const char *why, struct err *e)
{
    err_set(e, 0, "invalid change \"%s\": %s", text, why);
    return err_hint(e, INSTRUCTIONS);
}

json_t *config_child(json_t *parent, const char *key, json_t *(*make)(void))
{
    json_t *child = json_object_get(parent, key), *fresh = make();
    if (child && json_typeof(child) == json_typeof(fresh)) {
        json_decref(fresh);
        return child;
    }
    json_object_set_new(parent, key, fresh);
    return fresh;
}

void config_put_key(json_t *config, const char *key, const char *name)
{
    json_object_set_new(config_child(config, key, json_object), name, json_object());
}

/* The next word, quotes taken off; NULL at the end. A quote that stays open takes the rest. */
static char *next_word(const char **at)
{
    const char *p = *at + strspn(*at, " \t");
    struct buf b = BUF_INIT;
    char quote = 0;
    if (!*p)
        return NULL;
    for (; *p && (quote || !isblank((unsigned char)*p)); p++) {
        if (*p == '\\' && p[1] && quote != '\'')
            buf_addc(&b, *++p);
        else if (quote ? *p == quote : *p == '"' || *p == '\'')
            quote = quote ? 0 : *p;
        else
            buf_addc(&b, *p);
    }
    *at = p;
    return buf_take(&b);
}

/* ["a", "b"] as it is; anything else is the shell's. */
static json_t *command_of(const char *rest)
{
    json_t *list = *rest == '[' ? json_loads(rest, 0, NULL) : NULL;
    const json_t *v;
    size_t i;
    json_array_foreach(list, i, v)
    {
        if (json_is_string(v))
            continue;
        json_decref(list);
        list = NULL;
        break;
    }
    return list ? list : json_pack("[s, s, s]", "/bin/sh", "-c", rest);
}

static int set_command(json_t *config, const char *key, const char *rest)
{
    return json_object_set_new(config, key, command_of(rest));
}

static void set_env(json_t *config, const char *name, const char *value)
{
    cleanup(strv_free) struct strv old = STRV_INIT, now = STRV_INIT;
    size_t len = strlen(name);
    jx_strv(config, "Env", &old);
    for (size_t i = 0; i < old.n; i++)
        if (strncmp(old.v[i], name, len) != 0 || old.v[i][len] != '=')
            strv_add(&now, old.v[i]);
    strv_addf(&now, "%s=%s", name, value);
    json_object_set_new(config, "Env", jx_from_strv(&now));
}

static void set_label(json_t *config, const char *name, const char *value)
{
    json_object_set_new(config_child(config, "Labels", json_object), name, json_string(value));
}

/* NAME=VALUE..., or of old: NAME VALUE. */
static int pairs(json_t *config, const char *rest,
                 void (*set)(json_t *, const char *, const char *))
{
    const char *at = rest;
    char *word = next_word(&at);
    if (word && !strchr(word, '=')) {
        set(config, word, at + strspn(at, " \t"));
        free(word);
        return 0;
    }
    while (word) {
        char *value = strchr(word, '=');
        if (!value || value == word) {
            free(word);
            return -1;
        }
        *value++ = '\0';
        set(config, word, value);
        free(word);
        word = next_word(&at);
    }
    return 0;
}

static int volumes(json_t *config, const char *rest)
{
    json_t *list = *rest == '[' ? json_loads(rest, 0, NULL) : NULL;
    const json_t *v;
    size_t i;
    json_array_foreach(list, i, v)
    {
        if (json_is_string(v))
            config_put_key(config, "Volumes", json_string_value(v));
    }
    char *word;
    for (const char *at = rest; !list && (word = next_word(&at)); free(word))
        config_put_key(config, "Volumes", word);
    json_decref(list);
    return 0;
}

static int ports(json_t *config, const char *rest)
{
    int r = 0;
    char *word;
    for (const char *at = rest; (word = next_word(&at)); free(word)) {
        char *end;
        unsigned long port = strtoul(word, &end, 10);
        bool known = !*end || strcmp(end, "/tcp") == 0 || strcmp(end, "/udp") == 0 ||
                     strcmp(end, "/sctp") == 0;
        if (end == word || port == 0 || port > 65535 || !known) {
            r = -1;
            continue;
        }
        cleanup_free char *name = xasprintf("%lu%s", port, *end ? end : "/tcp");
        config_put_key(config, "ExposedPorts", name);
    }
    return r;
}

int config_change(json_t *config, const char *text, struct err *e)
{
    static const char *const words[][2] = {
        {"USER", "User"}, {"WORKDIR", "WorkingDir"}, {"STOPSIGNAL", "StopSignal"}};
    const char *begin = text + strspn(text, " \t");
    size_t n = strcspn(begin, " \t=");
    cleanup_free char *what = xstrndup(begin, n);
    const char *rest = begin + n;
    rest += *rest == '=';
    rest += strspn(rest, " \t");
    if (!*rest)
        return invalid(text, "it says nothing", e);
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (strcasecmp(what, words[i][0]) == 0)
            return json_object_set_new(config, words[i][1], json_string(rest));
    if (strcasecmp(what, "CMD") == 0)
        return set_command(config, "Cmd", rest);
    if (strcasecmp(what, "ENTRYPOINT") == 0)
        return set_command(config, "Entrypoint", rest);
    if (strcasecmp(what, "ENV") == 0)
        return pairs(config, rest, set_env) < 0 ? invalid(text, "NAME=VALUE is wanted", e) : 0;
    if (strcasecmp(what, "LABEL") == 0)
        return pairs(config, rest, set_label) < 0 ? invalid(text, "NAME=VALUE is wanted", e) : 0;
    if (strcasecmp(what, "EXPOSE") == 0)
        return ports(config, rest) < 0 ? invalid(text, "PORT or PORT/PROTOCOL is wanted", e) : 0;
    if (strcasecmp(what, "VOLUME") == 0)
        return volumes(config, rest);
    if (strcasecmp(what, "ONBUILD") == 0)
        return json_array_append_new(config_child(config, "OnBuild", json_array),
                                     json_string(rest));
    err_set(e, 0, "invalid change \"%s\" - invalid instruction %s", text, what);
    return err_hint(e, INSTRUCTIONS);
}
