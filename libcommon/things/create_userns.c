/* --userns, --uidmap and --gidmap: which ids of the user's namespace the container's ids are. */
#include "things/create.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* CTR:ID[:N] */
static int parse_map(const char *flag, const struct strv *from, json_t **ret, struct err *e)
{
    json_t *list = json_array();
    for (size_t i = 0; i < from->n; i++) {
        cleanup(strv_free) struct strv part = STRV_INIT;
        uint64_t n[3] = {0, 0, 1};
        bool bad = false;
        strv_split(&part, from->v[i], ':');
        for (size_t k = 0; k < part.n && k < 3; k++)
            bad |= str_u64(part.v[k], UINT32_MAX, &n[k]) < 0;
        if (bad || part.n < 2 || part.n > 3 || n[2] == 0) {
            json_decref(list);
            return err_set(e, 0, "%s: invalid mapping \"%s\": use CONTAINER-ID:ID:SIZE", flag,
                           from->v[i]);
        }
        json_array_append_new(list,
                              json_pack("{s:I, s:I, s:I}", "containerID", (json_int_t)n[0],
                                        "hostID", (json_int_t)n[1], "size", (json_int_t)n[2]));
    }
    *ret = list;
    return 0;
}

static int set_maps(const struct create_opts *o, json_t *rec, struct err *e)
{
    json_t *uids = NULL, *gids = NULL;
    if (o->userns && *o->userns && strcmp(o->userns, "private") != 0)
        return err_set(
            e, 0,
            "--userns and --uidmap/--gidmap/--subuidname/--subgidname are mutually exclusive");
    if (parse_map("--uidmap", o->uidmap.n ? &o->uidmap : &o->gidmap, &uids, e) < 0)
        return -1;
    json_object_set_new(rec, "uidMaps", uids);
    if (parse_map("--gidmap", o->gidmap.n ? &o->gidmap : &o->uidmap, &gids, e) < 0)
        return -1;
    json_object_set_new(rec, "gidMaps", gids);
    return 0;
}

/* keep-id:uid=N,gid=N: the caller under another id. */
static int keep_id(const char *options, json_t *rec, struct err *e)
{
    cleanup(strv_free) struct strv words = STRV_INIT;
    strv_split(&words, options, ',');
    for (size_t i = 0; i < words.n; i++) {
        const char *w = words.v[i];
        uint64_t id;
        if (*w && (!(str_starts(w, "uid=") || str_starts(w, "gid=")) ||
                   str_u64(w + 4, INT32_MAX, &id) < 0))
            return err_set(e, 0, "unknown option specified: \"%s\"", w);
        if (*w)
            json_object_set_new(rec, w[0] == 'u' ? "keepUid" : "keepGid",
                                json_integer((json_int_t)id));
    }
    return 0;
}

int create_userns(const struct create_opts *o, json_t *rec, struct err *e)
{
    const char *mode = o->userns ? o->userns : "";
    cleanup_free char *name = xstrndup(mode, strcspn(mode, ":"));
    const char *options = mode[strlen(name)] ? mode + strlen(name) + 1 : "";
    if (o->uidmap.n || o->gidmap.n)
        return set_maps(o, rec, e);
    if (!*mode || strcmp(mode, "private") == 0)
        return 0;
    jx_set_str(rec, "userns", mode);
    if (strcmp(mode, "host") == 0)
        return 0;
    if (strcmp(name, "keep-id") == 0)
        return keep_id(options, rec, e);
    if (strcmp(mode, "nomap") == 0 || (strcmp(name, "ns") == 0 && options[0] == '/'))
        return 0;
    if (strcmp(name, "auto") == 0)
        return create_auto(options, rec, e);
    err_set(e, 0, "unrecognized namespace mode %s passed", mode);
    return err_hint(e, "Use one of: auto, auto:size=N, host, keep-id, keep-id:uid=N,gid=N, nomap, "
                       "ns:PATH");
}
