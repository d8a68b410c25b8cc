/* pod-inspect: all about containers, images and pods as JSON, in podman's shape. */
#include "inspect/inspect.h"
#include "say.h"

#include "things/ctr.h"
#include "things/spawn.h"
#include "things/table.h"
#include "things/volume.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MAX_ANSWER (64 << 20)

struct options {
    const char *format, *type;
    bool latest, size;
};

#define AT(f) offsetof(struct options, f)
static const struct opt options[] = {
    {"format", 'f', OPT_STR, "FORMAT", "json or a Go template", AT(format)},
    {"latest", 'l', OPT_BOOL, NULL, "The container created last", AT(latest)},
    {"size", 's', OPT_BOOL, NULL, "With the sizes of containers", AT(size)},
    {"type", 't', OPT_STR, "TYPE", "container, image, pod, volume or all", AT(type)},
    {0},
};

static const struct cmd command = {
    .name = "pod inspect",
    .operands = "NAME...",
    .summary = "Show all about containers, images, pods and volumes",
    .more = "Exit codes: 0 done, 125 pod failed or there is nothing of that name.",
    .opts = options,
    .max = -1,
};

/*
 * Images, pods and volumes have programs of their own. What they say joins the list: their objects,
 * or with a template the finished text.
 */
static int elsewhere(const char *program, const char *name, const struct options *o, json_t *list,
                     struct err *e)
{
    cleanup(strv_free) struct strv argv = STRV_INIT;
    cleanup(buf_free) struct buf text = BUF_INIT;
    cleanup_json said = NULL;
    bool template = o->format && !table_is_json(o->format);
    strv_take(&argv, bin_path(program));
    strv_add(&argv, "inspect");
    if (template) {
        strv_add(&argv, "--format");
        strv_add(&argv, o->format);
    }
    strv_add(&argv, name);
    struct spawn s = {.argv = argv.v, .in = -1, .err = -1, .report = -1};
    if (spawn_and_read(&s, MAX_ANSWER, &text, e) != 0)
        return -1;
    if (template)
        return json_array_append_new(list, json_string(buf_str(&text)));
    if (jx_parse(program, text.s, text.len, &said, e) < 0)
        return -1;
    return json_is_array(said) ? json_array_extend(list, said) : json_array_append(list, said);
}

static bool asks(const struct options *o, const char *type)
{
    return !o->type || strcmp(o->type, "all") == 0 || strcmp(o->type, type) == 0;
}

static bool kind_ok(const char *type)
{
    static const char *const kinds[] = {"image",  "container", "pod", "network",
                                        "volume", "all",       NULL};
    return str_in(type, kinds);
}

static int add_container(const struct roots *r, struct ctr *c, const struct options *o,
                         json_t *list, struct err *e)
{
    json_t *item = inspect_container(r, c, o->size, e);
    ctr_close(c);
    if (!item)
        return -1;
    json_t *state = json_object_get(item, "State");
    if (o->format && strstr(o->format, ".Healthcheck")) /* how podman 4 and older call it too */
        json_object_set(state, "Healthcheck", json_object_get(state, "Health"));
    json_array_append_new(list, item);
    return 0;
}

static int one(const struct roots *r, const char *name, const struct options *o, json_t *list,
               struct err *e)
{
    struct ctr c;
    if (asks(o, "container")) {
        if (ctr_find(r, name, &c, e) == 0)
            return add_container(r, &c, o, list, e);
        if (!strstr(e->msg, "no such container"))
            return -1;
    }
    if (asks(o, "image") && elsewhere("pod-store", name, o, list, e) == 0)
        return 0;
    if (asks(o, "pod") && elsewhere("pod-pod", name, o, list, e) == 0)
        return 0;
    if (asks(o, "volume") && volume_exists(r, name) &&
        elsewhere("pod-volume", name, o, list, e) == 0)
        return 0;
    const char *type = o->type ? o->type : "all";
    if (strcmp(type, "image") == 0)
        return err_set(e, 0, "%s: image not known", name);
    if (strcmp(type, "all") == 0)
        return err_set(e, 0, "no such object: \"%s\"", name);
    return err_set(e, 0, "no such %s %s", type, name);
}

static int print(json_t *list, const struct options *o, struct err *e)
{
    cleanup(buf_free) struct buf out = BUF_INIT;
    json_t *v;
    size_t i;
    if (!o->format || table_is_json(o->format)) {
        cleanup_free char *text = json_dumps(list, JSON_INDENT(5));
        puts(text ? text : "[]");
        return 0;
    }
    json_array_foreach(list, i, v)
    {
        if (json_is_string(v))
            buf_adds(&out, json_string_value(v));
        else if (table_render_one(o->format, 5, v, &out, e) < 0)
            return -1;
    }
    fputs(buf_str(&out), stdout);
    return 0;
}

int main(int argc, char **argv)
{
    struct err e = ERR_INIT;
    struct options o = {0};
    struct roots r;
    struct ctr c;
    cleanup_json list = json_array();
    int code = 0;
    int first = say_parse(&command, &o, argc, argv, &code);
    if (first < 0)
        return code;
    if (o.type && !kind_ok(o.type))
        err_set(&e, 0,
                "invalid type \"%s\": must be \"image\", \"container\", \"pod\", \"network\", "
                "\"volume\", or \"all\"",
                o.type);
    else if (first == argc && !o.latest)
        err_set(&e, 0, "no names or ids specified");
    if (e.code || roots_open(&r, &e) < 0 || (o.latest && ctr_latest(&r, &c, &e) < 0))
        return say_error(&e);
    if (o.latest && add_container(&r, &c, &o, list, &e) < 0)
        return say_error(&e);
    struct err *failed = xcalloc((size_t)argc, sizeof *failed);
    size_t n = 0;
    for (int i = first; i < argc; i++)
        if (one(&r, argv[i], &o, list, &failed[n]) < 0)
            n++;
        else
            failed[n] = (struct err)ERR_INIT;
    if (print(list, &o, &e) < 0)
        code = say_error(&e);
    for (size_t i = 0; i < n; i++)
        code = say_error(&failed[i]);
    free(failed);
    return say_end(code);
}
