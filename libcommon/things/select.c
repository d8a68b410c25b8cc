#include "things/select.h"

#include "disk/at.h"
#include "plain/fdio.h"

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

static int from_cidfile(const char *path, struct strv *ret, struct err *e)
{
    cleanup(buf_free) struct buf b = BUF_INIT;
    if (at_read(AT_FDCWD, path, 4096, &b) < 0)
        return err_sys(e, "reading CIDFile %s", path);
    if (b.s)
        add_lines(b.s, ret);
    return 0;
}

int select_names(const struct roots *r, const struct select *s, char *const *operands,
                 struct strv *ret, struct err *e)
{
    if (s->all || s->latest) {
        if (*operands)
            return err_set(e, 0, "--all and --latest take no names");
        if (s->all)
            return ctr_list(r, ret, e);
        struct ctr c;
        if (ctr_latest(r, &c, e) < 0)
            return -1;
        strv_add(ret, c.id);
        ctr_close(&c);
        return 0;
    }
    for (size_t i = 0; i < s->cidfile.n; i++)
        if (from_cidfile(s->cidfile.v[i], ret, e) < 0)
            return -1;
    for (; *operands; operands++) {
        if (strcmp(*operands, "-") != 0)
            strv_add(ret, *operands);
        else if (from_stdin(ret, e) < 0)
            return -1;
    }
    if (!ret->n && !s->cidfile.n && !*operands)
        return err_set(e, 0, "you must provide at least one name or id");
    return 0;
}
