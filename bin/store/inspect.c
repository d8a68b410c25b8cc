/* pod image inspect: podman's JSON of images. */
#include "store/room.h"

#include "things/table.h"
#include "words/template.h"
#include "words/timefmt.h"

struct inspect_opts {
    const char *format, *type;
};
static const struct opt options[] = {
    {"format", 'f', OPT_STR, "FORMAT", "json, or a Go template",
     offsetof(struct inspect_opts, format)},
    {"type", 't', OPT_STR, "TYPE", NULL, offsetof(struct inspect_opts, type)},
    {0},
};
static const struct cmd command = {
    .name = "pod image inspect",
    .operands = "IMAGE...",
    .summary = "Show all that is known of images, as JSON",
    .more = "Exit codes: 0 done, 125 an image is not known or pod failed.",
    .opts = options,
    .min = 1,
    .max = -1,
};

/* Members of from, in this order, as far as there. */
static json_t *pick(const json_t *from, const char *const *keys)
{
    json_t *o = json_object();
    for (; *keys; keys++) {
        json_t *v = json_object_get(from, *keys);
        if (v && !json_is_null(v))
            jx_set(o, *keys, json_incref(v));
    }
    return o;
}

static void set_or(json_t *o, const char *key, json_t *borrowed, json_t *otherwise)
{
    if (borrowed && !json_is_null(borrowed)) {
        json_object_set(o, key, borrowed);
        json_decref(otherwise);
    } else {
        json_object_set_new(o, key, otherwise);
    }
}

static json_t *graph_driver(const struct store *s, const json_t *img)
{
    cleanup(buf_free) struct buf b = BUF_INIT;
    const char *top = jx_str(img, "layer"), *overlay = "overlay";
    struct strv chain = STRV_INIT;
    struct err ignored = ERR_INIT;
    json_t *data = json_object();
    (void)store_chain(s, top, &chain, &ignored);
    for (size_t i = 1; i < chain.n; i++)
        buf_addf(&b, "%s%s/overlay/%s/diff", i > 1 ? ":" : "", s->roots->graph_path, chain.v[i]);
    if (b.len)
        row_text(data, "LowerDir", &b);
    if (*top) {
        buf_addf(&b, "%s/overlay/%s/diff", s->roots->graph_path, top);
        row_text(data, "UpperDir", &b);
        buf_addf(&b, "%s/overlay/%s/work", s->roots->graph_path, top);
        row_text(data, "WorkDir", &b);
    }
    strv_free(&chain);
    return json_pack("{s:s, s:o}", "Name", overlay, "Data", data);
}

/* The image's own, which Docker wrote, else its first step's. */
static const char *comment_of(const json_t *config)
{
    const char *own = jx_str(config, "comment");
    return *own ? own : jx_str(json_array_get(json_object_get(config, "history"), 0), "comment");
}

static json_t *steps_of(const json_t *config)
{
    static const char *const keys[] = {"created", "created_by",  "author",
                                       "comment", "empty_layer", NULL};
    json_t *list = json_array(), *step;
    size_t i;
    json_array_foreach(json_object_get(config, "history"), i, step)
        json_array_append_new(list, pick(step, keys));
    return list;
}

/* In a template a point in time looks as Go prints it. */
static void set_go_time(json_t *o, const char *text)
{
    cleanup(buf_free) struct buf b = BUF_INIT;
    struct timespec t;
    if (timefmt_parse(text, &t) < 0)
        return;
    timefmt_go(&b, t, TIMEFMT_UTC);
    row_text(o, ".Created", &b);
}

static json_t *describe(const struct store *s, const json_t *img, const json_t *config,
                        const json_t *manifest)
{
    static const char *const config_keys[] = {
        "User",       "ExposedPorts", "Env",        "Entrypoint",  "Cmd", "Volumes",
        "WorkingDir", "Labels",       "StopSignal", "ArgsEscaped", NULL};
    static const char *const oci = "application/vnd.oci.image.manifest.v1+json";
    json_t *run = json_object_get(config, "config");
    const json_t *parent = image_parent(s, img);
    int64_t size = store_image_size(s, img);
    json_t *o = json_pack("{s:s, s:s}", "Id", jx_str(img, "id"), "Digest", jx_str(img, "digest"));
    json_object_set_new(o, "RepoTags", image_tags(img));
    json_object_set_new(o, "RepoDigests", image_repo_digests(img));
    json_object_set_new(o, "Parent", json_string(jx_str(parent, "id")));
    json_object_set_new(o, "Comment", json_string(comment_of(config)));
    set_or(o, "Created", json_object_get(config, "created"), json_string(jx_str(img, "created")));
    set_go_time(o, jx_str(o, "Created"));
    json_object_set_new(o, "Config", pick(run, config_keys));
    json_object_set_new(o, "Version", json_string(jx_str(config, "docker_version")));
    json_object_set_new(o, "Author", json_string(jx_str(config, "author")));
    json_object_set_new(o, "Architecture", json_string(jx_str(config, "architecture")));
    jx_set_str(o, "Variant", jx_str(config, "variant"));
    json_object_set_new(o, "Os", json_string(jx_str(config, "os")));
    json_object_set_new(o, "Size", json_integer(size < 0 ? 0 : size));
    json_object_set_new(o, "VirtualSize", json_integer(size < 0 ? 0 : size));
    json_object_set_new(o, "GraphDriver", graph_driver(s, img));
    json_t *diffs = json_object_get(json_object_get(config, "rootfs"), "diff_ids");
    json_object_set_new(o, "RootFS",
                        json_pack("{s:s, s:o}", "Type", "layers", "Layers",
                                  diffs ? json_incref(diffs) : json_array()));
    set_or(o, "Labels", config_labels(config), json_null());
    if (!config_labels(config))
        json_object_set_new(o, ".Labels", json_object());
    set_or(o, "Annotations", json_object_get(manifest, "annotations"), json_object());
    const char *type = jx_str(manifest, "mediaType");
    json_object_set_new(o, "ManifestType", json_string(*type ? type : oci));
    json_object_set_new(o, "User", json_string(jx_str(run, "User")));
    json_object_set_new(o, "History", steps_of(config));
    set_or(o, "NamesHistory", json_object_get(img, "names-history"), json_array());
    set_or(o, "Healthcheck", json_object_get(run, "Healthcheck"), json_null());
    if (json_is_null(json_object_get(o, "Healthcheck")))
        json_object_del(o, "Healthcheck");
    return o;
}

static int inspect_one(const struct store *s, const char *name, json_t *list, struct err *e)
{
    json_t *img;
    cleanup_json config = NULL;
    cleanup_json manifest = NULL;
    struct err ignored = ERR_INIT;
    if (store_find(s, name, &img, NULL, e) < 0 || store_config(s, img, &config, e) < 0)
        return err_prefix(e, "inspecting object");
    (void)store_manifest(s, img, &manifest, &ignored);
    json_array_append_new(list, describe(s, img, config, manifest));
    return 0;
}

static int print_list(json_t *list, const char *format, struct err *e)
{
    cleanup(buf_free) struct buf out = BUF_INIT;
    size_t i;
    json_t *v;
    bool whole = !format || !*format || table_is_json(format);
    if (whole) {
        if (template_json(list, 5, 1, &out, e) < 0)
            return -1;
        buf_addc(&out, '\n');
    }
    json_array_foreach(list, i, v)
    {
        if (!whole && table_render_one(format, 5, v, &out, e) < 0)
            return -1;
    }
    fwrite(buf_str(&out), 1, out.len, stdout);
    return 0;
}

int verb_inspect(int argc, char **argv)
{
    struct inspect_opts o = {0};
    struct err e = ERR_INIT;
    cleanup_room r = ROOM_INIT;
    int code, first = say_parse(&command, &o, argc, argv, &code);
    if (first < 0)
        return code;
    if (o.type && strcmp(o.type, "image") != 0 && strcmp(o.type, "all") != 0) {
        err_set(&e, 0, "invalid type: \"%s\" is not image", o.type);
        return say_error(&e);
    }
    if (room_open(&r, &e) < 0)
        return say_error(&e);
    cleanup_json list = json_array();
    struct errors errors = {0};
    for (int i = first; i < argc; i++) {
        e = (struct err)ERR_INIT;
        if (inspect_one(&r.store, argv[i], list, &e) < 0)
            errors_add(&errors, &e);
    }
    code = errors.msgs.n ? EXIT_TOOL : EXIT_DONE;
    e = (struct err)ERR_INIT;
    if (print_list(list, o.format, &e) < 0)
        code = say_error(&e);
    errors_say(&errors);
    return say_end(code);
}
