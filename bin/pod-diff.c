/* pod-diff: what a container changed of its image's files, or an image of those below it. */
#include "say.h"

#include "things/image.h"
#include "things/select.h"
#include "things/spawn.h"
#include "things/view.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MAX_CHANGES ((size_t)1 << 30) /* bytes of paths */

struct options {
    struct select which;
    const char *format;
};
#define AT(f) offsetof(struct options, f)
static const struct opt options[] = {
    {"format", 0, OPT_STR, "FORMAT", "json", AT(format)},
    {"latest", 'l', OPT_BOOL, NULL, "The container created last", AT(which.latest)},
    {0},
};
static const struct cmd command = {
    .name = "pod diff",
    .operands = "CONTAINER|IMAGE",
    .summary = "Show which files a container or an image's top layer adds, changes and deletes",
    .more = "A line a path: A (added), C (changed) or D (deleted).\n\n"
            "Exit codes: 0 done, 125 pod failed or there is no such container or image.",
    .opts = options,
    .max = 1,
};

/* What is compared: the directory with the changes, and how to see what is below. */
struct sides {
    char *upper;
    struct view lower;
    bool container;
};

static void sides_free(struct sides *s)
{
    free(s->upper);
    view_free(&s->lower);
}

static int of_container(const struct roots *r, struct ctr *c, struct sides *ret, struct err *e)
{
    cleanup(strv_free) struct strv layers = STRV_INIT;
    const char *rootfs = jx_str0(c->record, "rootfs");
    ret->container = true;
    ret->upper = xasprintf("%s/pod/containers/%s/upper", r->graph_path, c->id);
    if (rootfs && !jx_bool(c->record, "rootfsOverlay"))
        return err_set(e, 0, "container %s writes into \"%s\": what it changed is not known", c->id,
                       rootfs);
    if (rootfs)
        strv_add(&layers, rootfs);
    jx_strv(c->record, "lowers", &layers);
    view_layers(r, &layers, &ret->lower);
    return 0;
}

static void of_image(const struct roots *r, const struct image *img, struct sides *ret)
{
    cleanup(strv_free) struct strv layers = STRV_INIT;
    if (img->lowers.n)
        ret->upper = xasprintf("%s/overlay/%s", r->graph_path, img->lowers.v[0]);
    for (size_t i = 1; i < img->lowers.n; i++)
        strv_add(&layers, img->lowers.v[i]);
    view_layers(r, &layers, &ret->lower);
}

static int find(const struct roots *r, const char *name, struct sides *ret, struct err *e)
{
    struct ctr c;
    struct image img = IMAGE_INIT;
    if (ctr_find(r, name, &c, e) == 0) {
        int res = of_container(r, &c, ret, e);
        ctr_close(&c);
        return res;
    }
    if (!strstr(e->msg, "no such container"))
        return -1;
    if (image_find(r, name, &img, e) < 0) {
        bool unknown = strstr(e->msg, "image not known");
        if (unknown) {
            err_set(e, 0, "%s not found: layer not known", name);
            err_hint(e, "See: pod ps -a, pod images");
        }
        return -1;
    }
    of_image(r, &img, ret);
    image_free(&img);
    return 0;
}

/* ---- what comes back ---- */

static int ask(struct sides *s, struct buf *ret, struct err *e)
{
    strv_take(&s->lower.line, tool_path("pod-changes"));
    strv_add(&s->lower.line, s->upper);
    if (s->lower.dir)
        strv_add(&s->lower.line, s->lower.dir);
    struct spawn sp = {.argv = s->lower.line.v, .in = -1, .err = SPAWN_INHERIT, .report = -1};
    int code = spawn_and_read(&sp, MAX_CHANGES, ret, e);
    return code > 0 ? err_set(e, 0, "the files could not be compared") : code;
}

/* Made by whoever runs the container, not by the container. */
static bool is_ours(const char *path)
{
    static const char *const made[] = {"/dev",
                                       "/dev/console",
                                       "/dev/fd",
                                       "/dev/full",
                                       "/dev/mqueue",
                                       "/dev/null",
                                       "/dev/ptmx",
                                       "/dev/pts",
                                       "/dev/random",
                                       "/dev/shm",
                                       "/dev/stderr",
                                       "/dev/stdin",
                                       "/dev/stdout",
                                       "/dev/tty",
                                       "/dev/urandom",
                                       "/dev/zero",
                                       "/etc/hostname",
                                       "/etc/hosts",
                                       "/etc/resolv.conf",
                                       "/proc",
                                       "/run",
                                       "/run/.containerenv",
                                       "/run/secrets",
                                       "/sys",
                                       NULL};
    return str_in(path, made);
}

static int by_path(const void *a, const void *b)
{
    return strcmp(*(char *const *)a + 1, *(char *const *)b + 1);
}

static void sort_changes(const struct buf *b, bool container, struct strv *ret)
{
    for (const char *p = b->s; p && p < b->s + b->len; p += strlen(p) + 1)
        if (!container || !is_ours(p + 1))
            strv_add(ret, p);
    if (ret->n)
        qsort(ret->v, ret->n, sizeof *ret->v, by_path);
}

static int print_json(const struct strv *changes)
{
    static const char *const keys[] = {"changed", "added", "deleted"};
    cleanup_json o = json_object();
    for (size_t k = 0; k < 3; k++) {
        json_t *list = json_array();
        for (size_t i = 0; i < changes->n; i++)
            if (changes->v[i][0] == "CAD"[k])
                json_array_append_new(list, json_string(changes->v[i] + 1));
        jx_set(o, keys[k], list);
    }
    cleanup_free char *text = json_dumps(o, JSON_INDENT(5));
    puts(text ? text : "{}");
    return say_end(0);
}

int main(int argc, char **argv)
{
    struct err e = ERR_INIT;
    struct options o = {0};
    struct roots r;
    cleanup(strv_free) struct strv names = STRV_INIT, changes = STRV_INIT;
    cleanup(buf_free) struct buf b = BUF_INIT;
    cleanup(sides_free) struct sides sides = {0};
    int code = 0;
    int first = say_parse(&command, &o, argc, argv, &code);
    if (first < 0)
        return code;
    o.which.nothing = "\"pod diff\" requires a name, id, or the \"--latest\" flag";
    if (o.format && strcmp(o.format, "json") != 0) {
        err_set(&e, 0, "only supported value for '--format' is 'json'");
        return say_error(&e);
    }
    if (roots_open(&r, &e) < 0 || select_names(&r, &o.which, argv + first, &names, &e) < 0 ||
        find(&r, names.v[0], &sides, &e) < 0 || (sides.upper && ask(&sides, &b, &e) < 0))
        return say_error(&e);
    sort_changes(&b, sides.container, &changes);
    if (o.format)
        return print_json(&changes);
    for (size_t i = 0; i < changes.n; i++)
        printf("%c %s\n", changes.v[i][0], changes.v[i] + 1);
    return say_end(0);
}
