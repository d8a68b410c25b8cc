/*
 * pod-pack [OPTION]... DIR [ENTRY [NAME]]: a tree as a tar archive on standard output.
 *
 * What is in DIR, or of that only ENTRY, which may be called NAME in the archive. Nothing is
 * followed, so whatever a container does to the tree while it is read, nothing outside it is: each
 * directory is opened in the one above it, and a file that was replaced meanwhile is left out.
 * Sockets are left out too. With --layer DIR is an overlay's upper directory, and its whiteouts
 * come out as OCI image-spec has them («Whiteouts»); empty files that a runtime makes to mount
 * its own on them are left out.
 *
 * --map is a range of ids of the container that the tree is seen from (disk/idshift.h). --owners
 * names the top of a layer that the tree is made of, the topmost first: what single-id mode
 * remembers of its links is beside it (disk/owners.h). --root is the tree's root, where DIR is not
 * that.
 *
 * Runs as uid 0 of the user's namespace, and reads only.
 */
#include "disk/idshift.h"
#include "disk/opaque.h"
#include "disk/report.h"
#include "pack/attrs.h"
#include "pack/names.h"
#include "pack/seen.h"
#include "pack/tarout.h"
#include "plain/err.h"
#include "plain/fdio.h"
#include "plain/str.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define DEPTH_MAX 900

struct pack {
    struct tarout out;
    struct buf path; /* the entry's, as the archive calls it */
    struct seen links;
    bool layer;
    struct strv points; /* further mount points, as in the archive */
    struct idshift shown;
    struct owners_layers layers; /* that the tree is made of */
    const char *root;            /* its root directory; NULL: DIR is that */
    char *at;                    /* what is packed, in it; in the archive that is */
    size_t skip;                 /* so much of path */
    uint64_t mount;              /* that the root is on */
    struct owner made_by; /* who owns what the container made; OWNER_SAME twice: nobody else */
    int depth;
};

static int tree(struct pack *p, int dir);

static int empty(struct pack *p, const struct stat *st, const char *dir, const char *prefix,
                 const char *name)
{
    struct stat file = *st;
    file.st_size = 0;
    file.st_mode = S_IFREG;
    cleanup_free char *path = xasprintf("%s%s%s%s", dir, *dir ? "/" : "", prefix, name);
    const struct tarout_entry en = {.name = path, .type = '0', .st = &file};
    return tarout_header(&p->out, &en);
}

static void seen_in(const struct pack *p, struct stat *st)
{
    st->st_uid = idshift_in(&p->shown, 'u', st->st_uid);
    st->st_gid = idshift_in(&p->shown, 'g', st->st_gid);
}

static void set_owner(const struct pack *p, int fd, struct stat *st)
{
    attrs_owner(&p->made_by, fd, st);
    seen_in(p, st);
}

/* Of what can have no attributes. What is mounted over a layer is none of its files. */
static void set_owner_beside(struct pack *p, int dir, const char *base, struct stat *st)
{
    const char *rest = buf_str(&p->path) + p->skip;
    cleanup_free char *path = NULL;
    if (p->layers.n && attrs_mount(dir, base) == p->mount)
        path = xasprintf("%s%s%s", p->at, p->skip ? "" : "/", rest);
    attrs_owner_beside(&p->made_by, &p->layers, path, st);
    seen_in(p, st);
}

static int another_name(struct pack *p, const char *first, const struct stat *st)
{
    const struct tarout_entry en = {
        .name = buf_str(&p->path), .link = first, .type = '1', .st = st};
    return tarout_header(&p->out, &en);
}

static int file_or_dir(struct pack *p, int fd, struct stat *st)
{
    struct tarout_entry en = {
        .name = buf_str(&p->path), .type = S_ISDIR(st->st_mode) ? '5' : '0', .st = st};
    set_owner(p, fd, st);
    attrs_pax(fd, &en.pax);
    int r = tarout_header(&p->out, &en);
    buf_free(&en.pax);
    if (r < 0)
        return -1;
    seen_add(&p->links, st, en.name);
    if (en.type == '0')
        return tarout_file(&p->out, fd, (uint64_t)st->st_size);
    if (p->layer && opaque_marked(fd) && empty(p, st, en.name, ".wh..wh..opq", "") < 0)
        return -1;
    return tree(p, fd);
}

static int other(struct pack *p, int dir, const char *base, struct stat *st)
{
    char target[PATH_MAX];
    struct tarout_entry en = {.name = buf_str(&p->path), .st = st};
    if (S_ISLNK(st->st_mode)) {
        ssize_t n = readlinkat(dir, base, target, sizeof target - 1);
        if (n < 0)
            return errno == ENOENT || errno == EINVAL ? 0 : -1;
        target[n] = '\0';
        en.link = target;
        en.type = '2';
    } else if (S_ISSOCK(st->st_mode)) {
        return 0;
    } else {
        en.type = S_ISCHR(st->st_mode) ? '3' : S_ISBLK(st->st_mode) ? '4' : '6';
    }
    set_owner_beside(p, dir, base, st);
    if (tarout_header(&p->out, &en) < 0)
        return -1;
    seen_add(&p->links, st, en.name);
    return 0;
}

/* What the path names; base is its name in dir. */
static int entry(struct pack *p, int dir, const char *base)
{
    struct stat st, now;
    if (fstatat(dir, base, &st, AT_SYMLINK_NOFOLLOW) < 0)
        return errno == ENOENT ? 0 : -1;
    const char *first = seen_name(&p->links, &st);
    if (!S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode)) {
        if (!first)
            return other(p, dir, base, &st);
        set_owner_beside(p, dir, base, &st);
        return another_name(p, first, &st);
    }
    cleanup_fd int fd =
        openat(dir, base, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    if (fd < 0)
        return errno == ENOENT || errno == ELOOP ? 0 : -1;
    if (first) {
        set_owner(p, fd, &st);
        return another_name(p, first, &st);
    }
    if (fstat(fd, &now) < 0)
        return -1;
    return (now.st_mode & S_IFMT) == (st.st_mode & S_IFMT) ? file_or_dir(p, fd, &now) : 0;
}

/* What a runtime made only to mount something on it. */
static bool is_mount_point(const struct pack *p, const struct stat *st)
{
    static const char *const names[] = {"etc/hostname", "etc/hosts", "etc/resolv.conf",
                                        "run/.containerenv", "run/podman-init"};
    if (!S_ISREG(st->st_mode) || st->st_size)
        return false;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strcmp(buf_str(&p->path), names[i]) == 0)
            return true;
    return strv_has(&p->points, buf_str(&p->path));
}

static int one_of(struct pack *p, int dir, const char *base)
{
    struct stat st;
    size_t len = p->path.len;
    bool gone = p->layer && fstatat(dir, base, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
                S_ISCHR(st.st_mode) && st.st_rdev == 0;
    if (gone)
        return empty(p, &st, buf_str(&p->path), ".wh.", base);
    buf_addf(&p->path, "%s%s", len ? "/" : "", base);
    bool left_out =
        p->layer && fstatat(dir, base, &st, AT_SYMLINK_NOFOLLOW) == 0 && is_mount_point(p, &st);
    int r = left_out ? 0 : entry(p, dir, base);
    if (r == 0) {
        p->path.len = len;
        p->path.s[len] = '\0';
    }
    return r;
}

static int tree(struct pack *p, int dir)
{
    cleanup(strv_free) struct strv names = STRV_INIT;
    if (p->depth >= DEPTH_MAX) {
        errno = ELOOP;
        return -1;
    }
    int r = names_sorted(dir, p->layer, &names);
    p->depth++;
    for (size_t i = 0; r == 0 && i < names.n; i++)
        r = one_of(p, dir, names.v[i]);
    p->depth--;
    return r;
}

/* Where dir is in the root that the layers make; nothing is asked of them when it is not in it. */
static int find_owners(struct pack *p, int dir, const char *entry, struct err *e)
{
    cleanup_fd int root = p->root ? open(p->root, O_PATH | O_DIRECTORY | O_CLOEXEC) : dup(dir);
    cleanup_free char *top = fd_place(root), *here = fd_place(dir);
    size_t n = top ? strlen(top) : 0;
    n -= n > 0 && top[n - 1] == '/';
    if (owners_layers_open(&p->layers) < 0)
        return err_sys(e, "cannot read remembered owners");
    if (!owners_layers_any(&p->layers) || !here || !top || strncmp(here, top, n) != 0 ||
        (here[n] && here[n] != '/')) {
        p->layers.n = 0;
        return 0;
    }
    p->mount = attrs_mount(root, "");
    p->at = xasprintf("%s%s%s", here + n, entry ? "/" : "", entry ? entry : "");
    return 0;
}

static int run(struct pack *p, char **words, struct err *e)
{
    cleanup_fd int dir = open(words[0], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (dir < 0)
        return err_sys(e, "cannot open \"%s\"", words[0]);
    if (p->layers.n && find_owners(p, dir, words[1], e) < 0)
        return -1;
    if (words[1])
        buf_adds(&p->path, words[2] ? words[2] : words[1]);
    p->skip = p->path.len;
    if ((words[1] ? entry(p, dir, words[1]) : tree(p, dir)) < 0 || tarout_end(&p->out) < 0)
        return err_sys(e, "cannot pack \"/%s\"", buf_str(&p->path));
    return 0;
}

/* Takes the option at argv[1]; the number of words, or 0. */
static int options(struct pack *p, int argc, char **argv)
{
    uint64_t uid, gid;
    if (argc > 2 && strcmp(argv[1], "--point") == 0) {
        strv_add(&p->points, argv[2] + strspn(argv[2], "/"));
        return 2;
    }
    if (argc > 2 && strcmp(argv[1], "--owners") == 0) {
        owners_layers_add(&p->layers, argv[2]);
        return 2;
    }
    if (argc > 2 && strcmp(argv[1], "--root") == 0) {
        p->root = argv[2];
        return 2;
    }
    if (argc > 3 && strcmp(argv[1], "--new-owner") == 0 &&
        str_u64(argv[2], UINT32_MAX - 1, &uid) == 0 &&
        str_u64(argv[3], UINT32_MAX - 1, &gid) == 0) {
        p->made_by = (struct owner){(uint32_t)uid, (uint32_t)gid};
        return 3;
    }
    if (argc > 2 && strcmp(argv[1], "--map") == 0 && idshift_add(&p->shown, argv[2]))
        return 2;
    p->layer |= argc > 1 && strcmp(argv[1], "--layer") == 0;
    return argc > 1 && strcmp(argv[1], "--layer") == 0;
}

int main(int argc, char **argv)
{
    static struct pack p = {.out = {.fd = 1}, .made_by = {OWNER_SAME, OWNER_SAME}};
    struct err e = ERR_INIT;
    for (int n = options(&p, argc, argv); n > 0; n = options(&p, argc, argv)) {
        argc -= n;
        argv += n;
    }
    if (argc < 2 || argc > 4)
        err_set(&e, 0,
                "usage: pod-pack [--layer [--point PATH]... [--new-owner UID GID]] [--map "
                "RANGE]... [--owners TOP]... [--root ROOT] DIR [ENTRY [NAME]]");
    else if (run(&p, argv + 1, &e) == 0) {
        report_ok(NULL);
        return 0;
    }
    report_err(&e);
    fprintf(stderr, "Error: %s\n", e.msg);
    return e.code;
}
