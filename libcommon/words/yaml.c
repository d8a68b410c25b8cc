#include "words/yaml.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#define MAX_DEPTH 64
#define MAX_NODES 100000 /* with every alias followed */

struct walk {
    yaml_document_t *doc;
    size_t nodes;
};

static json_t *node(struct walk *w, int index, int depth);

/* What a scalar that stands without quotes means. */
static json_t *plain(const char *s)
{
    static const char *const nulls[] = {"", "~", "null", "Null", "NULL", NULL};
    static const char *const trues[] = {"true", "True", "TRUE", NULL};
    static const char *const falses[] = {"false", "False", "FALSE", NULL};
    char *end;
    if (str_in(s, nulls))
        return json_null();
    if (str_in(s, trues) || str_in(s, falses))
        return json_boolean(str_in(s, trues));
    if (strspn(s, "+-0123456789") == 0 && *s != '.')
        return json_string(s);
    errno = 0;
    long long n = str_starts(s, "0o") ? strtoll(s + 2, &end, 8) : strtoll(s, &end, 0);
    if (!errno && !*end)
        return json_integer(n);
    double d = strtod(s, &end);
    json_t *real = *end ? NULL : json_real(d);
    return real ? real : json_string(s);
}

static json_t *scalar(const yaml_node_t *n)
{
    const char *s = (const char *)n->data.scalar.value;
    if (strlen(s) != n->data.scalar.length)
        return NULL; /* a NUL in it */
    return n->data.scalar.style == YAML_PLAIN_SCALAR_STYLE ? plain(s) : json_string(s);
}

static json_t *sequence(struct walk *w, const yaml_node_t *n, int depth)
{
    json_t *list = json_array();
    const yaml_node_item_t *i = n->data.sequence.items.start;
    for (; i < n->data.sequence.items.top; i++) {
        json_t *value = node(w, *i, depth);
        if (!value) {
            json_decref(list);
            return NULL;
        }
        json_array_append_new(list, value);
    }
    return list;
}

static json_t *mapping(struct walk *w, const yaml_node_t *n, int depth)
{
    json_t *map = json_object();
    const yaml_node_pair_t *p = n->data.mapping.pairs.start;
    for (; p < n->data.mapping.pairs.top; p++) {
        const yaml_node_t *key = yaml_document_get_node(w->doc, p->key);
        const char *name =
            key && key->type == YAML_SCALAR_NODE ? (const char *)key->data.scalar.value : NULL;
        json_t *value = name && !json_object_get(map, name) ? node(w, p->value, depth) : NULL;
        if (!value || json_object_set_new(map, name, value) < 0) {
            json_decref(map);
            return NULL;
        }
    }
    return map;
}

/* NULL: not what we take. */
static json_t *node(struct walk *w, int index, int depth)
{
    const yaml_node_t *n = yaml_document_get_node(w->doc, index);
    if (!n || depth > MAX_DEPTH || ++w->nodes > MAX_NODES)
        return NULL;
    switch (n->type) {
    case YAML_SCALAR_NODE:
        return scalar(n);
    case YAML_SEQUENCE_NODE:
        return sequence(w, n, depth + 1);
    case YAML_MAPPING_NODE:
        return mapping(w, n, depth + 1);
    default:
        return NULL;
    }
}

int yaml_parse(const char *what, const char *p, size_t n, json_t **ret, struct err *e)
{
    yaml_parser_t parser;
    yaml_document_t doc;
    if (!yaml_parser_initialize(&parser))
        return err_set(e, 0, "%s: out of memory", what);
    yaml_parser_set_input_string(&parser, (const unsigned char *)p, n);
    if (!yaml_parser_load(&parser, &doc)) {
        err_set(e, 0, "%s: line %zu: %s", what, parser.problem_mark.line + 1,
                parser.problem ? parser.problem : "no YAML");
        yaml_parser_delete(&parser);
        return -1;
    }
    struct walk w = {.doc = &doc};
    const yaml_node_t *root = yaml_document_get_root_node(&doc);
    *ret = root ? node(&w, 1, 0) : NULL;
    yaml_document_delete(&doc);
    yaml_parser_delete(&parser);
    return *ret ? 0 : err_set(e, 0, "%s: no plain data, or too much of it", what);
}
