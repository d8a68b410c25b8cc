#include "store/filter.h"

#include "words/filter.h"
#include "words/timefmt.h"

#include <fnmatch.h>

enum key {
    AFTER,
    BEFORE,
    CONTAINERS,
    DANGLING,
    ID,
    INTERMEDIATE,
    LABEL,
    READONLY,
    REFERENCE,
    UNTIL,
    NKEYS
};

static const struct {
    const char *name;
    enum key key;
} keys[] = {
    {"after", AFTER},
    {"since", AFTER},
    {"before", BEFORE},
    {"containers", CONTAINERS},
    {"dangling", DANGLING},
    {"id", ID},
    {"intermediate", INTERMEDIATE},
    {"label", LABEL},
    {"readonly", READONLY},
    {"reference", REFERENCE},
    {"until", UNTIL},
};

struct test {
    enum key key;
    bool negated; /* KEY!=VALUE */
    char *value;
    bool want;            /* of the boolean keys */
    struct timespec when; /* of after, before, until */
};

struct filter {
    const struct store *s;
    struct test *tests;
    size_t n;
};

static int bool_value(const char *key, const char *value, bool *ret, struct err *e)
{
    if (filter_truth(value, ret) == 0)
        return 0;
    return err_set(e, 0,
                   "non-boolean value \"%s\" for %s filter: strconv.ParseBool: parsing "
                   "\"%s\": invalid syntax",
                   value, key, value);
}

static int of_image(const struct store *s, const char *key, const char *value, struct timespec *ret,
                    struct err *e)
{
    json_t *img;
    if (store_find(s, value, &img, NULL, e) < 0)
        return err_prefix(e, "could not find local image for filter \"%s\"=\"%s\"", key, value);
    *ret = image_created(img);
    return 0;
}

static int compile_one(const struct store *s, const char *text, struct test *ret, struct err *e)
{
    const char *eq = strchr(text, '=');
    bool negated = eq && eq > text && eq[-1] == '!';
    cleanup_free char *name = xstrndup(text, eq ? (size_t)(eq - text) - negated : strlen(text));
    struct test t = {.key = NKEYS, .negated = negated, .value = xstrdup(eq ? eq + 1 : "")};
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
        if (strcmp(keys[i].name, name) == 0)
            t.key = keys[i].key;
    int r = 0;
    if (!eq)
        r = err_set(e, 0,
                    "invalid image filter \"%s\": must be in the format \"filter=value or "
                    "filter!=value\"",
                    text);
    else if (t.key == NKEYS)
        r = err_set(e, 0, "unsupported image filter \"%s\"", name);
    else if (t.key == AFTER || t.key == BEFORE)
        r = of_image(s, name, t.value, &t.when, e);
    else if (t.key == UNTIL && timefmt_point(t.value, timefmt_clock(), &t.when) < 0)
        r = err_set(e, 0, "failed to parse value as time or duration: \"%s\"", t.value);
    else if (t.key == CONTAINERS || t.key == DANGLING || t.key == INTERMEDIATE || t.key == READONLY)
        r = bool_value(name, t.value, &t.want, e);
    if (r < 0)
        free(t.value);
    else
        *ret = t;
    return r;
}

int filter_compile(const struct store *s, const struct strv *filters, struct filter **ret,
                   struct err *e)
{
    struct filter *f = xcalloc(1, sizeof *f);
    f->s = s;
    f->tests = xcalloc(filters->n + 1, sizeof *f->tests);
    for (size_t i = 0; i < filters->n; i++) {
        if (compile_one(s, filters->v[i], &f->tests[i], e) < 0) {
            filter_free(f);
            return -1;
        }
        f->n++;
    }
    *ret = f;
    return 0;
}

void filter_free(struct filter *f)
{
    if (!f)
        return;
    for (size_t i = 0; i < f->n; i++)
        free(f->tests[i].value);
    free(f->tests);
    free(f);
}

static bool before(struct timespec a, struct timespec b)
{
    return a.tv_sec != b.tv_sec ? a.tv_sec < b.tv_sec : a.tv_nsec < b.tv_nsec;
}

/* "key" is there, or has that value. */
static bool has_label(const struct store *s, const json_t *img, const char *want)
{
    cleanup_json config = NULL;
    struct err ignored = ERR_INIT;
    if (store_config(s, img, &config, &ignored) < 0)
        return false;
    return filter_label(config_labels(config), want);
}

/* docker.io/library/x:1 is tried whole, as library/x:1 and x:1, each with and without its tag. */
bool filter_reference(const json_t *img, const char *pattern)
{
    for (size_t i = 0; i < image_names(img); i++) {
        char *repo, *tag;
        const char *name = image_name(img, i);
        name_split(name, &repo, &tag);
        bool hit = false;
        for (const char *r = repo, *n = name; r && !hit;) {
            hit = fnmatch(pattern, r, FNM_PATHNAME) == 0 || fnmatch(pattern, n, FNM_PATHNAME) == 0;
            r = strchr(r, '/');
            n = strchr(n, '/');
            if (r) {
                r++;
                n++;
            }
        }
        free(repo);
        free(tag);
        if (hit)
            return true;
    }
    return false;
}

static bool in_use(const struct store *s, const json_t *img)
{
    struct strv users = STRV_INIT;
    struct err ignored = ERR_INIT;
    (void)store_users(s, jx_str(img, "id"), &users, &ignored);
    bool used = users.n > 0;
    strv_free(&users);
    return used;
}

static bool test_one(const struct store *s, const struct test *t, json_t *img)
{
    const char *id = t->value;
    switch (t->key) {
    case AFTER:
        return before(t->when, image_created(img));
    case BEFORE:
    case UNTIL:
        return before(image_created(img), t->when);
    case CONTAINERS:
        return in_use(s, img) == t->want;
    case DANGLING:
        return image_dangling(s, img) == t->want;
    case INTERMEDIATE:
        return (image_names(img) == 0 && image_has_child(s, img)) == t->want;
    case ID:
        id = str_starts(id, "sha256:") ? id + strlen("sha256:") : id;
        return str_starts(jx_str(img, "id"), id);
    case LABEL:
        return has_label(s, img, t->value);
    case READONLY:
        return !t->want;
    case REFERENCE:
        return filter_reference(img, t->value);
    case NKEYS:
        break;
    }
    return false;
}

bool filter_match(const struct filter *f, json_t *img)
{
    bool asked[NKEYS] = {false}, met[NKEYS] = {false};
    for (size_t i = 0; i < f->n; i++) {
        enum key k = f->tests[i].key;
        if (k == LABEL && test_one(f->s, &f->tests[i], img) == f->tests[i].negated)
            return false;
        asked[k] = true;
        met[k] = met[k] || test_one(f->s, &f->tests[i], img) != f->tests[i].negated;
    }
    for (int k = 0; k < NKEYS; k++)
        if (asked[k] && !met[k])
            return false;
    return true;
}
