/*
 * pod-cp: copies files between containers and the host.
 *
 * A tar archive goes from pod-pack to pod-unpack through a pipe. Neither can name anything outside
 * the directory that it was given, so a container cannot lead a copy astray, and nothing has to be
 * paused for it.
 */
#include "cp/cp.h"
#include "say.h"

#include "plain/str.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define AT(f) offsetof(struct cp_options, f)
static const struct opt options[] = {
    {"archive", 'a', OPT_BOOL, NULL,
     "Files in a container belong to its user; false: to the ids of the source (default true)",
     AT(archive)},
    {"overwrite", 0, OPT_BOOL, NULL, "A directory may replace something else, and the reverse",
     AT(overwrite)},
    {"pause", 0, OPT_BOOL, NULL, "Accepted for podman's sake: nothing has to be paused", AT(pause)},
    {0},
};
static const struct cmd command = {
    .name = "pod cp",
    .operands = "[CONTAINER:]SOURCE [CONTAINER:]DEST",
    .summary = "Copy files between containers and the host",
    .more = "Of SOURCE and DEST one at least is in a container, and one may be - for a tar\n"
            "archive on standard input or output.\n\n"
            "Exit codes: 0 done, 125 pod failed or something does not exist.",
    .opts = options,
    .min = 2,
    .max = 2,
};

static bool means_dir(const char *typed)
{
    return *typed && typed[strlen(typed) - 1] == '/';
}

static bool means_contents(const char *typed)
{
    size_t n = strlen(typed);
    return (n >= 2 && strcmp(typed + n - 2, "/.") == 0) || strcmp(typed, ".") == 0;
}

/* Cuts path in two; a copy of the directory, and the name in path. */
static char *parent_of(const char *path, const char **ret_name)
{
    const char *slash = strrchr(path, '/');
    *ret_name = slash[1] ? slash + 1 : ".";
    return slash == path ? xstrdup("/") : xstrndup(path, (size_t)(slash - path));
}

/* The name as it was typed, be it a link's. */
static const char *typed_name(const struct end *end, char **ret)
{
    size_t n = strlen(end->typed);
    while (n > 1 && end->typed[n - 1] == '/')
        n--;
    *ret = xstrndup(end->typed, n);
    const char *slash = strrchr(*ret, '/'), *name = slash ? slash + 1 : *ret;
    return *name && strcmp(name, ".") != 0 && strcmp(name, "..") != 0 ? name
                                                                      : strrchr(end->path, '/') + 1;
}

static int plan_source(const struct end *from, bool contents, struct plan *p, struct err *e)
{
    if (from->stream)
        return 0;
    if (from->kind == KIND_NEW || from->kind == KIND_NOWHERE ||
        (from->kind == KIND_FILE && (means_dir(from->typed) || means_contents(from->typed))))
        return end_missing(from, e);
    if (contents)
        p->from = xstrdup(from->path);
    else
        p->from = parent_of(from->path, &p->name);
    return 0;
}

static int plan_dest(const struct end *from, const struct end *to, const char *name, struct plan *p,
                     struct err *e)
{
    bool dir = from->stream || from->kind == KIND_DIR;
    if (to->kind == KIND_DIR) {
        p->to = xstrdup(to->path);
        p->as = name;
        return 0;
    }
    if (from->stream)
        return err_set(e, 0, "destination must be a directory when copying from stdin");
    if (to->kind == KIND_NOWHERE || (to->kind == KIND_NEW && !dir && means_dir(to->typed)))
        return end_missing(to, e);
    if (to->kind == KIND_FILE && dir)
        return err_set(e, 0, "destination must be a directory when copying a directory");
    p->to = parent_of(to->path, &p->as);
    return 0;
}

/* The host's devices are no place for a file. */
static int check_dest(const struct end *to, struct err *e)
{
    struct stat st;
    if (to->where || to->stream || to->kind != KIND_FILE || stat(to->path, &st) < 0 ||
        (S_ISREG(st.st_mode) && !str_starts(to->typed, "/dev/")))
        return 0;
    return err_set(e, 0, "invalid destination: \"%s\" must be a directory or a regular file",
                   to->typed);
}

/* It would have no end. */
static int check_apart(const struct end *from, const struct end *to, struct err *e)
{
    size_t n = from->path ? strlen(from->path) : 0;
    if (!from->where || !to->where || from->kind != KIND_DIR || strcmp(from->c.id, to->c.id) != 0)
        return 0;
    if (str_ends(from->path, "/."))
        n -= 2;
    if (strncmp(to->path, from->path, n) != 0 || (to->path[n] && to->path[n] != '/'))
        return 0;
    return err_set(e, 0, "cannot copy the directory \"%s\" into itself", from->typed);
}

static int copy(const struct end *from, const struct end *to, const struct cp_options *o,
                struct err *e)
{
    struct plan p = {0};
    cleanup_free char *name = NULL;
    /* into a directory that is not there yet goes the other as a whole, under the new name */
    bool contents = !from->stream && from->kind == KIND_DIR && means_contents(from->typed) &&
                    (to->stream || to->kind == KIND_DIR);
    const char *as = from->stream || contents ? NULL : typed_name(from, &name);
    if (as && !*as)
        as = "."; /* the root directory has no name */
    if (plan_source(from, contents, &p, e) < 0 || check_apart(from, to, e) < 0)
        return -1;
    if (to->stream)
        p.as = as;
    else if (check_dest(to, e) < 0 || plan_dest(from, to, as, &p, e) < 0)
        return -1;
    int r = cp_transfer(from, to, &p, o, e);
    free(p.from);
    free(p.to);
    return r;
}

static int work(char **operands, const struct cp_options *o, struct err *e)
{
    struct roots r;
    cleanup(end_close) struct end from = END_INIT, to = END_INIT;
    if (roots_open(&r, e) < 0 || end_open(&r, operands[0], NULL, &from, e) < 0 ||
        end_open(&r, operands[1], &from, &to, e) < 0)
        return -1;
    if (!from.where && !to.where)
        return err_set(e, 0,
                       "invalid arguments \"%s\", \"%s\": exactly 1 container expected but none "
                       "specified",
                       operands[0], operands[1]);
    return copy(&from, &to, o, e);
}

int main(int argc, char **argv)
{
    struct err e = ERR_INIT;
    struct cp_options o = {.archive = true, .pause = true};
    int code = 0;
    int first = say_parse(&command, &o, argc, argv, &code);
    if (first < 0)
        return code;
    return work(argv + first, &o, &e) < 0 ? say_error(&e) : say_end(0);
}
