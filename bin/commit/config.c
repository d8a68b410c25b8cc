#include "commit.h"

#include "things/image_change.h"
#include "words/timefmt.h"

#include <string.h>

/* Variables that every container gets from its engine, or that were its starter's own. */
static bool is_passing(const char *entry)
{
    static const char *const names[] = {"container",  "TERM",        "HOSTNAME",    "HOME",
                                        "http_proxy", "https_proxy", "ftp_proxy",   "no_proxy",
                                        "all_proxy",  "HTTP_PROXY",  "HTTPS_PROXY", "FTP_PROXY",
                                        "NO_PROXY",   "ALL_PROXY"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strncmp(entry, names[i], strlen(names[i])) == 0 && entry[strlen(names[i])] == '=')
            return true;
    return false;
}

static void take_env(const json_t *rec, json_t *config)
{
    cleanup(strv_free) struct strv all = STRV_INIT, was = STRV_INIT, kept = STRV_INIT;
    jx_strv(rec, "env", &all);
    jx_strv(config, "Env", &was);
    for (size_t i = 0; i < all.n; i++)
        if (!is_passing(all.v[i]) || strv_has(&was, all.v[i]))
            strv_add(&kept, all.v[i]);
    jx_set(config, "Env", jx_from_strv(&kept));
}

static void take_ports(const json_t *rec, json_t *config)
{
    const json_t *p;
    size_t i;
    json_array_foreach(json_object_get(json_object_get(rec, "network"), "ports"), i, p)
    {
        cleanup_free char *name =
            xasprintf("%lld/%s", (long long)jx_int(p, "containerPort", 0), jx_str(p, "protocol"));
        config_put_key(config, "ExposedPorts", name);
    }
    json_array_foreach(json_object_get(rec, "exposed"), i, p)
        config_put_key(config, "ExposedPorts", json_string_value(p));
}

static void take_volumes(const json_t *rec, json_t *config)
{
    const json_t *m;
    size_t i;
    json_array_foreach(json_object_get(rec, "mounts"), i, m)
    {
        if (strcmp(jx_str(m, "type"), "tmpfs") != 0)
            config_put_key(config, "Volumes", jx_str(m, "destination"));
    }
}

static void take_ways(const json_t *rec, const struct commit_opts *o, json_t *config)
{
    static const char *const lists[][2] = {{"command", "Cmd"}, {"entrypoint", "Entrypoint"}};
    static const char *const words[][2] = {{"user", "User"}, {"workdir", "WorkingDir"}};
    take_env(rec, config);
    for (size_t i = 0; i < 2; i++) {
        json_object_del(config, lists[i][1]);
        jx_set(config, lists[i][1], json_incref(json_object_get(rec, lists[i][0])));
        jx_set(config, words[i][1], json_incref(json_object_get(rec, words[i][0])));
    }
    json_t *labels = json_object_get(rec, "labels");
    if (json_object_size(labels))
        json_object_update(config_child(config, "Labels", json_object), labels);
    take_ports(rec, config);
    if (o->include_volumes)
        take_volumes(rec, config);
}

static json_t *history_entry(const struct ctr *c, const struct commit_opts *o, const char *now)
{
    cleanup(strv_free) struct strv words = STRV_INIT;
    struct buf line = BUF_INIT;
    jx_strv(c->record, "entrypoint", &words);
    jx_strv(c->record, "command", &words);
    for (size_t i = 0; i < words.n; i++)
        buf_addf(&line, "%s%s", i ? " " : "", words.v[i]);
    json_t *entry = json_pack("{s:s, s:s}", "created", now, "created_by", buf_str(&line));
    jx_set_str(entry, "author", o->author);
    jx_set_str(entry, "comment", o->message);
    buf_free(&line);
    return entry;
}

int commit_config(const struct ctr *c, const struct image *base, const struct commit_opts *o,
                  const struct digest *layer, json_t **ret, struct err *e)
{
    static const char *const others[] = {
        "container", "container_config", "docker_version", "parent",
        "id",        "throwaway",        "comment",        "Size"};
    cleanup_json image = json_deep_copy(base->config);
    char now[40];
    timefmt_now(now, sizeof now);
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        json_object_del(image, others[i]);
    json_object_set_new(image, "created", json_string(now));
    jx_set_str(image, "author", o->author);
    json_t *config = config_child(image, "config", json_object);
    take_ways(c->record, o, config);
    for (size_t i = 0; i < o->change.n; i++)
        if (config_change(config, o->change.v[i], e) < 0)
            return -1;
    json_t *rootfs = config_child(image, "rootfs", json_object);
    json_object_set_new(rootfs, "type", json_string("layers"));
    if (o->squash) {
        json_object_del(rootfs, "diff_ids");
        json_object_del(image, "history");
    }
    json_array_append_new(config_child(rootfs, "diff_ids", json_array),
                          json_string(digest_text(layer).s));
    json_array_append_new(config_child(image, "history", json_array), history_entry(c, o, now));
    *ret = image;
    image = NULL;
    return 0;
}
