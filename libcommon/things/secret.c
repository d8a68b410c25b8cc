#include "things/secret.h"

#include "disk/at.h"
#include "disk/lock.h"
#include "plain/fdio.h"
#include "words/base64.h"
#include "words/ident.h"
#include "words/timefmt.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MAX_LIST  (16 << 20)
#define MAX_DATA  (256 << 20)
#define ID_LEN    25
#define DATA_FILE "filedriver/secretsdata.json"
#define DATA_LOCK "filedriver/secretsdata.lock"

int secrets_open(const struct roots *r, bool change, struct secrets *ret, struct err *e)
{
    *ret = (struct secrets){.roots = r, .dir = -1, .lock = -1, .list = NULL};
    if (change && at_mkdirs(r->graph, "secrets/filedriver", 0700) < 0)
        return err_sys(e, "cannot make \"%s/secrets\"", r->graph_path);
    ret->dir = at_open_dir(r->graph, "secrets");
    if (ret->dir < 0 && errno != ENOENT)
        return err_sys(e, "cannot open \"%s/secrets\"", r->graph_path);
    if (ret->dir >= 0 && (ret->lock = lock_wait(ret->dir, "secrets.lock",
                                                change ? LOCK_EXCLUSIVE : LOCK_SHARED)) < 0) {
        err_sys(e, "cannot lock the secrets");
        secrets_close(ret);
        return -1;
    }
    if (ret->dir >= 0 && at_exists(ret->dir, "secrets.json") &&
        jx_load(ret->dir, "secrets.json", MAX_LIST, &ret->list, e) < 0) {
        secrets_close(ret);
        return -1;
    }
    if (!json_is_object(ret->list)) {
        json_decref(ret->list);
        ret->list = json_object();
    }
    return 0;
}

void secrets_close(struct secrets *s)
{
    json_decref(s->list);
    if (s->lock >= 0)
        close(s->lock);
    if (s->dir >= 0)
        close(s->dir);
    *s = (struct secrets){.dir = -1, .lock = -1};
}

const json_t *secret_find(const struct secrets *s, const char *name_or_id, struct err *e)
{
    const json_t *all = json_object_get(s->list, "secrets"), *v, *found = NULL;
    const char *id;
    json_object_foreach((json_t *)(uintptr_t)all, id, v)
    {
        if (strcmp(jx_str(v, "name"), name_or_id) == 0 || strcmp(id, name_or_id) == 0)
            return v;
    }
    json_object_foreach((json_t *)(uintptr_t)all, id, v)
    {
        if (!*name_or_id || !str_starts(id, name_or_id))
            continue;
        if (found) {
            err_set(e, 0, "more than one result secret with prefix %s: secret is ambiguous",
                    name_or_id);
            return NULL;
        }
        found = v;
    }
    if (!found) {
        err_set(e, 0, "no secret with name or id \"%s\": no such secret", name_or_id);
        e->sys = ENOENT;
        err_hint(e, "See: pod secret ls");
    }
    return found;
}

/* ---- bytes ---- */

static int load_data(const struct secrets *s, json_t **ret, struct err *e)
{
    *ret = NULL;
    if (at_exists(s->dir, DATA_FILE) && jx_load(s->dir, DATA_FILE, MAX_DATA, ret, e) < 0)
        return -1;
    if (!json_is_object(*ret)) {
        json_decref(*ret);
        *ret = json_object();
    }
    return 0;
}

int secret_read(const struct secrets *s, const json_t *secret, struct buf *b, struct err *e)
{
    cleanup_json data = NULL;
    const char *name = jx_str(secret, "name"), *driver = jx_str(secret, "driver");
    if (strcmp(driver, "file") != 0) {
        err_set(e, 0, "secret %s is kept by the driver \"%s\", which pod does not have", name,
                driver);
        return err_hint(e,
                        "Type: podman secret inspect --showsecret --format '{{.SecretData}}' %s "
                        "| pod secret create NAME -",
                        name);
    }
    cleanup_fd int lock = lock_wait(s->dir, DATA_LOCK, LOCK_SHARED);
    if (lock < 0)
        return err_sys(e, "cannot lock the secrets");
    if (load_data(s, &data, e) < 0)
        return -1;
    const char *text = jx_str0(data, jx_str(secret, "id"));
    if (!text || base64_decode(text, b) < 0)
        return err_set(e, 0, "the data of secret %s is lost", name);
    return 0;
}

/* With value "" for one that goes. */
static int save_data(const struct secrets *s, const char *id, const char *value, struct err *e)
{
    cleanup_json data = NULL;
    cleanup_fd int lock = lock_wait(s->dir, DATA_LOCK, LOCK_EXCLUSIVE);
    if (lock < 0)
        return err_sys(e, "cannot lock the secrets");
    if (load_data(s, &data, e) < 0)
        return -1;
    if (*value)
        json_object_set_new(data, id, json_string(value));
    else
        json_object_del(data, id);
    cleanup_free char *text = json_dumps(data, JSON_INDENT(2));
    if (!text || at_write(s->dir, DATA_FILE, text, strlen(text), 0600, AT_DURABLE) < 0)
        return err_sys(e, "cannot write the data of secrets");
    return 0;
}

static int save_list(const struct secrets *s, struct err *e)
{
    cleanup_free char *text = json_dumps(s->list, JSON_INDENT(2));
    if (!text || at_write(s->dir, "secrets.json", text, strlen(text), 0600, AT_DURABLE) < 0)
        return err_sys(e, "cannot write the list of secrets");
    return 0;
}

/* ---- changing ---- */

bool secret_name_ok(const char *name)
{
    size_t n = strlen(name);
    char last = n ? name[n - 1] : '-';
    return n > 0 && n <= 64 && ident_name_ok(name) && last != '-' && last != '_' && last != '.';
}

static json_t *part(const struct secrets *s, const char *key)
{
    json_t *o = json_object_get(s->list, key);
    if (json_is_object(o))
        return o;
    o = json_object();
    json_object_set_new(s->list, key, o);
    return o;
}

static void forget(struct secrets *s, const char *id)
{
    json_t *all = part(s, "secrets");
    json_object_del(part(s, "nameToID"), jx_str(json_object_get(all, id), "name"));
    json_object_del(part(s, "idToName"), id);
    json_object_del(all, id);
}

static void remember(struct secrets *s, const struct secret_want *w, const char *id)
{
    char now[40];
    timefmt_now(now, sizeof now);
    json_t *o = json_pack("{s:s, s:s}", "name", w->name, "id", id);
    jx_set(o, "labels", json_deep_copy(w->labels));
    json_object_set_new(o, "createdAt", json_string(now));
    json_object_set_new(o, "driver", json_string("file"));
    json_object_set_new(
        o, "driverOptions",
        json_pack("{s:o}", "path", json_sprintf("%s/secrets/filedriver", s->roots->graph_path)));
    json_object_set_new(part(s, "secrets"), id, o);
    json_object_set_new(part(s, "nameToID"), w->name, json_string(id));
    json_object_set_new(part(s, "idToName"), id, json_string(w->name));
}

int secret_create(struct secrets *s, const struct secret_want *w, char ret_id[26], struct err *e)
{
    char id[IDENT_LEN + 1];
    cleanup(buf_free) struct buf text = BUF_INIT;
    if (!secret_name_ok(w->name))
        return err_set(e, 0,
                       "only 64 [a-zA-Z0-9-_.] characters allowed, and the start and end "
                       "character must be [a-zA-Z0-9]: %s: invalid secret name",
                       w->name);
    if (w->size == 0 || w->size >= SECRET_MAX)
        return err_set(e, 0, "secret data must be larger than 0 and less than %d bytes",
                       SECRET_MAX);
    cleanup_free char *old = xstrdup(jx_str(part(s, "nameToID"), w->name));
    if (*old && !w->replace) {
        err_set(e, 0, "%s: secret name in use", w->name);
        e->sys = EEXIST;
        return err_hint(e, "Type: pod secret create --replace %s …", w->name);
    }
    ident_new(id);
    snprintf(ret_id, ID_LEN + 1, "%.*s", ID_LEN, id);
    base64_encode(w->data, w->size, &text);
    if (*old)
        forget(s, old);
    remember(s, w, ret_id);
    if (save_data(s, ret_id, buf_str(&text), e) < 0 || save_list(s, e) < 0)
        return -1;
    return *old ? save_data(s, old, "", e) : 0;
}

/* The list first: bytes that nobody names are lost, a name without bytes would be in the way. */
int secret_remove(struct secrets *s, const char *id, struct err *e)
{
    const json_t *it = json_object_get(part(s, "secrets"), id);
    bool ours = strcmp(jx_str(it, "driver"), "file") == 0;
    forget(s, id);
    return save_list(s, e) < 0 ? -1 : ours ? save_data(s, id, "", e) : 0;
}
