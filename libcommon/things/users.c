/* passwd(5) and group(5) of an image: hostile text, read line by line. */
#include "things/create.h"

#include "words/exitcode.h"

#include <stdio.h>
#include <string.h>

#define MAX_ID 0xfffffffeu

/* Splits a copied line at ':' into at most n fields; missing ones are "". */
static void fields(char *line, char **f, size_t n)
{
    static char empty[] = "";
    for (size_t i = 0; i < n; i++) {
        f[i] = line ? line : empty;
        if (!line)
            continue;
        line = i + 1 < n ? strchr(line, ':') : NULL;
        if (line)
            *line++ = '\0';
    }
}

/* Calls see() for each line until it returns true. */
static bool each_line(const char *text, size_t n, bool (*see)(char **f, void *ctx), void *ctx)
{
    cleanup_free char *copy = xstrdup(text);
    char *save = NULL, *f[8];
    for (char *l = strtok_r(copy, "\n", &save); l; l = strtok_r(NULL, "\n", &save)) {
        fields(l, f, n);
        if (see(f, ctx))
            return true;
    }
    return false;
}

struct search {
    const char *name;
    bool numeric;
    uint64_t id;
    struct user_ids *out;
    unsigned found_gid;
};

static bool see_user(char **f, void *ctx)
{
    struct search *s = ctx;
    uint64_t uid, gid;
    if (str_u64(f[2], MAX_ID, &uid) < 0 || str_u64(f[3], MAX_ID, &gid) < 0)
        return false;
    if (s->numeric ? uid != s->id : strcmp(f[0], s->name) != 0)
        return false;
    s->out->uid = (unsigned)uid;
    s->out->gid = (unsigned)gid;
    str_copy(s->out->name, sizeof s->out->name, f[0]);
    str_copy(s->out->home, sizeof s->out->home, f[5]);
    return true;
}

static bool see_group(char **f, void *ctx)
{
    struct search *s = ctx;
    uint64_t gid;
    if (str_u64(f[2], MAX_ID, &gid) < 0 || strcmp(f[0], s->name) != 0)
        return false;
    s->found_gid = (unsigned)gid;
    return true;
}

static void add_gid(struct user_ids *u, unsigned gid)
{
    for (size_t i = 0; i < u->ngroups; i++)
        if (u->groups[i] == gid)
            return;
    if (u->ngroups < sizeof u->groups / sizeof *u->groups)
        u->groups[u->ngroups++] = gid;
}

/* Every group that names the user as a member. */
static bool see_member(char **f, void *ctx)
{
    struct user_ids *u = ctx;
    uint64_t gid;
    if (str_u64(f[2], MAX_ID, &gid) < 0)
        return false;
    char *save = NULL;
    for (char *m = strtok_r(f[3], ",", &save); m; m = strtok_r(NULL, ",", &save))
        if (strcmp(m, u->name) == 0)
            add_gid(u, (unsigned)gid);
    return false;
}

static int find_group(const char *name, const char *group, unsigned *ret, struct err *e)
{
    struct search s = {.name = name};
    uint64_t gid;
    if (each_line(group, 4, see_group, &s)) {
        *ret = s.found_gid;
        return 0;
    }
    if (str_u64(name, MAX_ID, &gid) < 0)
        return err_set(e, EXIT_CANNOT, "unable to find group %s: no matching entries in group file",
                       name);
    *ret = (unsigned)gid;
    return 0;
}

int user_resolve(const char *spec, const char *passwd, const char *group, struct user_ids *ret,
                 struct err *e)
{
    struct user_ids u = {.home = "/"};
    cleanup_free char *name = xstrdup(*spec ? spec : "0");
    char *colon = strchr(name, ':');
    if (colon)
        *colon++ = '\0';
    struct search s = {.name = name, .out = &u};
    s.numeric = str_u64(name, MAX_ID, &s.id) == 0;
    if (!each_line(passwd, 7, see_user, &s)) {
        if (!s.numeric)
            return err_set(e, EXIT_CANNOT,
                           "unable to find user %s: no matching entries in passwd file", name);
        u.uid = (unsigned)s.id;
        if (u.uid == 0)
            str_copy(u.home, sizeof u.home, "/root");
    }
    if (colon && *colon) {
        if (find_group(colon, group, &u.gid, e) < 0)
            return -1;
    } else if (u.name[0]) {
        each_line(group, 4, see_member, &u);
    }
    if (!u.home[0])
        str_copy(u.home, sizeof u.home, "/");
    *ret = u;
    return 0;
}

int user_add_group(const char *name, const char *group, struct user_ids *ret, struct err *e)
{
    unsigned gid;
    if (find_group(name, group, &gid, e) < 0)
        return -1;
    add_gid(ret, gid);
    return 0;
}
