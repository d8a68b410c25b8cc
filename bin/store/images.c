/* pod images: a row for each name, in JSON too, as podman has it. */
#include "store/filter.h"
#include "store/image_row.h"
#include "store/sizes.h"

#include "things/table.h"

struct images_opts {
    bool all, digests, history, no_trunc, noheading, quiet;
    struct strv filters;
    const char *format, *sort;
};

static const struct opt options[] = {
    {"all", 'a', OPT_BOOL, NULL, "Show intermediate images too", offsetof(struct images_opts, all)},
    {"digests", 0, OPT_BOOL, NULL, "Show digests", offsetof(struct images_opts, digests)},
    {"filter", 'f', OPT_LIST, "KEY=VALUE",
     "after|since, before, containers, dangling, id, intermediate, label, readonly, reference, "
     "until",
     offsetof(struct images_opts, filters)},
    {"format", 0, OPT_STR, "FORMAT", "json, or a Go template",
     offsetof(struct images_opts, format)},
    {"history", 0, OPT_BOOL, NULL, "Show the names the image ever had",
     offsetof(struct images_opts, history)},
    {"no-trunc", 0, OPT_BOOL, NULL, "Show whole ids", offsetof(struct images_opts, no_trunc)},
    {"noheading", 'n', OPT_BOOL, NULL, "No line of column names",
     offsetof(struct images_opts, noheading)},
    {"quiet", 'q', OPT_BOOL, NULL, "Ids only", offsetof(struct images_opts, quiet)},
    {"sort", 0, OPT_STR, "KEY", "created (the default), id, repository, size or tag",
     offsetof(struct images_opts, sort)},
    {0},
};
static const struct cmd command = {
    .name = "pod images",
    .operands = "[IMAGE]",
    .summary = "List images",
    .more = "Exit codes: 0 done, 125 pod failed.",
    .opts = options,
    .min = 0,
    .max = 1,
};

static const struct table_column columns[] = {
    {"Repository", "REPOSITORY"},
    {"Tag", "TAG"},
    {"Digest", "DIGEST"},
    {"ID", "IMAGE ID"},
    {"Id", "IMAGE ID"},
    {"Created", "CREATED"},
    {"CreatedSince", "CREATED"},
    {"CreatedAt", "CREATED AT"},
    {"Size", "SIZE"},
    {"History", "HISTORY"},
    {NULL, NULL},
};

struct list {
    const struct store *s;
    const struct images_opts *o;
    struct sizes sizes;
    struct item *v;
    size_t n, cap;
};

static void add_item(struct list *l, json_t *img, char *repo, char *tag)
{
    if (l->n == l->cap) {
        l->cap = l->cap ? 2 * l->cap : 64;
        l->v = xrealloc(l->v, l->cap * sizeof *l->v);
    }
    l->v[l->n] = (struct item){.img = img, .repo = repo, .tag = tag, .index = l->n};
    l->v[l->n].size = sizes_of(&l->sizes, img);
    l->v[l->n].created = image_created(img);
    l->n++;
}

static void add_image(struct list *l, json_t *img)
{
    cleanup_json tags = image_tags(img);
    size_t n = json_array_size(tags);
    /* a name with a digest is shown, as one without a tag, where there is none with a tag */
    for (size_t i = 0; i < (n ? n : image_names(img) > 0); i++) {
        char *repo, *tag;
        name_split(n ? json_string_value(json_array_get(tags, i)) : image_name(img, 0), &repo,
                   &tag);
        add_item(l, img, repo, tag);
    }
    if (image_names(img) == 0)
        add_item(l, img, xstrdup("<none>"), xstrdup("<none>"));
}

static int by_created(const void *pa, const void *pb)
{
    const struct item *a = pa, *b = pb;
    if (a->created.tv_sec != b->created.tv_sec)
        return a->created.tv_sec > b->created.tv_sec ? -1 : 1;
    if (a->created.tv_nsec != b->created.tv_nsec)
        return a->created.tv_nsec > b->created.tv_nsec ? -1 : 1;
    return a->index < b->index ? -1 : 1;
}

static int by_id(const void *pa, const void *pb)
{
    const struct item *a = pa, *b = pb;
    int r = strcmp(jx_str(a->img, "id"), jx_str(b->img, "id"));
    return r ? r : a->index < b->index ? -1 : 1;
}

static int by_repository(const void *pa, const void *pb)
{
    const struct item *a = pa, *b = pb;
    int r = strcmp(a->repo, b->repo);
    return r ? r : a->index < b->index ? -1 : 1;
}

static int by_size(const void *pa, const void *pb)
{
    const struct item *a = pa, *b = pb;
    return a->size != b->size ? (a->size < b->size ? -1 : 1) : a->index < b->index ? -1 : 1;
}

static int by_tag(const void *pa, const void *pb)
{
    const struct item *a = pa, *b = pb;
    int r = strcmp(a->tag, b->tag);
    return r ? r : a->index < b->index ? -1 : 1;
}

static int sort_items(struct list *l, struct err *e)
{
    static const struct {
        const char *name;
        int (*compare)(const void *, const void *);
    } sorts[] = {{"created", by_created},
                 {"id", by_id},
                 {"repository", by_repository},
                 {"size", by_size},
                 {"tag", by_tag}};
    const char *want = l->o->sort ? l->o->sort : "created";
    for (size_t i = 0; i < sizeof sorts / sizeof *sorts; i++)
        if (strcmp(sorts[i].name, want) == 0) {
            if (l->n)
                qsort(l->v, l->n, sizeof *l->v, sorts[i].compare);
            return 0;
        }
    return err_set(e, 0,
                   "\"%s\" is not a valid field for sorting. Choose from: created, id, repository, "
                   "size, tag",
                   want);
}

/* Podman's operand: a name as for run, or a pattern. */
static bool asked_for(const struct store *s, const char *typed, const json_t *img)
{
    json_t *found;
    struct err ignored = ERR_INIT;
    if (filter_reference(img, typed))
        return true;
    return store_find(s, typed, &found, NULL, &ignored) == 0 && found == img;
}

static int collect(struct list *l, const char *operand, struct err *e)
{
    struct filter *f;
    size_t i;
    json_t *img;
    if (filter_compile(l->s, &l->o->filters, &f, e) < 0)
        return -1;
    bool hide = !l->o->all && l->o->filters.n == 0;
    store_foreach_image(l->s, i, img)
    {
        if ((operand && !asked_for(l->s, operand, img)) || !filter_match(f, img))
            continue;
        if (hide && image_names(img) == 0 && image_has_child(l->s, img))
            continue;
        add_image(l, img);
    }
    filter_free(f);
    return sort_items(l, e);
}

static bool is_dear(const char *format)
{
    static const char *const words[] = {"json", "abel", "arent", "ontainers", "range"};
    for (size_t i = 0; format && i < sizeof words / sizeof *words; i++)
        if (strstr(format, words[i]))
            return true;
    return false;
}

static void print_ids(const struct list *l)
{
    const char *last = "";
    for (size_t i = 0; i < l->n; i++) {
        const char *id = jx_str(l->v[i].img, "id");
        if (strcmp(id, last) != 0)
            printf(l->o->no_trunc ? "sha256:%s\n" : "%.12s\n", id);
        last = id;
    }
}

static int print_table(const struct list *l, struct err *e)
{
    cleanup(buf_free) struct buf out = BUF_INIT, format = BUF_INIT;
    cleanup_json rows = json_array();
    bool dear = is_dear(l->o->format);
    for (size_t i = 0; i < l->n; i++)
        json_array_append_new(rows, image_row(l->s, &l->v[i], l->o->no_trunc, dear));
    buf_addf(&format, "table {{.Repository}}\t{{.Tag}}%s\t{{.ID}}\t{{.Created}}\t{{.Size}}%s",
             l->o->digests ? "\t{{.Digest}}" : "", l->o->history ? "\t{{.History}}" : "");
    struct table_spec spec = {.columns = columns, .default_format = format.s};
    if (table_render(&spec, l->o->format, l->o->noheading, rows, &out, e) < 0)
        return -1;
    fputs(buf_str(&out), stdout);
    return 0;
}

/* The plain list needs sizes and nothing else of layers, and sizes are remembered. */
static int open_room(struct room *r, struct list *l, const char *operand, struct err *e)
{
    const struct images_opts *o = l->o;
    if (roots_open(&r->roots, e) < 0 || store_open_images(&r->roots, &r->store, e) < 0)
        return -1;
    bool plain = !operand && !o->filters.n && !is_dear(o->format);
    size_t i;
    json_t *img;
    store_foreach_image(&r->store, i, img) plain = plain && image_names(img) > 0;
    if (!plain && store_need_layers(&r->store, e) < 0)
        return -1;
    return sizes_load(&r->store, &l->sizes, e);
}

int verb_images(int argc, char **argv)
{
    struct images_opts o = {0};
    struct err e = ERR_INIT;
    cleanup_room r = ROOM_INIT;
    int code, first = say_parse(&command, &o, argc, argv, &code);
    if (first < 0)
        return code;
    struct list l = {.s = &r.store, .o = &o};
    code = EXIT_DONE;
    if (open_room(&r, &l, argv[first], &e) < 0 || collect(&l, argv[first], &e) < 0)
        code = say_error(&e);
    else if (o.quiet)
        print_ids(&l);
    else if (print_table(&l, &e) < 0)
        code = say_error(&e);
    for (size_t i = 0; i < l.n; i++) {
        free(l.v[i].repo);
        free(l.v[i].tag);
    }
    free(l.v);
    sizes_free(&l.sizes);
    strv_free(&o.filters);
    return say_end(code);
}
