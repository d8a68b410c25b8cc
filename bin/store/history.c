/* pod history: how an image was built, newest step first. */
#include "store/room.h"

#include "things/table.h"
#include "words/template.h"
#include "words/timefmt.h"
#include "words/units.h"

struct history_opts {
    const char *format;
    int human;
    bool no_trunc, quiet;
};
static const struct opt options[] = {
    {"format", 0, OPT_STR, "FORMAT", "json, or a Go template",
     offsetof(struct history_opts, format)},
    {"human", 'H', OPT_TRI, NULL, "Sizes and dates as people say them (the default)",
     offsetof(struct history_opts, human)},
    {"no-trunc", 0, OPT_BOOL, NULL, "Show whole ids and commands",
     offsetof(struct history_opts, no_trunc)},
    {"quiet", 'q', OPT_BOOL, NULL, "Ids only", offsetof(struct history_opts, quiet)},
    {0},
};
static const struct cmd command = {
    .name = "pod history",
    .operands = "IMAGE",
    .summary = "Show how an image was built",
    .more = "Exit codes: 0 done, 125 pod failed.",
    .opts = options,
    .min = 1,
    .max = 1,
};
static const struct table_column columns[] = {
    {"ID", NULL},      {"Created", NULL},           {"CreatedBy", "CREATED BY"}, {"Size", NULL},
    {"Comment", NULL}, {"CreatedSince", "CREATED"}, {"CreatedAt", "CREATED AT"}, {NULL, NULL},
};

static void set_created(json_t *row, const struct history_opts *o, const char *text)
{
    cleanup(buf_free) struct buf b = BUF_INIT;
    struct timespec t = {.tv_sec = TIMEFMT_NEVER};
    (void)timefmt_parse(text, &t);
    t.tv_nsec = 0;
    json_object_set_new(row, "created", json_string(text));
    timefmt_rfc3339(&b, t);
    row_text(row, "Created", &b);
    timefmt_go(&b, t, TIMEFMT_UTC);
    row_text(row, ".CreatedAt", &b);
    timefmt_ago(&b, t, timefmt_clock());
    json_object_set_new(row, ".CreatedSince", json_string(buf_str(&b)));
    if (!o->human)
        buf_clear(&b), timefmt_rfc3339(&b, t);
    row_text(row, ".Created", &b);
}

/* Shell commands of many lines would tear the table; 45 characters as podman and docker. */
static void set_created_by(json_t *row, const struct history_opts *o, const char *text)
{
    cleanup(buf_free) struct buf b = BUF_INIT;
    for (const char *p = text; *p; p++)
        buf_addc(&b, *p == '\t' || *p == '\n' ? ' ' : *p);
    if (!o->no_trunc && b.len > 45) {
        size_t n = 42;
        while (n > 0 && ((unsigned char)b.s[n] & 0xc0) == 0x80)
            n--;
        b.len = n;
        buf_adds(&b, "...");
    }
    json_object_set_new(row, "CreatedBy", json_string(text));
    row_text(row, ".CreatedBy", &b);
}

static json_t *make_row(const struct history_opts *o, const json_t *step, const json_t *img,
                        int64_t size)
{
    cleanup(buf_free) struct buf b = BUF_INIT;
    const char *id = img ? jx_str(img, "id") : "<missing>";
    json_t *row = json_pack("{s:s}", "id", id);
    json_object_set_new(row, ".ID", img && !o->no_trunc ? json_stringn(id, 12) : json_string(id));
    set_created(row, o, jx_str(step, "created"));
    set_created_by(row, o, jx_str(step, "created_by"));
    json_object_set_new(row, "size", json_integer(size));
    if (*jx_str(step, "comment"))
        json_object_set_new(row, "comment", json_string(jx_str(step, "comment")));
    json_object_set_new(row, ".Comment", json_string(jx_str(step, "comment")));
    json_t *names = img ? json_object_get(img, "names") : NULL;
    if (json_array_size(names))
        json_object_set(row, "tags", names);
    json_object_set_new(row, ".Tags", names ? json_incref(names) : json_array());
    units_human_size(&b, (uint64_t)size, 3, " ");
    row_text(row, ".Size", &b);
    return row;
}

/* Steps from the last one back; each that wrote files takes the next layer down. */
static int collect(const struct store *s, json_t *img, const struct history_opts *o, json_t *rows,
                   struct err *e)
{
    cleanup_json config = NULL;
    struct strv chain = STRV_INIT;
    if (store_config(s, img, &config, e) < 0 || store_chain(s, jx_str(img, "layer"), &chain, e) < 0)
        return -1;
    const json_t *history = json_object_get(config, "history");
    size_t layer = 0;
    for (size_t i = json_array_size(history); i-- > 0;) {
        const json_t *step = json_array_get(history, i);
        int64_t size = 0;
        if (!jx_bool(step, "empty_layer") && layer < chain.n)
            size = jx_int(store_layer(s, chain.v[layer++]), "diff-size", 0);
        json_array_append_new(rows, make_row(o, step, img, size < 0 ? 0 : size));
        img = img ? image_parent(s, img) : NULL;
    }
    for (; layer < chain.n && json_array_size(history) == 0; layer++) {
        int64_t size = jx_int(store_layer(s, chain.v[layer]), "diff-size", 0);
        json_array_append_new(rows, make_row(o, NULL, layer ? NULL : img, size < 0 ? 0 : size));
    }
    strv_free(&chain);
    return 0;
}

static int print_rows(const struct history_opts *o, json_t *rows, struct err *e)
{
    static const struct table_spec spec = {
        .columns = columns,
        .default_format = "table {{.ID}}\t{{.Created}}\t{{.CreatedBy}}\t{{.Size}}\t{{.Comment}}",
    };
    cleanup(buf_free) struct buf out = BUF_INIT;
    int r = table_is_json(o->format)
                ? template_json(rows, 0, 1, &out, e)
                : table_render(&spec, o->quiet ? "{{.ID}}" : o->format, false, rows, &out, e);
    if (r < 0)
        return -1;
    fwrite(buf_str(&out), 1, out.len, stdout);
    if (table_is_json(o->format))
        putchar('\n');
    return 0;
}

int verb_history(int argc, char **argv)
{
    struct history_opts o = {.human = 1};
    struct err e = ERR_INIT;
    cleanup_room r = ROOM_INIT;
    json_t *img;
    int code, first = say_parse(&command, &o, argc, argv, &code);
    if (first < 0)
        return code;
    cleanup_json rows = json_array();
    if (room_open(&r, &e) < 0 || store_find(&r.store, argv[first], &img, NULL, &e) < 0 ||
        collect(&r.store, img, &o, rows, &e) < 0 || print_rows(&o, rows, &e) < 0)
        return say_error(&e);
    return say_end(EXIT_DONE);
}
