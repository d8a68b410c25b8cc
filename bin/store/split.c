/*
 * A layer's tar-split against its files: put together they must be the very tar that was pulled,
 * or the layer cannot be pushed, saved or copied. What we may not read, we cannot judge.
 */
#include "store/findings.h"

#include "disk/at.h"
#include "plain/fdio.h"
#include "words/base64.h"
#include "words/sha256.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <zlib.h>

enum { MAX_LINE = 64 << 20, CHUNK = 1 << 17, NAME_IN_ERROR = 100 };
enum verdict { SOUND, WRONG, UNKNOWN };

struct reading {
    int diff;
    gzFile in;
    struct sha256 *sum;
    struct buf line;
    char *chunk; /* CHUNK bytes */
    char why[256];
};

static enum verdict wrong(struct reading *x, const char *what, const char *name)
{
    snprintf(x->why, sizeof x->why, "%s%s%.*s%s", what, *name ? " \"" : "", NAME_IN_ERROR, name,
             *name ? "\"" : "");
    return WRONG;
}

/* One line without its end; false at the end of the file, or of patience. */
static bool next_line(struct reading *x)
{
    x->line.len = 0;
    while (x->line.len < MAX_LINE && gzgets(x->in, x->chunk, CHUNK)) {
        buf_adds(&x->line, x->chunk);
        if (x->line.s[x->line.len - 1] == '\n')
            return true;
    }
    return x->line.len > 0;
}

/* Never out of the layer's directory, whatever the tar-split says. */
static int open_file(int diff, const char *name)
{
    struct open_how how = {.flags = O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC,
                           .resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS};
    name += strspn(name, "/");
    return (int)syscall(SYS_openat2, diff, name, &how, sizeof how);
}

static enum verdict add_file(struct reading *x, const char *name, int64_t size)
{
    cleanup_fd int fd = open_file(x->diff, name);
    if (fd < 0)
        return errno == EACCES || errno == EPERM ? UNKNOWN
                                                 : wrong(x, "it names what is not there:", name);
    while (size > 0) {
        ssize_t n = read(fd, x->chunk, size < CHUNK ? (size_t)size : (size_t)CHUNK);
        if (n < 0)
            return UNKNOWN;
        if (n == 0)
            return wrong(x, "a file is shorter than it says:", name);
        sha256_add(x->sum, x->chunk, (size_t)n);
        size -= n;
    }
    if (read(fd, x->chunk, 1) != 0)
        return wrong(x, "a file is longer than it says:", name);
    return SOUND;
}

static enum verdict add_entry(struct reading *x, const json_t *entry)
{
    cleanup(buf_free) struct buf b = BUF_INIT;
    const char *payload = jx_str(entry, "payload"), *name = jx_str(entry, "name");
    int64_t type = jx_int(entry, "type", 0), size = jx_int(entry, "size", 0);
    if (type == 2) {
        if (base64_decode(payload, &b) < 0)
            return wrong(x, "it is damaged", "");
        sha256_add(x->sum, buf_str(&b), b.len);
        return SOUND;
    }
    if (type != 1)
        return wrong(x, "it is damaged", "");
    if (size <= 0)
        return SOUND;
    const char *raw = jx_str(entry, "name_raw");
    if (*raw && base64_decode(raw, &b) < 0)
        return wrong(x, "it is damaged", "");
    return add_file(x, *raw ? buf_str(&b) : name, size);
}

static enum verdict put_together(struct reading *x)
{
    while (next_line(x)) {
        json_t *entry = json_loadb(x->line.s, x->line.len, 0, NULL);
        enum verdict v = entry ? add_entry(x, entry) : wrong(x, "it is damaged", "");
        json_decref(entry);
        if (v != SOUND)
            return v;
    }
    int code;
    gzerror(x->in, &code);
    return code == Z_OK || code == Z_STREAM_END ? SOUND : wrong(x, "it is damaged", "");
}

static enum verdict judge(const struct roots *r, const json_t *layer, struct reading *x)
{
    char path[160];
    const char *id = jx_str(layer, "id");
    snprintf(path, sizeof path, "overlay/%.64s/diff", id);
    cleanup_fd int diff = at_open_dir(r->graph, path);
    snprintf(path, sizeof path, "overlay-layers/%.64s.tar-split.gz", id);
    int split = openat(r->graph, path, O_RDONLY | O_CLOEXEC);
    x->in = split < 0 ? NULL : gzdopen(split, "rb");
    if (diff < 0 || !x->in) {
        if (split >= 0 && !x->in)
            close(split);
        return UNKNOWN;
    }
    x->diff = diff;
    x->sum = sha256_new();
    enum verdict v = put_together(x);
    struct digest d = sha256_end(x->sum);
    gzclose(x->in);
    if (v != SOUND)
        return v;
    return strcmp(digest_text(&d).s, jx_str(layer, "diff-digest")) == 0
               ? SOUND
               : wrong(x, "with the files it is not what was pulled", "");
}

void find_bad_splits(const struct store *s, struct findings *l)
{
    struct reading x = {.line = BUF_INIT};
    const char *id;
    json_t *layer;
    x.chunk = xcalloc(1, CHUNK);
    json_object_foreach(s->layer_by_id, id, layer)
    {
        if (str_starts(jx_str(layer, "diff-digest"), "sha256:") &&
            judge(s->roots, layer, &x) == WRONG)
            finding_add(l, FOUND_DAMAGE, id,
                        "layer %.12s: its tar-split is wrong: %s: it cannot be pushed or saved", id,
                        x.why);
    }
    buf_free(&x.line);
    free(x.chunk);
}
