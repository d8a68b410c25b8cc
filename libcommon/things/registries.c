#include "things/registries.h"

#include "disk/at.h"
#include "plain/buf.h"
#include "plain/str.h"
#include "things/registryfiles.h"
#include "words/json.h"

#include <stdlib.h>
#include <string.h>

void refs_free(struct refs *l)
{
    for (size_t i = 0; i < l->n; i++)
        ref_free(&l->v[i]);
    free(l->v);
    free(l->how);
    *l = (struct refs){0};
}

void sources_free(struct sources *l)
{
    for (size_t i = 0; i < l->n; i++) {
        free(l->v[i].host);
        free(l->v[i].path);
    }
    free(l->v);
    *l = (struct sources){0};
}

/* name's domain and path with the tag of typed, or its digest, beside which a tag says nothing */
static int add_candidate(struct refs *l, const char *name, const struct ref *typed, struct err *e)
{
    struct ref r = REF_INIT;
    if (ref_parse(name, &r, e) < 0)
        return -1;
    free(r.tag);
    r.tag = typed->tag && !typed->has_digest ? xstrdup(typed->tag) : NULL;
    r.digest = typed->digest;
    r.has_digest = typed->has_digest;
    r.shortname = false;
    l->v = xrealloc(l->v, (l->n + 1) * sizeof *l->v);
    l->v[l->n++] = r;
    return 0;
}

/* The name as typed, without docker://, tag and digest: the key of an alias. */
static char *bare_name(const char *typed)
{
    if (str_starts(typed, "docker://"))
        typed += strlen("docker://");
    size_t n = strcspn(typed, "@");
    char *s = xstrndup(typed, n);
    char *slash = strrchr(s, '/');
    char *colon = strrchr(slash ? slash : s, ':');
    if (colon)
        *colon = '\0';
    return s;
}

static void hint_candidates(const struct registries *g, const char *name, struct err *e)
{
    struct buf b = BUF_INIT;
    for (size_t i = 0; i < g->search.n; i++)
        buf_addf(&b, "%s%s/%s", i ? ", " : "", g->search.v[i], name);
    if (b.len == 0)
        buf_addf(&b, "docker.io/%s%s, quay.io/%s", strchr(name, '/') ? "" : "library/", name, name);
    cleanup_free char *list = buf_take(&b);
    const char *first = list + strcspn(list, ",");
    err_hint(
        e,
        "Type the full name (candidates: %s), or write into "
        "~/.config/containers/registries.conf.d/shortnames.conf:\n[aliases]\n\"%s\" = \"%.*s\"",
        list, name, (int)(first - list), list);
}

static int search(const struct registries *g, const char *name, const struct ref *typed,
                  struct refs *l, struct err *e)
{
    if (!g->search_set) {
        cleanup_free char *full = ref_name(typed);
        return add_candidate(l, full, typed, e);
    }
    if (g->search.n == 0) {
        err_set(
            e, 0,
            "short-name \"%s\" did not resolve to an alias and no unqualified-search registries "
            "are defined in \"%s\"",
            name, g->main_file);
        hint_candidates(g, name, e);
        return -1;
    }
    if (g->search.n > 1 && str_eq(g->mode, "enforcing")) {
        err_set(e, 0, "short-name resolution enforced but cannot prompt without a TTY");
        hint_candidates(g, name, e);
        return -1;
    }
    l->how = xasprintf("Resolving \"%s\" using unqualified-search registries (%s)", name,
                       g->search_file);
    for (size_t i = 0; i < g->search.n; i++) {
        cleanup_free char *full = xasprintf("%s/%s", g->search.v[i], name);
        if (add_candidate(l, full, typed, e) < 0)
            return err_prefix(e, "unqualified-search registry \"%s\"", g->search.v[i]);
    }
    return 0;
}

int registries_candidates(const struct registries *g, const char *typed, struct refs *ret,
                          struct err *e)
{
    cleanup(ref_free) struct ref r = REF_INIT;
    struct refs l = {0};
    int rc;
    if (ref_parse(typed, &r, e) < 0)
        return -1;
    cleanup_free char *name = bare_name(typed);
    const char *alias = str_eq(g->mode, "disabled") ? NULL : jx_str0(g->aliases, name);
    if (!r.shortname) {
        cleanup_free char *full = ref_name(&r);
        rc = add_candidate(&l, full, &r, e);
    } else if (alias && *alias) {
        rc = add_candidate(&l, alias, &r, e);
        l.how = xasprintf("Resolved \"%s\" as an alias (%s)", name, jx_str(g->alias_from, name));
        if (rc < 0)
            err_prefix(e, "alias of short-name \"%s\"", name);
    } else {
        rc = search(g, name, &r, &l, e);
    }
    if (rc < 0)
        refs_free(&l);
    else
        *ret = l;
    return rc;
}

/* How many characters of name the prefix covers; 0 when it does not apply. */
static size_t covers(const char *prefix, const char *name)
{
    size_t n = strlen(prefix);
    if (str_starts(prefix, "*.")) {
        /* any host below this domain */
        size_t host = strcspn(name, "/:@");
        n -= 1;
        return host > n && strncmp(name + host - n, prefix + 1, n) == 0 ? host : 0;
    }
    if (n == 0 || strncmp(name, prefix, n) != 0)
        return 0;
    return name[n] == '\0' || strchr("/:@", name[n]) ? n : 0;
}

static const char *prefix_of(const json_t *reg)
{
    const char *p = jx_str(reg, "prefix");
    return *p ? p : jx_str(reg, "location");
}

/* The entry with the longest prefix that covers name. */
static const json_t *find_registry(const struct registries *g, const char *name, size_t *len)
{
    const json_t *reg, *best = NULL;
    size_t i, longest = 0;
    json_array_foreach(g->registries, i, reg)
    {
        size_t n = covers(prefix_of(reg), name);
        if (n && strlen(prefix_of(reg)) > longest) {
            longest = strlen(prefix_of(reg));
            best = reg;
            *len = n;
        }
    }
    return best;
}

/* location takes the place of the first len characters of name. */
static int add_source(struct sources *l, const char *location, const char *name, size_t len,
                      bool insecure, struct err *e)
{
    cleanup_free char *moved = *location ? xasprintf("%s%s", location, name + len) : xstrdup(name);
    cleanup(ref_free) struct ref r = REF_INIT;
    if (ref_parse(moved, &r, e) < 0)
        return err_prefix(e, "location \"%s\" in registries.conf", location);
    l->v = xrealloc(l->v, (l->n + 1) * sizeof *l->v);
    l->v[l->n++] = (struct source){xstrdup(r.domain), xstrdup(r.path), insecure};
    return 0;
}

static bool mirror_applies(const json_t *reg, const json_t *mirror, const struct ref *ref)
{
    const char *from = jx_str(mirror, "pull-from-mirror");
    if (*from == '\0' && jx_bool(reg, "mirror-by-digest-only"))
        from = "digest-only";
    if (str_eq(from, "digest-only"))
        return ref->has_digest;
    if (str_eq(from, "tag-only"))
        return !ref->has_digest;
    return *jx_str(mirror, "location") != '\0';
}

int registries_sources(const struct registries *g, const struct ref *ref, struct sources *ret,
                       struct err *e)
{
    cleanup_free char *name = ref_name(ref);
    struct sources l = {0};
    size_t len = 0, i;
    const json_t *reg = find_registry(g, name, &len), *mirror;
    if (jx_bool(reg, "blocked"))
        return err_set(e, 0,
                       "registry %s is blocked in %s or a file of registries.conf.d beside it",
                       prefix_of(reg), g->main_file);
    json_array_foreach(json_object_get(reg, "mirror"), i, mirror)
    {
        if (mirror_applies(reg, mirror, ref) && add_source(&l, jx_str(mirror, "location"), name,
                                                           len, jx_bool(mirror, "insecure"), e) < 0)
            goto fail;
    }
    if (add_source(&l, jx_str(reg, "location"), name, len, jx_bool(reg, "insecure"), e) < 0)
        goto fail;
    *ret = l;
    return 0;
fail:
    sources_free(&l);
    return -1;
}
