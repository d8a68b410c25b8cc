/* Floor 0: strings, lists, buffers, errors, command lines. */
#include "check.h"
#include "plain/buf.h"
#include "plain/err.h"
#include "plain/opt.h"
#include "plain/str.h"

#include <errno.h>
#include <stdlib.h>

static void test_str(void)
{
    uint64_t u = 7;
    int64_t i = 7;
    char small[4];
    static const char *const words[] = {"one", "two", NULL};
    CHECK("eq", str_eq(NULL, NULL) && str_eq("a", "a") && !str_eq("a", NULL) && !str_eq("a", "b"));
    CHECK("starts", str_starts("abc", "ab") && str_starts("abc", "") && !str_starts("a", "ab"));
    CHECK("ends", str_ends("abc", "bc") && str_ends("abc", "") && !str_ends("c", "bc"));
    CHECK("in", str_in("two", words) && !str_in("three", words));
    CHECK("u64", str_u64("18446744073709551615", UINT64_MAX, &u) == 0 && u == UINT64_MAX);
    u = 7;
    CHECK("no u64", str_u64("", 9, &u) < 0 && str_u64("-1", 9, &u) < 0 &&
                        str_u64("1 ", 9, &u) < 0 && str_u64("10", 9, &u) < 0 &&
                        str_u64("18446744073709551616", UINT64_MAX, &u) < 0 && u == 7);
    CHECK("i64", str_i64("-9223372036854775807", INT64_MIN, INT64_MAX, &i) == 0 && i == -INT64_MAX);
    i = 7;
    CHECK("no i64", str_i64("-", -9, 9, &i) < 0 && str_i64("+1", -9, 9, &i) < 0 &&
                        str_i64("-10", -9, 9, &i) < 0 && i == 7);
    CHECK("copy", str_copy(small, sizeof small, "abc") == 0 && strcmp(small, "abc") == 0);
    CHECK("no copy", str_copy(small, sizeof small, "abcd") < 0 && !*small && errno == ENAMETOOLONG);
}

static void test_distance(void)
{
    CHECK("same", str_distance("run", "run") == 0);
    CHECK("swap", str_distance("rnu", "run") == 1);
    CHECK("insert", str_distance("pul", "pull") == 1 && str_distance("", "ab") == 2);
    CHECK("replace", str_distance("kitten", "sitting") == 3);
}

static void test_strv(void)
{
    struct strv l = STRV_INIT;
    strv_split(&l, "b,,a", ',');
    strv_add(&l, "z");
    strv_addf(&l, "%d", 5);
    strv_take(&l, xstrdup("y"));
    CHECK("split keeps empty pieces", l.n == 6 && *l.v[1] == '\0');
    CHECK("ends with NULL", l.v[l.n] == NULL);
    CHECK("has", strv_has(&l, "5") && !strv_has(&l, "6"));
    strv_sort(&l);
    CHECK("sort", *l.v[0] == '\0' && strcmp(l.v[5], "z") == 0);
    strv_add(&l, "a");
    strv_add(&l, "z");
    strv_sort_unique(&l);
    CHECK("each once", l.n == 6 && strcmp(l.v[2], "a") == 0 && !l.v[6]);
    strv_free(&l);
    CHECK("free", l.n == 0 && !l.v);
    strv_sort_unique(&l);
    CHECK("none", l.n == 0);
    for (int i = 0; i < 100; i++)
        strv_addf(&l, "%d", i);
    CHECK("grows", l.n == 100 && strcmp(l.v[99], "99") == 0 && !l.v[100]);
    strv_free(&l);
}

static void test_buf(void)
{
    struct buf b = BUF_INIT;
    CHECK_STR("an empty one is a string", buf_str(&b), "");
    buf_adds(&b, "ab");
    buf_addc(&b, 'c');
    buf_addf(&b, "%0200d", 7);
    CHECK("length", b.len == 203 && b.s[203] == '\0' && strncmp(b.s, "abc000", 6) == 0);
    buf_clear(&b);
    CHECK("clear", b.len == 0 && *b.s == '\0');
    buf_add(&b, "x\0y", 3);
    CHECK("bytes", b.len == 3 && memcmp(b.s, "x\0y", 4) == 0);
    cleanup_free char *s = buf_take(&b), *empty = buf_take(&b);
    CHECK("take", s[2] == 'y' && b.len == 0 && !b.s && *empty == '\0');
    cleanup_free char *f = xasprintf("%s-%d", "a", 1), *n = xstrndup("abc", 2);
    CHECK("strings", strcmp(f, "a-1") == 0 && strcmp(n, "ab") == 0);
}

static void test_err(void)
{
    struct err e = ERR_INIT;
    CHECK("set", err_set(&e, 0, "no such %s", "thing") == -1 && e.code == 125);
    CHECK_STR("message", e.msg, "no such thing");
    err_hint(&e, "type %d", 1);
    err_prefix(&e, "a%s", "b");
    CHECK_STR("prefix", e.msg, "ab: no such thing");
    CHECK_STR("hint", e.hint, "type 1");
    errno = ENOENT;
    err_sys(&e, "open \"%s\"", "x");
    CHECK_STR("system", e.msg, "open \"x\": No such file or directory");
    CHECK("hint is gone, errno stays", !*e.hint && e.sys == ENOENT && errno == ENOENT);
    cleanup_free char *big = xmalloc(5000);
    memset(big, 'x', 4999);
    big[4999] = '\0';
    err_set(&e, 3, "%s", big);
    err_prefix(&e, "%s", big);
    CHECK("long messages are cut", strlen(e.msg) == sizeof e.msg - 1 && e.code == 3);
}

struct options {
    bool quiet, all;
    int tri;
    const char *name;
    struct strv list, multi;
    int64_t count;
};
#define AT(field) offsetof(struct options, field)
static const struct opt options[] = {
    {"quiet", 'q', OPT_BOOL, NULL, "Say less", AT(quiet)},
    {"all", 'a', OPT_BOOL, NULL, "Everything", AT(all)},
    {"tri", 0, OPT_TRI, NULL, "Yes, no or neither", AT(tri)},
    {"name", 'n', OPT_STR, "NAME", "What it is called", AT(name)},
    {"env", 'e', OPT_LIST, "KEY=VALUE", "Environment", AT(list)},
    {"cap-add", 0, OPT_MULTI, "CAP", "Capabilities", AT(multi)},
    {"count", 'c', OPT_INT, "N", "How many", AT(count)},
    {"hidden", 0, OPT_BOOL, NULL, NULL, AT(all)},
    {0},
};
static struct cmd cmd = {
    .name = "pod test", .operands = "[ARG...]", .summary = "Test", .opts = options, .max = -1};

/* Parses the words of line; operands are joined into rest. */
static int parse(const char *line, struct options *o, char *rest, struct err *e)
{
    struct strv words = STRV_INIT;
    int first = 0;
    *o = (struct options){.tri = -1};
    strv_split(&words, line, ' ');
    /* cmd_parse moves operands over the options: the words need an owner that stays whole */
    cleanup_free char **argv = xcalloc(words.n + 1, sizeof *argv);
    memcpy(argv, words.v, words.n * sizeof *argv);
    int r = cmd_parse(&cmd, o, (int)words.n, argv, &first, e);
    *rest = '\0';
    for (size_t i = (size_t)first; r == CMD_OK && i < words.n; i++)
        snprintf(rest + strlen(rest), 100 - strlen(rest), "%s,", argv[i]);
    o->name = o->name ? (strcmp(o->name, "x") == 0 ? "x" : "other") : NULL;
    strv_free(&words);
    return r;
}

static void forget(struct options *o)
{
    strv_free(&o->list);
    strv_free(&o->multi);
}

static void test_opt(void)
{
    struct options o;
    struct err e = ERR_INIT;
    char rest[100];
    CHECK("long and short", parse("t -q --name=x a --all=false -c5 b", &o, rest, &e) == CMD_OK &&
                                o.quiet && !o.all && str_eq(o.name, "x") && o.count == 5);
    CHECK_STR("operands go behind", rest, "a,b,");
    CHECK("bundled", parse("t -qan x", &o, rest, &e) == CMD_OK && o.quiet && o.all && o.name);
    CHECK("lists", parse("t -e A=1 --env B=2,3 --cap-add X,Y --cap-add=Z", &o, rest, &e) == 0 &&
                       o.list.n == 2 && o.multi.n == 3 && strcmp(o.list.v[1], "B=2,3") == 0);
    forget(&o);
    CHECK("three states", parse("t", &o, rest, &e) == 0 && o.tri == -1 &&
                              parse("t --tri=false", &o, rest, &e) == 0 && o.tri == 0 &&
                              parse("t --tri", &o, rest, &e) == 0 && o.tri == 1);
    CHECK("--", parse("t -- -q", &o, rest, &e) == CMD_OK && !o.quiet);
    CHECK_STR("what follows -- is an operand", rest, "-q,");
    CHECK("help", parse("t --help", &o, rest, &e) == CMD_HELP && parse("t -h", &o, rest, &e) == 1);
    cmd.stop_at_operand = 1;
    CHECK("stops", parse("t -q a -a", &o, rest, &e) == CMD_OK && o.quiet && !o.all);
    CHECK_STR("the rest is the payload's", rest, "a,-a,");
    cmd.stop_at_operand = 0;
}

static void test_opt_errors(void)
{
    struct options o;
    struct err e = ERR_INIT;
    char rest[100];
    CHECK("unknown flag", parse("t --nmae=x", &o, rest, &e) == -1 && e.code == 125);
    CHECK_STR("its words", e.msg, "unknown flag: --nmae");
    CHECK("its hint", strstr(e.hint, "'--name'") && strstr(e.hint, "See 'pod test --help'"));
    CHECK("unknown letter", parse("t -qz", &o, rest, &e) == -1);
    CHECK_STR("its words", e.msg, "unknown shorthand flag: 'z' in -qz");
    CHECK("missing value", parse("t --name", &o, rest, &e) == -1);
    CHECK_STR("its words", e.msg, "flag needs an argument: --name");
    CHECK("bad number", parse("t -c x", &o, rest, &e) == -1 && strstr(e.msg, "\"--count\""));
    CHECK("bad boolean", parse("t --quiet=maybe", &o, rest, &e) == -1);
    cmd.min = 1;
    cmd.max = 1;
    CHECK("too few", parse("t", &o, rest, &e) == -1);
    CHECK("too many", parse("t a b", &o, rest, &e) == -1 && parse("t a", &o, rest, &e) == CMD_OK);
    cmd.min = 0;
    cmd.max = -1;
    cleanup(buf_free) struct buf b = BUF_INIT;
    cmd_help(&cmd, &b);
    CHECK("help lists the options", strstr(b.s, "  -n, --name NAME") && !strstr(b.s, "hidden"));
}

int main(void)
{
    test_str();
    test_distance();
    test_strv();
    test_buf();
    test_err();
    test_opt();
    test_opt_errors();
    return check_end();
}
