/* --secret NAME[,opt=value…]: as a file in /run/secrets, or as an environment variable. */
#include "things/secret.h"

#include "disk/at.h"
#include "plain/fdio.h"
#include "things/create.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define DEFAULT_MODE 0444

struct want {
    const char *source, *type, *target;
    int64_t uid, gid, mode;
    bool file_only; /* an option that a variable does not have was given */
};

static int number(const char *key, const char *value, int base, int64_t max, int64_t *ret,
                  struct err *e)
{
    char *end;
    errno = 0;
    *ret = strtoll(value, &end, base);
    if (errno || end == value || *end || *ret < 0 || *ret > max)
        return err_set(e, 0, "%s %s invalid: parsing secret", key, value);
    return 0;
}

static int take(struct want *w, char *word, bool first, struct err *e)
{
    char *value = strchr(word, '=');
    if (!value && first) {
        w->source = word;
        return 0;
    }
    if (!value)
        return err_set(e, 0, "option %s must be in form option=value: parsing secret", word);
    *value++ = '\0';
    bool is_uid = strcasecmp(word, "uid") == 0, is_gid = strcasecmp(word, "gid") == 0;
    bool is_mode = strcasecmp(word, "mode") == 0;
    w->file_only |= is_uid || is_gid || is_mode;
    if (strcasecmp(word, "source") == 0)
        w->source = value;
    else if (strcasecmp(word, "type") == 0)
        w->type = value;
    else if (strcasecmp(word, "target") == 0)
        w->target = value;
    else if (is_uid || is_gid)
        return number(word, value, 10, UINT32_MAX - 1, is_uid ? &w->uid : &w->gid, e);
    else if (is_mode)
        return number(word, value, 8, 07777, &w->mode, e);
    else
        return err_set(e, 0, "option %s=%s invalid: parsing secret", word, value);
    return 0;
}

static int parse(const struct strv *words, struct want *w, struct err *e)
{
    *w = (struct want){.type = "mount", .mode = DEFAULT_MODE};
    for (size_t i = 0; i < words->n; i++)
        if (take(w, words->v[i], i == 0, e) < 0)
            return -1;
    bool env = strcmp(w->type, "env") == 0;
    if (!env && strcmp(w->type, "mount") != 0)
        return err_set(e, 0, "type %s is invalid: parsing secret", w->type);
    if (!w->source || !*w->source)
        return err_set(e, 0, "no source found for secret: parsing secret");
    if (env && w->file_only)
        return err_set(e, 0,
                       "UID, GID, Mode options cannot be set with secret env type: parsing "
                       "secret");
    if (env && w->target && (!*w->target || strchr(w->target, '=')))
        return err_set(e, 0, "target %s invalid: parsing secret", w->target);
    return 0;
}

static json_t *describe(const struct want *w, const json_t *secret, size_t number)
{
    const char *name = jx_str(secret, "name");
    const char *target = w->target && *w->target ? w->target : name;
    json_t *o = json_pack("{s:s, s:s, s:o}", "name", name, "id", jx_str(secret, "id"), "file",
                          json_sprintf("%zu", number));
    if (strcmp(w->type, "env") == 0) {
        json_object_set_new(o, "env", json_string(target));
        return o;
    }
    json_object_set_new(o, "target",
                        json_sprintf("%s%s", target[0] == '/' ? "" : "/run/secrets/", target));
    json_object_set_new(o, "uid", json_integer(w->uid));
    json_object_set_new(o, "gid", json_integer(w->gid));
    json_object_set_new(o, "mode", json_integer(w->mode));
    return o;
}

int create_secrets(const struct roots *r, const struct strv *texts, json_t *rec, struct err *e)
{
    struct secrets s;
    if (!texts->n)
        return 0;
    json_t *list = json_array();
    json_object_set_new(rec, "secrets", list);
    if (secrets_open(r, false, &s, e) < 0)
        return -1;
    int res = 0;
    for (size_t i = 0; i < texts->n && res == 0; i++) {
        cleanup(strv_free) struct strv words = STRV_INIT;
        struct want w;
        const json_t *secret = NULL;
        strv_split(&words, texts->v[i], ',');
        res = parse(&words, &w, e);
        if (res == 0 && !(secret = secret_find(&s, w.source, e)))
            res = -1;
        if (res == 0)
            json_array_append_new(list, describe(&w, secret, i));
    }
    secrets_close(&s);
    return res;
}

static int write_one(const struct secrets *s, int dir, const json_t *want, struct err *e)
{
    cleanup(buf_free) struct buf bytes = BUF_INIT;
    const json_t *secret = secret_find(s, jx_str(want, "id"), e);
    if (!secret || secret_read(s, secret, &bytes, e) < 0)
        return -1;
    mode_t mode = (mode_t)jx_int(want, "mode", 0400);
    if (at_write(dir, jx_str(want, "file"), bytes.s, bytes.len, 0600, AT_PLAIN) < 0 ||
        fchmodat(dir, jx_str(want, "file"), mode, 0) < 0)
        return err_sys(e, "cannot write secret %s for the container", jx_str(want, "name"));
    return 0;
}

int secrets_write(const struct roots *r, int ctr_dir, const json_t *rec, struct err *e)
{
    const json_t *all = json_object_get(rec, "secrets"), *want;
    struct secrets s;
    size_t i;
    if (!json_array_size(all))
        return 0;
    cleanup_fd int dir =
        mkdirat(ctr_dir, "secrets", 0700) < 0 ? -1 : at_open_dir(ctr_dir, "secrets");
    if (dir < 0)
        return err_sys(e, "cannot make a place for the container's secrets");
    if (secrets_open(r, false, &s, e) < 0)
        return -1;
    int res = 0;
    json_array_foreach(all, i, want)
    {
        if (res == 0)
            res = write_one(&s, dir, want, e);
    }
    secrets_close(&s);
    return res;
}

int secrets_env(int ctr_dir, const json_t *rec, json_t *env, struct err *e)
{
    const json_t *want;
    size_t i;
    json_array_foreach(json_object_get(rec, "secrets"), i, want)
    {
        cleanup(buf_free) struct buf b = BUF_INIT;
        const char *name = jx_str0(want, "env");
        cleanup_free char *path = xasprintf("secrets/%s", jx_str(want, "file"));
        if (!name)
            continue;
        if (at_read(ctr_dir, path, SECRET_MAX, &b) < 0)
            return err_sys(e, "cannot read secret %s of the container", jx_str(want, "name"));
        json_t *pair = json_sprintf("%s=%s", name, buf_str(&b));
        if (!pair || strlen(buf_str(&b)) != b.len)
            return err_set(e, 0, "secret %s is no text: it cannot be in the environment",
                           jx_str(want, "name"));
        json_array_append_new(env, pair);
    }
    return 0;
}
