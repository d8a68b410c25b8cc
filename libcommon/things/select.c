#include "things/select.h"

#include "disk/at.h"
#include "plain/fdio.h"
#include "things/ctr_filter.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#define MAX_NAMES (1 << 20)

static void add_lines(char *text, struct strv *ret)
{
    char *save = NULL;
    for (char *w = strtok_r(text, " \t\r\n", &save); w; w = strtok_r(NULL, " \t\r\n", &save))
        strv_add(ret, w);
}

static int from_stdin(struct strv *ret, struct err *e)
{
    cleanup(buf_free) struct buf b = BUF_INIT;
    if (fd_read_all(0, MAX_NAMES, &b) < 0)
        return err_sys(e, "cannot read names from standard input");
    if (b.s)
        add_lines(b.s, ret);
    return 0;
}

static int from_cidfile(const char *path, bool ignore, struct strv *ret, struct err *e)
{
    cleanup(buf_free) struct buf b = BUF_INIT;
    if (at_read(AT_FDCWD, path, 4096, &b) < 0) {
        if (ignore && errno == ENOENT)
            return 0;
        return err_set(e, 0, "reading CIDFile: open %s: %s", path,
                       errno == ENOENT ? "no such file or directory" : strerror(errno));
    }
    if (b.s)
        add_lines(b.s, ret);
    return 0;
}

static int from_operands(const struct select *s, char *const *operands, struct strv *ret,
                         struct err *e)
{
    bool none = !*operands;
    for (size_t i = 0; i < s->cidfile.n; i++)
        if (from_cidfile(s->cidfile.v[i], s->ignore, ret, e) < 0)
            return -1;
    for (; *operands; operands++) {
        if (strcmp(*operands, "-") != 0)
            strv_add(ret, *operands);
        else if (from_stdin(ret, e) < 0)
            return -1;
    }
    if (none && !s->cidfile.n)
        return err_set(e, 0, "%s",
                       s->nothing ? s->nothing : "you must provide at least one name or id");
    return 0;
}

/* A name that nobody has stays: whoever works on it has the sentence for that. */
static void sift(const struct roots *r, const struct select *s, struct strv *names)
{
    struct strv kept = STRV_INIT;
    for (size_t i = 0; i < names->n; i++) {
        struct ctr c;
        struct ctr_status st;
        struct err unknown = ERR_INIT;
        if (ctr_find(r, names->v[i], &c, &unknown) < 0) {
            strv_add(&kept, names->v[i]);
            continue;
        }
        ctr_status(r, &c, &st);
        if (ctr_filter_match(r, &s->filter, &c, &st))
            strv_add(&kept, names->v[i]);
        ctr_close(&c);
    }
    strv_free(names);
    *names = kept;
}

int select_names(const struct roots *r, const struct select *s, char *const *operands,
                 struct strv *ret, struct err *e)
{
    struct ctr c;
    if (ctr_filter_check(r, &s->filter, e) < 0)
        return -1;
    if (s->all && *operands)
        return err_set(e, 0, "%s",
                       s->all_clash ? s->all_clash : "no arguments are needed with --all");
    if (s->latest && (*operands || s->all))
        return err_set(e, 0, "--all and --latest cannot be used together, or with names");
    if (s->latest) {
        if (ctr_latest(r, &c, e) < 0)
            return -1;
        strv_add(ret, c.id);
        ctr_close(&c);
    } else if (s->all || (s->filter.n && !*operands && !s->cidfile.n)) {
        if (ctr_list(r, ret, e) < 0)
            return -1;
    } else if (from_operands(s, operands, ret, e) < 0) {
        return -1;
    }
    if (s->filter.n)
        sift(r, s, ret);
    return 0;
}
