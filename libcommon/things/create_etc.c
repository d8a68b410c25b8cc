/*
 * Users that the image's passwd(5) and group(5) do not know get a line there, so that programs
 * find a name and a home. The changed files go into the container's own layer, where they stay
 * ordinary files: adduser in the container can still replace them.
 */
#include "disk/account.h"
#include "things/create.h"

#include "disk/at.h"
#include "plain/fdio.h"
#include "words/exitcode.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define FIELD_ID 2 /* passwd and group alike */

static bool has_id(const char *text, unsigned id)
{
    for (const char *l = text; *l;) {
        const char *p = l, *end = l + strcspn(l, "\n");
        for (int i = 0; i < FIELD_ID && p; i++) {
            p = memchr(p, ':', (size_t)(end - p));
            p = p ? p + 1 : NULL;
        }
        unsigned found;
        if (p && sscanf(p, "%u", &found) == 1 && found == id)
            return true;
        l = *end ? end + 1 : end;
    }
    return false;
}

static void add_line(struct buf *b, const char *line)
{
    if (b->len && b->s[b->len - 1] != '\n')
        buf_addc(b, '\n');
    buf_addf(b, "%s\n", line);
}

/* $NAME and the like in --passwd-entry and --group-entry. */
static char *expand(const char *text, const struct user_ids *u, const char *name, const char *home)
{
    struct buf b = BUF_INIT;
    for (const char *p = text; *p;) {
        if (str_starts(p, "$USERNAME") || str_starts(p, "$GROUPNAME"))
            buf_adds(&b, name), p += str_starts(p, "$U") ? 9 : 10;
        else if (str_starts(p, "$NAME"))
            buf_adds(&b, name), p += 5;
        else if (str_starts(p, "$UID"))
            buf_addf(&b, "%u", u->uid), p += 4;
        else if (str_starts(p, "$GID"))
            buf_addf(&b, "%u", u->gid), p += 4;
        else if (str_starts(p, "$USERLIST"))
            buf_adds(&b, name), p += 9;
        else if (str_starts(p, "$HOME"))
            buf_adds(&b, home), p += 5;
        else
            buf_addc(&b, *p++);
    }
    return buf_take(&b);
}

int etc_host_users(struct etc *t, const char *home, struct err *e)
{
    for (size_t i = 0; i < t->o->hostuser.n; i++) {
        const char *who = t->o->hostuser.v[i];
        uint64_t uid;
        struct account a;
        if (account_by_name(who, &a) < 0 &&
            (str_u64(who, UINT32_MAX, &uid) < 0 || account_by_id((uid_t)uid, &a) < 0))
            return err_set(e, EXIT_CANNOT, "creating temporary passwd file: user: unknown user %s",
                           who);
        if (has_id(buf_str(t->passwd), a.uid))
            continue;
        cleanup_free char *line =
            xasprintf("%s:*:%u:%u::%s:%s", a.name, a.uid, a.gid, home, "/bin/sh");
        add_line(t->passwd, line);
        t->passwd_new = true;
    }
    return 0;
}

/* The caller's own home, when it is mounted there; else where the container begins. */
static void find_home(const struct etc *t, const json_t *rec, struct user_ids *u)
{
    struct account own;
    bool keep = t->keep && account_by_id(getuid(), &own) == 0;
    const json_t *m;
    size_t i;
    (void)str_copy(u->home, sizeof u->home, jx_str(rec, "workdir"));
    json_array_foreach(json_object_get(rec, "mounts"), i, m)
    {
        if (keep && strcmp(jx_str(m, "destination"), own.home) == 0)
            (void)str_copy(u->home, sizeof u->home, own.home);
    }
}

static void add_user(struct etc *t, const json_t *rec, struct user_ids *u)
{
    char number[16];
    snprintf(number, sizeof number, "%u", u->uid);
    const char *name = *u->name ? u->name : number;
    find_home(t, rec, u);
    cleanup_free char *line = t->o->passwd_entry
                                  ? expand(t->o->passwd_entry, u, name, u->home)
                                  : xasprintf("%s:*:%u:%u:%s:%s:/bin/sh", name, u->uid, u->gid,
                                              t->keep ? "" : "container user", u->home);
    add_line(t->passwd, line);
    t->passwd_new = true;
    struct err ignored = ERR_INIT;
    struct user_ids told;
    if (t->o->passwd_entry && user_resolve(number, line, "", &told, &ignored) == 0)
        (void)str_copy(u->home, sizeof u->home, told.home);
}

static void add_group(struct etc *t, const struct user_ids *u)
{
    char name[256], user[16];
    if (!t->keep || account_group(getgid(), name, sizeof name) < 0)
        snprintf(name, sizeof name, "%u", u->gid);
    snprintf(user, sizeof user, "%u", u->uid);
    const char *member = *u->name ? u->name : user;
    cleanup_free char *line = t->o->group_entry ? expand(t->o->group_entry, u, name, "")
                                                : xasprintf("%s:x:%u:%s", name, u->gid, member);
    add_line(t->group, line);
    t->group_new = true;
}

void etc_finish(struct etc *t, struct user_ids *u, json_t *rec)
{
    bool touch = t->o->passwd != 0 && !t->o->rootfs;
    if (!t->passwd->len || !touch) {
        if (!*u->home)
            find_home(t, rec, u);
        t->passwd_new = t->passwd_new && touch && t->passwd->len;
    } else if (!has_id(buf_str(t->passwd), u->uid)) {
        add_user(t, rec, u);
    } else if (t->keep) {
        char text[16];
        struct err ignored = ERR_INIT;
        struct user_ids known;
        snprintf(text, sizeof text, "%u", u->uid);
        if (user_resolve(text, buf_str(t->passwd), "", &known, &ignored) == 0)
            (void)str_copy(u->home, sizeof u->home, known.home);
    }
    if (t->group->len && touch && (!has_id(buf_str(t->group), u->gid) || t->o->group_entry))
        add_group(t, u);
    if (t->passwd_new)
        json_object_set_new(rec, "etcPasswd", json_string(buf_str(t->passwd)));
    if (t->group_new)
        json_object_set_new(rec, "etcGroup", json_string(buf_str(t->group)));
}

/* What the image's /etc looks like: the copy in our layer must not differ. */
static bool etc_mode(const struct roots *r, const json_t *rec, mode_t *ret)
{
    cleanup(strv_free) struct strv lowers = STRV_INIT;
    cleanup_fd int overlay = at_open_dir(r->graph, "overlay");
    struct stat st;
    jx_strv(rec, "lowers", &lowers);
    for (size_t i = 0; i < lowers.n && overlay >= 0; i++) {
        cleanup_free char *path = xasprintf("%s/etc", lowers.v[i]);
        if (fstatat(overlay, path, &st, AT_SYMLINK_NOFOLLOW) < 0)
            continue;
        *ret = st.st_mode & 07777;
        return S_ISDIR(st.st_mode) && st.st_uid == geteuid();
    }
    return false;
}

int etc_write(const struct roots *r, int ctr_dir, json_t *rec, struct err *e)
{
    static const struct {
        const char *key, *path;
    } files[] = {{"etcPasswd", "upper/etc/passwd"}, {"etcGroup", "upper/etc/group"}};
    mode_t mode;
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        cleanup_free char *text = xstrdup(jx_str(rec, files[i].key));
        json_object_del(rec, files[i].key);
        if (!*text || !etc_mode(r, rec, &mode))
            continue;
        if ((mkdirat(ctr_dir, "upper/etc", 0700) < 0 && errno != EEXIST) ||
            fchmodat(ctr_dir, "upper/etc", mode, 0) < 0 ||
            at_write(ctr_dir, files[i].path, text, strlen(text), 0644, AT_PLAIN) < 0)
            return err_sys(e, "cannot write the container's /etc/passwd");
    }
    return 0;
}
