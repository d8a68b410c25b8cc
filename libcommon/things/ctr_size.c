#include "things/ctr_size.h"

#include "plain/fdio.h"
#include "things/ctr.h"
#include "things/store.h"
#include "words/userns.h"

#include <fcntl.h>
#include <ftw.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define MAX_ANSWER (1 << 20)
#define DIRS_OPEN  32

/* nftw() has no argument of the caller's: the sum of the tree at hand. */
static int64_t sum;

static int add_size(const char *path, const struct stat *st, int type, struct FTW *at)
{
    (void)path;
    (void)at;
    if (type == FTW_F && S_ISREG(st->st_mode))
        sum += st->st_size;
    return 0;
}

static int64_t tree_size(const char *path)
{
    sum = 0;
    (void)nftw(path, add_size, DIRS_OPEN, FTW_PHYS | FTW_MOUNT);
    return sum;
}

/* The child: a line a container. */
static void measure(const struct roots *r, const struct strv *ids, int out)
{
    struct err e = ERR_INIT;
    if (userns_enter(r->run_path, &e) < 0)
        _exit(1);
    for (size_t i = 0; i < ids->n; i++) {
        cleanup_free char *dir = ctr_path(r, ids->v[i]);
        cleanup_free char *upper = xasprintf("%s/upper", dir);
        cleanup_free char *line = xasprintf("%lld\n", (long long)tree_size(upper));
        if (fd_write_all(out, line, strlen(line)) < 0)
            _exit(1);
    }
    _exit(0);
}

static int ask_child(const struct roots *r, const struct strv *ids, struct buf *ret, struct err *e)
{
    int p[2];
    if (pipe2(p, O_CLOEXEC) < 0)
        return err_sys(e, "cannot make a pipe");
    pid_t pid = fork();
    if (pid == 0)
        measure(r, ids, p[1]);
    close(p[1]);
    int res = pid < 0 ? -1 : fd_read_all(p[0], MAX_ANSWER, ret);
    close(p[0]);
    if (pid > 0)
        waitpid(pid, NULL, 0);
    return res < 0 ? err_sys(e, "cannot measure containers") : 0;
}

int ctr_sizes(const struct roots *r, const struct strv *ids, const struct strv *images,
              struct ctr_size *ret, struct err *e)
{
    cleanup(buf_free) struct buf text = BUF_INIT;
    cleanup_store s = STORE_INIT;
    if (ask_child(r, ids, &text, e) < 0 || store_open(r, &s, e) < 0)
        return -1;
    char *save = NULL, *line = text.s ? strtok_r(text.s, "\n", &save) : NULL;
    for (size_t i = 0; i < ids->n; i++) {
        const json_t *img = store_image(&s, images->v[i]);
        int64_t image = img ? store_image_size(&s, img) : 0;
        ret[i] =
            (struct ctr_size){.written = line ? atoll(line) : 0, .image = image < 0 ? 0 : image};
        line = line ? strtok_r(NULL, "\n", &save) : NULL;
    }
    return 0;
}
