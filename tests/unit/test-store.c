/* The image store, on stores made by hand: names of items, ids, lookup, commit, removal, damage. */
#include "check.h"
#include "disk/at.h"
#include "disk/rmtree.h"
#include "things/image.h"
#include "things/store_files.h"
#include "things/store_write.h"
#include "words/sha256.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define A64    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define B64    "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
#define C64    "cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc"
#define D64    "dddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddd"
#define CONFIG "{\"architecture\":\"amd64\",\"os\":\"linux\",\"config\":{}}"

static struct roots roots = ROOTS_INIT;

static void put(const char *path, const char *text)
{
    cleanup_free char *above = xstrdup(path);
    if (strrchr(above, '/')) {
        *strrchr(above, '/') = '\0';
        at_mkdirs(roots.graph, above, 0700);
    }
    at_write(roots.graph, path, text, strlen(text), 0600, AT_PLAIN);
}

static char dir[] = "/tmp/test-store.XXXXXX";

static void remove_store(void)
{
    roots_close(&roots);
    rmtree(AT_FDCWD, dir);
}

static void fresh_store(void)
{
    struct err e = ERR_INIT;
    char conf[64];
    remove_store();
    str_copy(dir, sizeof dir, "/tmp/test-store.XXXXXX");
    if (!mkdtemp(dir))
        abort();
    snprintf(conf, sizeof conf, "%s/run", dir);
    mkdir(conf, 0700);
    setenv("XDG_RUNTIME_DIR", conf, 1);
    setenv("XDG_DATA_HOME", dir, 1);
    setenv("CONTAINERS_STORAGE_CONF", "/nonexistent", 1);
    if (roots_open(&roots, &e) < 0)
        abort();
}

static void test_names(void)
{
    char out[256];
    struct digest d;
    char id[DIGEST_HEX + 1];
    CHECK("plain key", store_big_name("manifest", out, sizeof out) == 0);
    CHECK_STR("stays", out, "manifest");
    CHECK("odd key", store_big_name("sha256:01", out, sizeof out) == 0);
    CHECK_STR("becomes base64", out, "=c2hhMjU2OjAx");
    CHECK("padding 1", store_big_name("a-bcd", out, sizeof out) == 0);
    CHECK_STR("one =", out, "=YS1iY2Q=");
    CHECK("padding 2", store_big_name("a-bc", out, sizeof out) == 0);
    CHECK_STR("two =", out, "=YS1iYw==");
    CHECK("slash in base64", store_big_name("ab?", out, sizeof out) < 0);
    CHECK("dot dot", store_big_name("..", out, sizeof out) < 0);
    CHECK("empty", store_big_name("", out, sizeof out) < 0);
    digest_parse("sha256:" A64, &d);
    store_layer_id(NULL, &d, id);
    CHECK_STR("id of a base layer", id, A64);
    store_layer_id(B64, &d, id);
    CHECK_STR("id of a child", id, sha256_of(B64 "+" A64, 129).hex);
}

/* The image's id, or why there is none; valid until the next call. */
static const char *find(const struct store *s, const char *typed)
{
    static struct err e;
    json_t *img;
    e = (struct err)ERR_INIT;
    return store_find(s, typed, &img, NULL, &e) < 0 ? e.msg : jx_str(img, "id");
}

static void test_find(void)
{
    struct err e = ERR_INIT;
    cleanup_store s = STORE_INIT;
    fresh_store();
    put(STORE_IMAGES_JSON,
        "[17,{\"id\":\"short\"},"
        "{\"id\":\"" A64 "\",\"digest\":\"sha256:" D64
        "\",\"names\":[\"docker.io/library/x:latest\",\"quay.io/a/b/y:1\"]},"
        "{\"id\":\"ab"
        "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
        "\",\"names\":[\"localhost/x:2\",\"localhost/both:latest\"],\"big-data-digests\":"
        "{\"manifest-sha256:1\":\"sha256:" C64 "\"}},"
        "{\"id\":\"" C64 "\",\"names\":[\"docker.io/library/both:latest\"],\"layer\":\"" D64
        "\"}]");
    CHECK("damaged records hide no others", store_open(&roots, &s, &e) == 0);
    CHECK_STR("short name", find(&s, "x"), A64);
    CHECK_STR("with tag", find(&s, "x:latest"), A64);
    CHECK("localhost by tag", str_starts(find(&s, "x:2"), "abbb"));
    CHECK("localhost before docker.io", str_starts(find(&s, "both"), "abbb"));
    CHECK_STR("docker.io when said", find(&s, "docker.io/both"), C64);
    CHECK_STR("last components", find(&s, "b/y:1"), A64);
    CHECK_STR("not within a component", find(&s, "oth"), "oth: image not known");
    CHECK_STR("no such tag", find(&s, "y"), "y: image not known");
    CHECK_STR("whole id", find(&s, C64), C64);
    CHECK_STR("prefix", find(&s, "ccc"), C64);
    CHECK_STR("sha256: prefix", find(&s, "sha256:" C64), C64);
    CHECK_STR("ambiguous prefix", find(&s, "a"), "a: image not known");
    CHECK_STR("name by digest", find(&s, "x@sha256:" D64), A64);
    CHECK_STR("digest alone", find(&s, "sha256:" D64), A64);
    CHECK_STR("name with other digest", find(&s, "x@sha256:" B64),
              "x@sha256:" B64 ": image not known");
    CHECK_STR("nothing", find(&s, ""), ": image not known");
    CHECK_STR("upper case", find(&s, "X"), "X: image not known");
    json_t *img = store_image(&s, C64);
    struct strv l = STRV_INIT;
    CHECK("missing layer: no size", store_image_size(&s, img) == -1);
    CHECK("missing layer: an error", store_lowers(&s, D64, &l, &e) < 0);
}

static struct new_layer layer(const char *diff, const char *parent, const char *staging)
{
    struct new_layer l = {.diff_size = 1000, .compressed_size = -1};
    char path[200];
    memset(l.diff.hex, diff[0], DIGEST_HEX);
    str_copy(l.parent, sizeof l.parent, parent);
    str_copy(l.staging, sizeof l.staging, staging);
    store_layer_id(parent, &l.diff, l.id);
    snprintf(path, sizeof path, "pod/staging/%s/diff/file", staging);
    if (*staging)
        put(path, diff);
    snprintf(path, sizeof path, "pod/staging/%s/" STORE_STAGED_TAR_SPLIT, staging);
    if (*staging)
        put(path, "split");
    return l;
}

static int commit(struct new_layer *l, size_t n, const char *id, const char *name, struct err *e)
{
    struct new_big big[] = {{"manifest", "{}", 2}, {"sha256:" A64, CONFIG, strlen(CONFIG)}};
    char key[80];
    snprintf(key, sizeof key, "sha256:%s", id);
    big[1].key = key;
    struct new_image img = {.layer = l[n - 1].id, .big = big, .nbig = 2};
    str_copy(img.id, sizeof img.id, id);
    memset(img.digest.hex, 'd', DIGEST_HEX);
    strv_add(&img.names, name);
    int r = store_commit(&roots, l, n, &img, e);
    strv_free(&img.names);
    return r;
}

static void test_commit(void)
{
    struct err e = ERR_INIT;
    fresh_store();
    struct new_layer l[3] = {layer("1", "", "one")};
    l[1] = layer("2", l[0].id, "two");
    CHECK("commit", commit(l, 2, A64, "localhost/a:1", &e) == 0);
    struct image img = IMAGE_INIT;
    CHECK("found", image_find(&roots, "a:1", &img, &e) == 0);
    CHECK("two layers", img.lowers.n == 2);
    cleanup(buf_free) struct buf b = BUF_INIT;
    CHECK("upper layer's file", image_read_file(&roots, &img.lowers, "/file", 10, &b) == 0);
    CHECK_STR("which one", buf_str(&b), "2");
    CHECK("no such file",
          image_read_file(&roots, &img.lowers, "no", 10, &b) < 0 && errno == ENOENT);
    image_free(&img);
    CHECK("from the cache", image_find(&roots, "a:1", &img, &e) == 0);
    CHECK_STR("same", img.id, A64);
    image_free(&img);

    /* a second image on the same base, which is staged again; and the name moves */
    l[0] = layer("1", "", "one-again");
    l[1] = layer("3", l[0].id, "three");
    CHECK("second image", commit(l, 2, B64, "localhost/a:1", &e) == 0);
    CHECK("name moved, cache noticed", image_find(&roots, "a:1", &img, &e) == 0);
    CHECK_STR("to the second", img.id, B64);
    image_free(&img);
    CHECK("staged base went to the trash", !at_exists(roots.own, "staging/one-again"));

    /* an image that is there gains a name; no layer has to be staged */
    l[1] = layer("3", l[0].id, "");
    l[0].staging[0] = '\0';
    CHECK("again, nothing staged", commit(l, 2, B64, "localhost/b:1", &e) == 0);
    cleanup_store s = STORE_INIT;
    CHECK("opens", store_open(&roots, &s, &e) == 0);
    CHECK("two images", json_array_size(s.images) == 2);
    CHECK("three layers", json_object_size(s.layer_by_id) == 3);
    CHECK("two names", json_array_size(json_object_get(store_image(&s, B64), "names")) == 2);
    CHECK("size", store_image_size(&s, store_image(&s, B64)) == 2002 + (int64_t)strlen(CONFIG));

    l[0] = layer("8", "", "");
    CHECK("a layer that is not there", commit(l, 1, C64, "localhost/c:1", &e) < 0);
    CHECK("then there is no image", image_find(&roots, "c:1", &img, &e) < 0);
}

/* Keys we do not know, and records we cannot read, survive a write. */
static void test_unknown(void)
{
    struct err e = ERR_INIT;
    fresh_store();
    put(STORE_IMAGES_JSON,
        "[{\"id\":\"" C64 "\",\"new-key\":{\"a\":[1,2.5]},\"names\":[]},\"odd\"]");
    put(STORE_LAYERS_JSON, "[{\"id\":\"" D64 "\",\"flags\":{\"incomplete\":true}}]");
    struct new_layer l[] = {layer("1", "", "one")};
    CHECK("commit beside them", commit(l, 1, A64, "localhost/a:1", &e) == 0);
    cleanup_store s = STORE_INIT;
    CHECK("opens", store_open(&roots, &s, &e) == 0);
    CHECK("unknown key is there",
          json_object_get(json_object_get(store_image(&s, C64), "new-key"), "a") != NULL);
    CHECK("odd record is there", json_is_string(json_array_get(s.images, 1)));
    CHECK("incomplete layer is not shown", !store_layer(&s, D64));
    CHECK("and not lost", json_array_size(s.layers[0]) == 2);
}

static void test_remove(void)
{
    struct err e = ERR_INIT;
    fresh_store();
    struct new_layer l[2];
    l[0] = layer("1", "", "one");
    l[1] = layer("2", l[0].id, "two");
    commit(l, 2, A64, "localhost/a:1", &e);
    l[0].staging[0] = '\0';
    l[1] = layer("3", l[0].id, "three");
    commit(l, 2, B64, "localhost/b:1", &e);
    struct strv garbage = STRV_INIT, users = STRV_INIT;
    cleanup_store s = STORE_INIT;
    put("pod/containers/" D64 "/container.json", "{\"image\":\"" B64 "\"}");
    put("pod/containers/" C64 "/container.json", "damaged");
    CHECK("edit", store_edit(&roots, &s, &e) == 0);
    CHECK("a container uses it", store_users(&s, B64, &users, &e) == 0 && users.n == 1);
    store_image_drop(&s, store_image(&s, A64), &garbage);
    CHECK("shared base stays", garbage.n == 2);
    CHECK("saved", store_save_removed(&s, &garbage, &e) == 0);
    store_close(&s);
    CHECK("opens", store_open(&roots, &s, &e) == 0);
    CHECK("one image, two layers",
          json_array_size(s.images) == 1 && json_object_size(s.layer_by_id) == 2);
    CHECK("base's files are there", store_layer_exists(&s, l[0].id));
    strv_free(&garbage);
    strv_free(&users);
}

static void test_damage(void)
{
    struct err e = ERR_INIT;
    cleanup_store s = STORE_INIT;
    fresh_store();
    CHECK("an empty root is an empty store", store_open(&roots, &s, &e) == 0);
    store_close(&s);
    put(STORE_IMAGES_JSON, "[{\"id\":");
    CHECK("a torn list is an error", store_open(&roots, &s, &e) < 0);
    CHECK("that names the file", strstr(e.msg, "images.json") != NULL);
    put(STORE_IMAGES_JSON, "");
    CHECK("an empty list is none", store_open(&roots, &s, &e) == 0);
    store_close(&s);
    put(STORE_IMAGES_JSON, "{}");
    CHECK("not a list", store_open(&roots, &s, &e) < 0);
    put(STORE_IMAGES_JSON, "[]");
    put(STORE_LAYERS_JSON, "[{\"id\":\"" A64 "\",\"parent\":\"" B64 "\"},{\"id\":\"" B64
                           "\",\"parent\":\"" A64 "\"}]");
    struct strv l = STRV_INIT;
    CHECK("layers in a ring", store_open(&roots, &s, &e) == 0);
    CHECK("end", store_chain(&s, A64, &l, &e) < 0);
    fresh_store();
    put("vfs-images/images.json", "[{\"id\":\"" A64 "\"}]");
    store_close(&s);
    CHECK("another driver's store", store_open(&roots, &s, &e) < 0 && strstr(e.msg, "\"vfs\""));
}

int main(void)
{
    test_names();
    test_find();
    test_commit();
    test_unknown();
    test_remove();
    test_damage();
    remove_store();
    return check_end();
}
