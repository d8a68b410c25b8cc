#include "things/staged.h"

#include "disk/at.h"
#include "disk/owners.h"
#include "things/ctr.h"
#include "things/spawn.h"
#include "things/start.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

int staged_make(const struct roots *r, struct new_layer *nl, struct err *e)
{
    char name[40], path[128];
    at_temp_name(name, sizeof name, "layer-");
    snprintf(path, sizeof path, "staging/%s", name);
    if (mkdirat(r->own, path, 0700) < 0)
        return err_sys(e, "cannot make \"%s/pod/%s\"", r->graph_path, path);
    str_copy(nl->staging, sizeof nl->staging, name);
    snprintf(path, sizeof path, "staging/%s/diff", name);
    if (mkdirat(r->own, path, 0755) < 0)
        return err_sys(e, "cannot make \"%s/pod/%s\"", r->graph_path, path);
    return 0;
}

void staged_command(const struct roots *r, const struct new_layer *nl, struct strv *ret)
{
    start_add_userns(ret);
    strv_take(ret, tool_path("pod-unpack"));
    strv_add(ret, "--dir");
    strv_addf(ret, "%s/pod/staging/%s/diff", r->graph_path, nl->staging);
    strv_add(ret, "--split");
    strv_addf(ret, "%s/pod/staging/%s/" STORE_STAGED_TAR_SPLIT, r->graph_path, nl->staging);
    strv_add(ret, "--owners");
    strv_addf(ret, "%s/pod/staging/%s/" OWNERS_FILE, r->graph_path, nl->staging);
}

static size_t take_ids(const json_t *list, uint32_t *out)
{
    const json_t *v;
    size_t i;
    json_array_foreach(list, i, v) out[i] = (uint32_t)json_integer_value(v);
    return json_array_size(list);
}

int staged_answer(const char *answer, struct new_layer *nl, uint32_t **ret_ids, struct err *e)
{
    json_t *parsed = NULL;
    if (jx_parse("pod-unpack", answer, strlen(answer), &parsed, e) < 0)
        return -1;
    cleanup_json o = parsed;
    const json_t *uids = json_object_get(o, "uids"), *gids = json_object_get(o, "gids");
    uint32_t *ids = xcalloc(json_array_size(uids) + json_array_size(gids), sizeof *ids);
    nl->nuids = take_ids(uids, ids);
    nl->uids = ids;
    nl->gids = ids + nl->nuids;
    nl->ngids = take_ids(gids, ids + nl->nuids);
    *ret_ids = ids;
    nl->single = jx_bool(o, "single");
    nl->diff_size = jx_int(o, "diffSize", -1);
    nl->compressed_size = jx_int(o, "blobSize", -1);
    nl->compression = (enum store_compression)jx_int(o, "compression", 0);
    if (digest_parse(jx_str(o, "blob"), &nl->compressed) < 0 ||
        digest_parse(jx_str(o, "diff"), &nl->diff) < 0)
        return err_set(e, 0, "pod-unpack: an answer without a digest");
    return 0;
}

void staged_drop(const struct roots *r, const struct new_layer *nl)
{
    struct err ignored = ERR_INIT;
    char from[128], to[128], name[40];
    if (!nl->staging[0])
        return;
    at_temp_name(name, sizeof name, "layer-");
    snprintf(from, sizeof from, "staging/%s", nl->staging);
    snprintf(to, sizeof to, "trash/%s", name);
    if (renameat(r->own, from, r->own, to) == 0)
        trash_delete(r, name, true, &ignored);
}
