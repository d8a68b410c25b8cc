/*
 * pod store df: what the store costs. Each layer is counted once, from the sizes that its record
 * has; only the writable layers of containers and the volumes are walked.
 */
#include "store/room.h"

#include "disk/at.h"
#include "plain/fdio.h"
#include "store/usage.h"
#include "things/ctr.h"
#include "things/table.h"
#include "things/volume.h"
#include "words/timefmt.h"
#include "words/units.h"

#include <dirent.h>
#include <unistd.h>

struct df_opts {
    bool verbose;
    const char *format;
};
static const struct opt options[] = {
    {"format", 0, OPT_STR, "FORMAT", "json, or a Go template", offsetof(struct df_opts, format)},
    {"verbose", 'v', OPT_BOOL, NULL, "Image by image, container by container",
     offsetof(struct df_opts, verbose)},
    {0},
};
static const struct cmd command = {
    .name = "pod store df",
    .operands = "",
    .summary = "Show how much disk is used",
    .more = "A layer that several images share is counted once. RECLAIMABLE is what would be free\n"
            "without the things no container uses.\n\nExit codes: 0 done, 125 pod failed.",
    .opts = options,
    .min = 0,
    .max = 0,
};

static void human(json_t *row, const char *key, int64_t n)
{
    cleanup(buf_free) struct buf b = BUF_INIT;
    units_human_size(&b, (uint64_t)(n < 0 ? 0 : n), 4, "");
    row_text(row, key, &b);
}

static void add_row(json_t *rows, const char *type, const struct usage *u)
{
    cleanup(buf_free) struct buf b = BUF_INIT;
    int percent = u->size > 0 ? (int)((double)u->reclaimable / (double)u->size * 100 + 0.5) : 0;
    json_t *row = json_pack("{s:s, s:I, s:I, s:I, s:I}", "Type", type, "Total",
                            (json_int_t)u->total, "Active", (json_int_t)u->active, "RawSize",
                            (json_int_t)u->size, "RawReclaimable", (json_int_t)u->reclaimable);
    json_object_set(row, "TotalCount", json_object_get(row, "Total"));
    human(row, "Size", u->size);
    units_human_size(&b, (uint64_t)(u->reclaimable < 0 ? 0 : u->reclaimable), 4, "");
    buf_addf(&b, " (%d%%)", percent);
    row_text(row, "Reclaimable", &b);
    json_array_append_new(rows, row);
}

static int summary(const struct room *r, const char *format, struct err *e)
{
    static const struct table_spec spec = {
        .default_format = "table {{.Type}}\t{{.Total}}\t{{.Active}}\t{{.Size}}\t{{.Reclaimable}}"};
    cleanup(buf_free) struct buf out = BUF_INIT;
    cleanup_json rows = json_array();
    struct usage u;
    usage_images(&r->store, &u);
    add_row(rows, "Images", &u);
    usage_containers(&r->roots, &u);
    add_row(rows, "Containers", &u);
    usage_volumes(&r->roots, &u);
    add_row(rows, "Local Volumes", &u);
    usage_unused_layers(&r->store, &u);
    if (u.total)
        add_row(rows, "Unused Layers", &u);
    if (table_render(&spec, format, false, rows, &out, e) < 0)
        return -1;
    fputs(buf_str(&out), stdout);
    return 0;
}

static void image_row(const struct store *s, const json_t *img, const char *name, json_t *rows)
{
    cleanup(buf_free) struct buf b = BUF_INIT;
    struct strv users = STRV_INIT;
    struct err ignored = ERR_INIT;
    char *repo, *tag;
    if (name)
        name_split(name, &repo, &tag);
    json_t *row =
        json_pack("{s:s, s:s}", "Repository", name ? repo : "<none>", "Tag", name ? tag : "<none>");
    if (name) {
        free(repo);
        free(tag);
    }
    json_object_set_new(row, "ImageID", json_stringn(jx_str(img, "id"), 12));
    units_human_time(&b, timefmt_to_ns(timefmt_clock()) - timefmt_to_ns(image_created(img)));
    row_text(row, "Created", &b);
    int64_t size = store_image_size(s, img), unique = usage_unique(s, img);
    human(row, "Size", size);
    human(row, "SharedSize", size - unique);
    human(row, "UniqueSize", unique);
    (void)store_users(s, jx_str(img, "id"), &users, &ignored);
    json_object_set_new(row, "Containers", json_integer((json_int_t)users.n));
    strv_free(&users);
    json_array_append_new(rows, row);
}

static int print_images(const struct store *s, struct buf *out, struct err *e)
{
    static const struct table_column columns[] = {{"ImageID", "IMAGE ID"}, {NULL, NULL}};
    static const struct table_spec spec = {
        .columns = columns,
        .default_format = "table {{.Repository}}\t{{.Tag}}\t{{.ImageID}}\t{{.Created}}\t{{.Size}}"
                          "\t{{.SharedSize}}\t{{.UniqueSize}}\t{{.Containers}}"};
    cleanup_json rows = json_array();
    size_t i;
    json_t *img;
    store_foreach_image(s, i, img)
    {
        for (size_t k = 0; k < image_names(img); k++)
            image_row(s, img, image_name(img, k), rows);
        if (image_names(img) == 0)
            image_row(s, img, NULL, rows);
    }
    buf_adds(out, "Images space usage:\n\n");
    return table_render(&spec, NULL, false, rows, out, e);
}

static void container_row(const struct roots *r, const char *id, json_t *rows)
{
    cleanup(buf_free) struct buf b = BUF_INIT;
    struct ctr c = CTR_INIT;
    struct ctr_status st;
    struct err ignored = ERR_INIT;
    struct timespec created = {.tv_sec = TIMEFMT_NEVER};
    if (ctr_open(r, id, &c, &ignored) < 0)
        return;
    ctr_status(r, &c, &st);
    cleanup(strv_free) struct strv volumes = STRV_INIT;
    volumes_of(c.record, false, &volumes);
    json_t *row = json_pack(
        "{s:o, s:s, s:s, s:I}", "Image", json_sprintf("%.12s", jx_str(c.record, "image")), "Names",
        ctr_name(&c), "Status", ctr_state_name(st.state), "LocalVolumes", (json_int_t)volumes.n);
    json_object_set_new(row, "ContainerID", json_stringn(id, 12));
    struct strv command_words = STRV_INIT;
    jx_strv(c.record, "command", &command_words);
    for (size_t i = 0; i < command_words.n; i++)
        buf_addf(&b, "%s%.40s", i ? " " : "", command_words.v[i]);
    strv_free(&command_words);
    row_text(row, "Command", &b);
    (void)timefmt_parse(jx_str(c.record, "created"), &created);
    units_human_time(&b, timefmt_to_ns(timefmt_clock()) - timefmt_to_ns(created));
    row_text(row, "Created", &b);
    human(row, "Size", usage_of_tree(c.dir, "upper"));
    json_array_append_new(rows, row);
    ctr_close(&c);
}

static int print_containers(const struct roots *r, struct buf *out, struct err *e)
{
    static const struct table_column columns[] = {{"ContainerID", "CONTAINER ID"}, {NULL, NULL}};
    static const struct table_spec spec = {
        .columns = columns,
        .default_format =
            "table {{.ContainerID}}\t{{.Image}}\t{{.Command}}\t{{.LocalVolumes}}\t{{.Size}}"
            "\t{{.Created}}\t{{.Status}}\t{{.Names}}"};
    cleanup_json rows = json_array();
    struct strv ids = STRV_INIT;
    if (ctr_list(r, &ids, e) < 0)
        return -1;
    for (size_t i = 0; i < ids.n; i++)
        container_row(r, ids.v[i], rows);
    strv_free(&ids);
    buf_adds(out, "\nContainers space usage:\n\n");
    return table_render(&spec, NULL, false, rows, out, e);
}

static int print_volumes(const struct roots *r, struct buf *out, struct err *e)
{
    static const struct table_column columns[] = {{"VolumeName", "VOLUME NAME"}, {NULL, NULL}};
    static const struct table_spec spec = {
        .columns = columns, .default_format = "table {{.VolumeName}}\t{{.Links}}\t{{.Size}}"};
    cleanup_json rows = json_array();
    cleanup(strv_free) struct strv used = STRV_INIT, names = STRV_INIT;
    volume_list(r, &names);
    volumes_used(r, &used);
    for (size_t i = 0; i < names.n; i++) {
        json_int_t links = 0;
        for (size_t k = 0; k < used.n; k++)
            links += strcmp(used.v[k], names.v[i]) == 0;
        json_t *row = json_pack("{s:s, s:I}", "VolumeName", names.v[i], "Links", links);
        human(row, "Size", usage_of_volume(r, names.v[i]));
        json_array_append_new(rows, row);
    }
    buf_adds(out, "\nLocal Volumes space usage:\n\n");
    return table_render(&spec, NULL, false, rows, out, e);
}

static int details(const struct room *r, struct err *e)
{
    cleanup(buf_free) struct buf out = BUF_INIT;
    if (print_images(&r->store, &out, e) < 0 || print_containers(&r->roots, &out, e) < 0 ||
        print_volumes(&r->roots, &out, e) < 0)
        return -1;
    fputs(buf_str(&out), stdout);
    return 0;
}

int verb_df(int argc, char **argv)
{
    struct df_opts o = {0};
    struct err e = ERR_INIT;
    cleanup_room r = ROOM_INIT;
    int code;
    if (say_parse(&command, &o, argc, argv, &code) < 0)
        return code;
    if (o.verbose && o.format) {
        err_set(&e, 0, "cannot combine --format and --verbose flags");
        return say_error(&e);
    }
    if (room_open(&r, &e) < 0 || store_load_containers(&r.store, &e) < 0 ||
        (o.verbose ? details(&r, &e) : summary(&r, o.format, &e)) < 0)
        return say_error(&e);
    return say_end(EXIT_DONE);
}
