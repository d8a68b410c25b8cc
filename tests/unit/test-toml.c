/* The TOML reader: what it understands, and the line it names for what it does not. */
#include "words/toml.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int failures;

static const char *const good[][2] = {
    {"", "{}"},
    {"# only a comment", "{}"},
    {"a = 1", "{\"a\":1}"},
    {"a=1\r\nb = -2 # c\r\n", "{\"a\":1,\"b\":-2}"},
    {"a = 0xff\nb = 0o17\nc = 0b101\nd = 1_000", "{\"a\":255,\"b\":15,\"c\":5,\"d\":1000}"},
    {"a = 1.5\nb = true\nc = false", "{\"a\":1.5,\"b\":true,\"c\":false}"},
    {"a = \"x\\ty\\u00e9\\\"\"", "{\"a\":\"x\\ty\xc3\xa9\\\"\"}"},
    {"a = 'C:\\x'", "{\"a\":\"C:\\\\x\"}"},
    {"a = \"\"\"\none\ntwo\"\"\"", "{\"a\":\"one\\ntwo\"}"},
    {"a = \"\"\"x\\\n   y\"\"\"\"", "{\"a\":\"xy\\\"\"}"},
    {"a = '''\n\\n'''", "{\"a\":\"\\\\n\"}"},
    {"a = [1, [\"x\",],\n # c\n 3 ]", "{\"a\":[1,[\"x\"],3]}"},
    {"a = []\nb = {}", "{\"a\":[],\"b\":{}}"},
    {"a = {b = 1, c.d = \"x\"}", "{\"a\":{\"b\":1,\"c\":{\"d\":\"x\"}}}"},
    {"a.b.c = 1\na.b.d = 2", "{\"a\":{\"b\":{\"c\":1,\"d\":2}}}"},
    {"\"a b\".'c.d' = 1", "{\"a b\":{\"c.d\":1}}"},
    {"[a]\nx = 1\n[a.b]\ny = 2", "{\"a\":{\"b\":{\"y\":2},\"x\":1}}"},
    {"[a.b]\ny = 2\n[a]\nx = 1", "{\"a\":{\"b\":{\"y\":2},\"x\":1}}"},
    {"[[r]]\nx = 1\n[[r.m]]\ny = 2\n[[r]]\nx = 3",
     "{\"r\":[{\"m\":[{\"y\":2}],\"x\":1},{\"x\":3}]}"},
    {"[ t . 'u' ]\n", "{\"t\":{\"u\":{}}}"},
};

static const char *const wrong[][2] = {
    {"a", "t:1: expected \"=\""},
    {"\n\na = ", "t:3: expected a value"},
    {"a = 1 2", "t:1: unexpected text"},
    {"a = 1\na = 2", "t:2: key \"a\" is set twice"},
    {"[a]\n[a]", "t:2: table [a] is opened twice"},
    {"a = 1\n[a]", "t:2: \"a\" was given a value"},
    {"a = {}\n[a.b]", "t:2: \"a\" was given a value"},
    {"a = []\n[[a]]", "t:2: \"a\" was given a value"},
    {"[[a]]\n[a]", "t:2: \"a\" is a list"},
    {"a.b = 1\n[a]", "t:2: table [a] is opened twice"},
    {"[a", "t:1: expected \"]\""},
    {"[[a]", "t:1: expected \"]]\""},
    {"[]", "t:1: expected a key"},
    {"a = \"x", "t:1: string without an end"},
    {"a = \"x\ny\"", "t:1: string without an end"},
    {"a = '''x\n", "t:2: string without an end"},
    {"a = \"\\q\"", "t:1: unknown escape"},
    {"a = \"\\u0000\"", "t:1: escaped character"},
    {"a = \"\\ud800\"", "t:1: escaped character"},
    {"a = \"\xff\"", "t:1: string is not UTF-8"},
    {"\"\xff\" = 1", "t:1: key is not UTF-8"},
    {"a = [1, 2", "t:1: expected \",\""},
    {"a = [\n1\n2]", "t:3: expected \",\""},
    {"a = {b = 1", "t:1: expected \",\""},
    {"a = 012", "t:1: a number cannot begin with 0"},
    {"a = 1__0", "t:1: misplaced \"_\""},
    {"a = 99999999999999999999", "t:1: malformed number"},
    {"a = 1979-05-27", "t:1: dates are not understood"},
    {"a = yes", "t:1: expected a value"},
    {"a = 0x", "t:1: "},
    {"a.b.c.d.e.f.g.h.i.j.k.l.m.n.o.p.q = 1", "t:1: key of too many parts"},
    {"a = [[[[[[[[[[[[[[[[[[[[[[", "t:1: values nested too deep"},
    {"a={a={a={a={a={a={a={a={a={a={a={a={a={a={a={a={a={a={", "t:1: values nested too deep"},
};

static void check_good(const char *in, const char *want)
{
    json_t *o = NULL;
    struct err e = ERR_INIT;
    if (toml_parse("t", in, strlen(in), &o, &e) < 0) {
        failures++;
        fprintf(stderr, "not ok: %s: refused: %s\n", in, e.msg);
        return;
    }
    char *s = json_dumps(o, JSON_COMPACT | JSON_SORT_KEYS | JSON_REAL_PRECISION(6));
    if (strcmp(s, want) != 0) {
        failures++;
        fprintf(stderr, "not ok: %s: got %s\n", in, s);
    }
    free(s);
    json_decref(o);
}

static void check_wrong(const char *in, size_t n, const char *want)
{
    json_t *o = NULL;
    struct err e = ERR_INIT;
    if (toml_parse("t", in, n, &o, &e) == 0) {
        failures++;
        fprintf(stderr, "not ok: %s: accepted\n", in);
        json_decref(o);
    } else if (strncmp(e.msg, want, strlen(want)) != 0) {
        failures++;
        fprintf(stderr, "not ok: %s: said \"%s\"\n", in, e.msg);
    }
}

/* Every text cut at every place, in memory of just that size (a sanitizer sees a read behind). */
static void check_cuts(const char *in)
{
    for (size_t n = 0; n < strlen(in); n++) {
        char *cut = malloc(n + 1);
        json_t *o = NULL;
        struct err e = ERR_INIT;
        memcpy(cut + 1, in, n);
        if (toml_parse("t", cut + 1, n, &o, &e) == 0)
            json_decref(o);
        free(cut);
    }
}

int main(void)
{
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        check_good(good[i][0], good[i][1]);
        check_cuts(good[i][0]);
    }
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        check_wrong(wrong[i][0], strlen(wrong[i][0]), wrong[i][1]);
        check_cuts(wrong[i][0]);
    }
    check_wrong("\0", 1, "t:1: expected a key");
    check_wrong("a = \0", 5, "t:1: expected a value");
    return failures != 0;
}
