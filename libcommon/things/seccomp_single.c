/* A filter for a container of one user id: helpers/pod-fakeroot.c has the other half. */
#include "things/seccomp.h"

#include "disk/owners.h"
#include "plain/str.h"
#include "things/spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/seccomp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Before them pod-fakeroot looks at the file, where there are links whose owner could get lost. */
static const char *const copies_up[] = {
    "rename",   "renameat",  "renameat2", "link",   "linkat",    "chmod",     "fchmod",
    "fchmodat", "fchmodat2", "utime",     "utimes", "futimesat", "utimensat", "utimensat_time64",
};

/* Each also under the name with "32" behind, which 32-bit architectures have for most. */
static const char *const asked[] = {
    "chown",   "lchown",   "fchown",   "fchownat",  "mknod",     "mknodat",   "setuid",
    "setgid",  "setreuid", "setregid", "setresuid", "setresgid", "setgroups", "getuid",
    "geteuid", "getgid",   "getegid",  "getresuid", "getresgid",
};

static bool is_asked(const char *name, bool links)
{
    for (size_t i = 0; links && i < sizeof copies_up / sizeof *copies_up; i++)
        if (strcmp(name, copies_up[i]) == 0)
            return true;
    for (size_t i = 0; i < sizeof asked / sizeof *asked; i++)
        if (str_starts(name, asked[i]) &&
            (!name[strlen(asked[i])] || strcmp(name + strlen(asked[i]), "32") == 0))
            return true;
    return false;
}

static bool allows(const json_t *rule)
{
    return strcmp(jx_str(rule, "action"), "SCMP_ACT_ALLOW") == 0;
}

/*
 * Moves the names that are asked about out of a rule that allows them: to taken, or with the rule's
 * conditions to a rule of their own in conditional.
 */
static void take_names(json_t *rule, bool links, struct strv *taken, json_t *conditional)
{
    cleanup(strv_free) struct strv names = STRV_INIT, kept = STRV_INIT, own = STRV_INIT;
    const json_t *args = json_object_get(rule, "args");
    jx_strv(rule, "names", &names);
    for (size_t i = 0; i < names.n; i++)
        strv_add(!is_asked(names.v[i], links) ? &kept
                 : json_array_size(args)      ? &own
                                              : taken,
                 names.v[i]);
    if (own.n)
        json_array_append_new(conditional, json_pack("{s:o, s:O, s:s}", "names", jx_from_strv(&own),
                                                     "args", args, "action", "SCMP_ACT_NOTIFY"));
    if (kept.n < names.n)
        json_object_set_new(rule, "names", jx_from_strv(&kept));
}

static bool is_named(const json_t *rules, const char *name)
{
    const json_t *rule;
    size_t i;
    json_array_foreach(rules, i, rule)
    {
        cleanup(strv_free) struct strv names = STRV_INIT;
        jx_strv(rule, "names", &names);
        if (strv_has(&names, name))
            return true;
    }
    return false;
}

static void add_name(const json_t *rules, const char *name, struct strv *names)
{
    if (!strv_has(names, name) && !is_named(rules, name))
        strv_add(names, name);
}

/* Linux 5.19: nobody's signals interrupt a call that pod-fakeroot has in hand. */
static bool kernel_waits_killable(void)
{
    unsigned flags = SECCOMP_FILTER_FLAG_NEW_LISTENER | SECCOMP_WAIT_KILLABLE;
    return syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, NULL) < 0 && errno == EFAULT;
}

void seccomp_ask_fakeroot(json_t *section, const struct seccomp_wish *wish)
{
    bool links = wish->links;
    cleanup(strv_free) struct strv names = STRV_INIT;
    cleanup_json conditional = json_array();
    json_t *rules = json_object_get(section, "syscalls"), *rule;
    size_t i;
    if (!json_is_array(rules)) {
        rules = json_array();
        json_object_set_new(section, "syscalls", rules);
    }
    json_array_foreach(rules, i, rule)
    {
        if (allows(rule))
            take_names(rule, links, &names, conditional);
    }
    bool open = strcmp(jx_str(section, "defaultAction"), "SCMP_ACT_ALLOW") == 0;
    for (i = 0; open && i < 2 * sizeof asked / sizeof *asked; i++) {
        cleanup_free char *name = xasprintf("%s%s", asked[i / 2], i % 2 ? "32" : "");
        add_name(rules, name, &names);
    }
    for (i = 0; open && links && i < sizeof copies_up / sizeof *copies_up; i++)
        add_name(rules, copies_up[i], &names);
    for (i = json_array_size(rules); i-- > 0;)
        if (json_array_size(json_object_get(json_array_get(rules, i), "names")) == 0)
            json_array_remove(rules, i);
    json_array_extend(rules, conditional);
    if (names.n)
        json_array_append_new(rules, json_pack("{s:o, s:s}", "names", jx_from_strv(&names),
                                               "action", "SCMP_ACT_NOTIFY"));
    jx_set_str(section, "listenerPath", SECCOMP_LISTENER);
    if (!wish->killable || !kernel_waits_killable())
        return;
    json_t *flags = json_object_get(section, "flags");
    if (!json_is_array(flags)) {
        flags = json_array();
        json_object_set_new(section, "flags", flags);
    }
    json_array_append_new(flags, json_string("SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV"));
}

void seccomp_place_listener(struct buf *section, const char *path)
{
    char *mark = strstr(buf_str(section), "\"" SECCOMP_LISTENER "\"");
    cleanup_json text = json_string(path);
    cleanup_free char *quoted = json_dumps(text, JSON_ENCODE_ANY);
    cleanup(buf_free) struct buf b = BUF_INIT;
    if (!mark || !quoted)
        return;
    buf_add(&b, section->s, (size_t)(mark - section->s));
    buf_adds(&b, quoted);
    buf_adds(&b, mark + strlen("\"" SECCOMP_LISTENER "\""));
    buf_clear(section);
    buf_add(section, b.s, b.len);
}

/* Would a link that is copied up be another's? */
static bool has_foreign_links(const struct roots *r, const json_t *record)
{
    cleanup(strv_free) struct strv lowers = STRV_INIT;
    struct stat st;
    if (jx_int(record, "uid", 0) || jx_int(record, "gid", 0))
        return true;
    jx_strv(record, "lowers", &lowers);
    for (size_t i = 0; i < lowers.n; i++) {
        cleanup_free char *path = xasprintf("overlay/%s/" OWNERS_BESIDE, lowers.v[i]);
        if (fstatat(r->graph, path, &st, AT_SYMLINK_NOFOLLOW) == 0 && st.st_size > 0)
            return true;
    }
    return false;
}

/* Without a profile the mode still needs a filter: one that allows everything else. */
bool seccomp_wish(const struct roots *r, const json_t *record, bool single, bool ours,
                  struct seccomp_wish *ret)
{
    const char *wanted = jx_str(record, "seccomp");
    bool none = strcmp(wanted, "unconfined") == 0;
    *ret = (struct seccomp_wish){
        .single = single,
        .links = single && has_foreign_links(r, record),
        .killable = single && ours,
        .caps = STRV_INIT,
    };
    if (none && !single)
        return false;
    ret->profile = none      ? share_path("unconfined.json")
                   : *wanted ? xstrdup(wanted)
                             : share_path("seccomp.json");
    jx_strv(record, "caps", &ret->caps);
    return true;
}

void seccomp_wish_free(struct seccomp_wish *w)
{
    free(w->profile);
    strv_free(&w->caps);
}
