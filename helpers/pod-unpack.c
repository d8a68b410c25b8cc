/*
 * pod-unpack: unpacks one layer from stdin into one directory, and writes its tar-split.
 *
 *   pod-userns enter -- pod-unpack --dir DIR (--split FILE | --no-split) [--plain]
 *       [--owners FILE] [--keep] [--owner UID:GID | --map RANGE...] [--blob DIGEST] [--blob-size N]
 *       [--diff DIGEST] [--offset N --length N]
 *
 * On descriptor 3: ok and {"blob":…,"blobSize":N,"diff":…,"diffSize":N,"compression":N,
 * "uids":[…],"gids":[…]} ("memory":N where a zstd blob wanted unusually much),
 * or 125 and why not.
 *
 * One ability: writing files of any mapped id below DIR. Before the first untrusted byte is read:
 *   1. what is needed from outside is opened: DIR, FILE, the id maps
 *   2. all other descriptors are closed; own network, IPC, UTS and mount namespaces
 *   3. DIR becomes the root directory, so that no path outside it has a name
 *   4. capabilities but those that give files their owners, modes and xattrs are dropped for good
 *   5. the threads are started and wait; a system call filter is put over all of them
 * From there on nothing but reading, writing and reporting is left.
 *
 * Three threads share the work: one reads and decompresses the blob, one hashes it and what comes
 * out, and the main one takes the archive apart and writes it (unpack/ring.h).
 */
#include "disk/owners.h"
#include "disk/report.h"
#include "plain/opt.h"
#include "plain/str.h"
#include "unpack/confine.h"
#include "unpack/inflate.h"
#include "unpack/layer.h"
#include "words/sha256.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PIPE_SIZE (1 << 20)
/* zstd up to level 19 has windows of at most 8 MiB. */
#define MEMORY_USUAL ((size_t)12 << 20)

struct options {
    const char *dir, *split, *owners, *blob, *diff, *owner;
    struct strv map;
    bool no_split, plain, keep;
    int64_t blob_size, offset, length;
};

static const struct opt opts[] = {
    {"dir", 0, OPT_STR, "DIR", "unpack into this directory", offsetof(struct options, dir)},
    {"split", 0, OPT_STR, "FILE", "write the tar-split here", offsetof(struct options, split)},
    {"no-split", 0, OPT_BOOL, NULL, "write no tar-split", offsetof(struct options, no_split)},
    {"owners", 0, OPT_STR, "FILE", "in single-id mode add owners that links have (disk/owners.h)",
     offsetof(struct options, owners)},
    {"plain", 0, OPT_BOOL, NULL, "no layer, over what is there: .wh. in names means nothing",
     offsetof(struct options, plain)},
    {"owner", 0, OPT_STR, "UID:GID", "whose all of it is, whatever the archive says",
     offsetof(struct options, owner)},
    {"map", 0, OPT_LIST, "RANGE", "ids of the container that the archive is for (disk/idshift.h)",
     offsetof(struct options, map)},
    {"keep", 0, OPT_BOOL, NULL, "no directory takes the place of something else, nor the reverse",
     offsetof(struct options, keep)},
    {"blob", 0, OPT_STR, "DIGEST", "what stdin must hash to", offsetof(struct options, blob)},
    {"blob-size", 0, OPT_INT, "N", "bytes it must have", offsetof(struct options, blob_size)},
    {"diff", 0, OPT_STR, "DIGEST", "what the uncompressed archive must hash to",
     offsetof(struct options, diff)},
    {"offset", 0, OPT_INT, "N", "the blob starts here in stdin", offsetof(struct options, offset)},
    {"length", 0, OPT_INT, "N", "and has so many bytes", offsetof(struct options, length)},
    {0}};

static const struct cmd command = {.name = "pod-unpack",
                                   .operands = "",
                                   .summary = "unpack one layer from standard input",
                                   .opts = opts};

struct job {
    struct options o;
    struct pump pump;
    struct ring *ring;
    struct layer layer;
    struct tar tar;
    struct sha256 *blob_hash, *diff_hash;
    struct digest blob, diff;
    pthread_mutex_t gate; /* held until the process is confined */
};

static int check_options(const struct options *o, struct layer *layer, struct err *e)
{
    struct digest d;
    if (!o->dir || (!o->split && !o->no_split))
        return err_set(e, 0, "pod-unpack needs --dir, and --split or --no-split");
    if ((o->blob && digest_parse(o->blob, &d)) || (o->diff && digest_parse(o->diff, &d)))
        return err_set(e, 0, "invalid digest \"%s\"", o->diff && !o->blob ? o->diff : o->blob);
    if (o->owner && sscanf(o->owner, "%u:%u", &layer->owner[0], &layer->owner[1]) != 2)
        return err_set(e, 0, "invalid owner \"%s\"", o->owner);
    if (o->offset < 0 || o->length < -1)
        return err_set(e, 0, "--offset and --length cannot be negative");
    return 0;
}

static int on_more(void *ctx, const char **p, size_t *n, struct err *e)
{
    struct job *j = ctx;
    const struct ring_slot *s = NULL;
    int r;
    while ((r = ring_next(j->ring, RING_WRITER, &s, e)) > 0 && s->n == 0)
        ;
    if (r > 0) {
        *p = s->data;
        *n = s->n;
    }
    return r;
}

static void on_raw(void *ctx, const char *p, size_t n)
{
    struct job *j = ctx;
    split_raw(j->layer.split, p, n);
}

/* Nothing that is opened here may become a descriptor with a meaning, 3 above all. */
static int occupy(void)
{
    int fd;
    do
        fd = open("/dev/null", O_RDWR | O_CLOEXEC);
    while (fd >= 0 && fd <= REPORT_FD);
    return fd < 0 ? -1 : close(fd);
}

/* Stages 1 to 4. */
static int prepare(struct job *j, struct err *e)
{
    const struct options *o = &j->o;
    if (occupy() < 0)
        return err_sys(e, "open /dev/null");
    int dir = open(o->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (dir < 0)
        return err_sys(e, "open %s", o->dir);
    int split = -1;
    if (!o->no_split) {
        split = open(o->split, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
        if (split < 0)
            return err_sys(e, "open %s", o->split);
    }
    if (idmap_read("/proc/self/uid_map", &j->layer.uid_map, e) ||
        idmap_read("/proc/self/gid_map", &j->layer.gid_map, e))
        return -1;
    j->layer.single = idmap_single(&j->layer.uid_map);
    j->layer.owners = -1;
    if (o->owners && j->layer.single && (j->layer.owners = owners_open(AT_FDCWD, o->owners)) < 0)
        return err_sys(e, "open %s", o->owners);
    if (o->offset > 0 && lseek(0, o->offset, SEEK_SET) < 0)
        return err_sys(e, "seeking to the blob");
    fcntl(0, F_SETPIPE_SZ, PIPE_SIZE);
    j->ring = ring_new();
    j->blob_hash = sha256_new();
    j->diff_hash = sha256_new();
    j->pump = (struct pump){.limit = o->length < 0 ? UINT64_MAX : (uint64_t)o->length,
                            .want_size = o->blob_size,
                            .want = o->blob,
                            .ring = j->ring};
    const int keep[] = {dir, split, j->layer.owners};
    if (confine_process(keep, sizeof keep / sizeof *keep, e))
        return -1;
    j->layer.split = split < 0 ? NULL : split_new(split);
    j->tar = (struct tar){.more = on_more, .on_raw = on_raw, .ctx = j};
    j->layer.tar = &j->tar;
    j->layer.plain = o->plain;
    j->layer.later.shared = o->plain;
    j->layer.keep = o->keep;
    j->layer.owned = o->owner != NULL;
    for (size_t i = 0; i < o->map.n; i++)
        if (!idshift_add(&j->layer.shift, o->map.v[i]))
            return err_set(e, 0, "\"%s\" is no range of ids", o->map.v[i]);
    return 0;
}

static void *pump_thread(void *arg)
{
    struct job *j = arg;
    pthread_mutex_lock(&j->gate);
    pthread_mutex_unlock(&j->gate);
    pump_run(&j->pump);
    return NULL;
}

/* An archive that is not compressed is the blob. */
static void *hash_thread(void *arg)
{
    struct job *j = arg;
    struct err ignored = ERR_INIT;
    const struct ring_slot *s = NULL;
    while (ring_next(j->ring, RING_HASHER, &s, &ignored) > 0)
        if (j->pump.compression == COMP_NONE)
            sha256_add(j->blob_hash, s->blob, s->blob_n);
        else
            sha256_add_two(j->blob_hash, s->blob, s->blob_n, j->diff_hash, s->data, s->n);
    j->blob = sha256_end(j->blob_hash);
    j->diff = sha256_end(j->diff_hash);
    if (j->pump.compression == COMP_NONE)
        j->diff = j->blob;
    return NULL;
}

/* After a failure: a blob that is not what was asked for explains everything else. */
static int blame(struct job *j, pthread_t pump, pthread_t hash, struct err *e)
{
    ring_desert(j->ring);
    if (!j->layer.malformed || !j->o.blob)
        return -1;
    pthread_join(pump, NULL);
    pthread_join(hash, NULL);
    if (pump_check(&j->pump, &j->blob))
        *e = j->pump.err;
    return -1;
}

/* Stage 5 and the work. */
static int run(struct job *j, struct err *e)
{
    pthread_t pump, hash;
    pthread_mutex_init(&j->gate, NULL);
    pthread_mutex_lock(&j->gate);
    if (pthread_create(&pump, NULL, pump_thread, j) || pthread_create(&hash, NULL, hash_thread, j))
        return err_set(e, 0, "cannot start a thread");
    if (confine_calls(e))
        return -1;
    pthread_mutex_unlock(&j->gate);
    if (layer_unpack(&j->layer, e))
        return blame(j, pump, hash, e);
    pthread_join(pump, NULL);
    pthread_join(hash, NULL);
    if (pump_check(&j->pump, &j->blob)) {
        *e = j->pump.err;
        return -1;
    }
    if (j->o.diff && strcmp(j->o.diff, digest_text(&j->diff).s) != 0)
        return err_set(e, 0, "Layer diffID did not match, expected %s, got %s", j->o.diff,
                       digest_text(&j->diff).s);
    return split_end(j->layer.split, e);
}

static void answer(const struct job *j, struct buf *b)
{
    const struct pump *p = &j->pump;
    buf_addf(b, "{\"blob\":\"%s\",\"blobSize\":%llu,", digest_text(&j->blob).s,
             (unsigned long long)p->blob_size);
    buf_addf(b, "\"diff\":\"%s\",\"diffSize\":%llu,\"compression\":%d,\"uids\":",
             digest_text(&j->diff).s, (unsigned long long)p->diff_size, (int)p->compression);
    idset_json(&j->layer.uids, b);
    buf_adds(b, ",\"gids\":");
    idset_json(&j->layer.gids, b);
    if (j->layer.single)
        buf_adds(b, ",\"single\":true");
    if (p->memory > MEMORY_USUAL)
        buf_addf(b, ",\"memory\":%zu", p->memory);
    buf_addc(b, '}');
}

int main(int argc, char **argv)
{
    static struct job j = {.o = {.blob_size = -1, .length = -1}};
    struct err e = ERR_INIT;
    int first, r = cmd_parse(&command, &j.o, argc, argv, &first, &e);
    if (r == CMD_HELP) {
        struct buf help = BUF_INIT;
        cmd_help(&command, &help);
        return fputs(help.s, stdout) < 0 ? 125 : 0;
    }
    if (r < 0 || check_options(&j.o, &j.layer, &e) || prepare(&j, &e) || run(&j, &e)) {
        report_err(&e);
        dprintf(2, "Error: %s\n%s%s", e.msg, e.hint, e.hint[0] ? "\n" : "");
        _exit(125);
    }
    struct buf line = BUF_INIT;
    answer(&j, &line);
    report_ok(line.s);
    _exit(0);
}
