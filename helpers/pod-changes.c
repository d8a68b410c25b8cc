/*
 * pod-changes UPPER [LOWER]: what the layer in directory UPPER changes of the tree in LOWER.
 *
 * On standard output, each ended by a NUL: A (added), C (changed) or D (deleted) and the path.
 * Runs as uid 0 of the user's namespace, and reads only: nothing is followed, and of what the
 * layer holds no more than names, types, modes and times is looked at. A directory that is in both
 * counts as changed when its mode or time did, or when something in it came or went.
 */
#include "disk/opaque.h"
#include "plain/fdio.h"
#include "plain/str.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define DEPTH_MAX 900
#define WH        ".wh."

struct walk {
    struct buf path; /* of the directory that is read, "" for the top */
    int depth;
};

static int walk_dir(struct walk *w, int upper, int lower, bool *ret_moved);

static void say(const struct walk *w, char kind, const char *name)
{
    printf("%c%s%s%s%c", kind, buf_str(&w->path), *name ? "/" : "", name, '\0');
}

static bool same_dir(const struct stat *a, const struct stat *b)
{
    return a->st_mode == b->st_mode && a->st_uid == b->st_uid && a->st_gid == b->st_gid &&
           a->st_mtim.tv_sec == b->st_mtim.tv_sec && a->st_mtim.tv_nsec == b->st_mtim.tv_nsec;
}

static int open_dir(int dir, const char *name)
{
    return openat(dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

/* The line of a directory comes before those of what is in it, but depends on them. */
static int directory(struct walk *w, int upper, int lower, const char *name, const struct stat *st,
                     bool *ret_moved)
{
    struct stat before;
    size_t len = w->path.len;
    bool had = lower >= 0 && fstatat(lower, name, &before, AT_SYMLINK_NOFOLLOW) == 0;
    cleanup_fd int here = open_dir(upper, name);
    if (here < 0)
        return -1;
    bool opaque = opaque_is(here);
    cleanup_fd int there = had && !opaque && S_ISDIR(before.st_mode) ? open_dir(lower, name) : -1;
    bool moved = false;
    if (had && opaque)
        say(w, 'D', name);
    else if (!had || !S_ISDIR(before.st_mode) || !same_dir(st, &before))
        say(w, had ? 'C' : 'A', name);
    *ret_moved |= !had || opaque;
    buf_addf(&w->path, "/%s", name);
    int res = walk_dir(w, here, there, &moved);
    w->path.len = len;
    w->path.s[len] = '\0';
    if (moved && had && !opaque && S_ISDIR(before.st_mode) && same_dir(st, &before))
        say(w, 'C', name);
    return res;
}

static int entry(struct walk *w, int upper, int lower, const char *name, bool *ret_moved)
{
    struct stat st, before;
    if (fstatat(upper, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
        return errno == ENOENT ? 0 : -1; /* a running container's */
    if (S_ISDIR(st.st_mode))
        return directory(w, upper, lower, name, &st, ret_moved);
    bool gone = S_ISCHR(st.st_mode) && st.st_rdev == 0;
    if (str_starts(name, WH)) {
        if (str_starts(name, WH WH))
            return 0;
        name += strlen(WH);
        gone = true;
    }
    bool had = lower >= 0 && fstatat(lower, name, &before, AT_SYMLINK_NOFOLLOW) == 0;
    if (gone && !had)
        return 0;
    say(w, gone ? 'D' : had ? 'C' : 'A', name);
    *ret_moved |= gone || !had;
    return 0;
}

static int walk_dir(struct walk *w, int upper, int lower, bool *ret_moved)
{
    DIR *d = fdopendir(dup(upper));
    struct dirent *de;
    int res = d && w->depth < DEPTH_MAX ? 0 : -1;
    w->depth++;
    while (res == 0 && (de = readdir(d)))
        if (strcmp(de->d_name, ".") != 0 && strcmp(de->d_name, "..") != 0)
            res = entry(w, upper, lower, de->d_name, ret_moved);
    w->depth--;
    if (d)
        closedir(d);
    return res;
}

int main(int argc, char **argv)
{
    struct walk w = {0};
    bool ignored = false;
    if (argc < 2 || argc > 3) {
        fputs("usage: pod-changes UPPER [LOWER]\n", stderr);
        return 125;
    }
    cleanup_fd int upper = open(argv[1], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    cleanup_fd int lower = argc == 3 ? open(argv[2], O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
    if (upper < 0 || (argc == 3 && lower < 0) || walk_dir(&w, upper, lower, &ignored) < 0) {
        fprintf(stderr, "Error: cannot compare \"%s\": %s\n", argv[1], strerror(errno));
        return 125;
    }
    return fflush(stdout) == 0 ? 0 : 125;
}
