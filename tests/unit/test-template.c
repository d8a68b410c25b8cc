/* --format: the same answers as podman 4.3 gives, over the like of `podman volume inspect`. */
#include "words/template.h"

#include "check.h"
#include "words/json.h"

#include <stdlib.h>

static const char record[] =
    "{\"Name\":\"v1\",\".Name\":\"v1\",\"Driver\":\"local\",\"Id\":\"0123456789abcdef\","
    "\".ID\":\"0123456789ab\",\"Labels\":{\"a\":\"1\",\"b\":\"x<y&z\",\"c\":\"\"},"
    "\".Labels\":\"a=1,b=x\",\"Mounts\":[{\"Type\":\"bind\",\"RW\":true},{\"Type\":\"volume\"}],"
    "\"Size\":7351234,\"Ratio\":0.5,\"Nothing\":null,\"Env\":[\"A=1\",\"B=2\"],\"Empty\":[],"
    "\"Ports\":{\"80/tcp\":[{\"HostPort\":\"8080\"}]},\"Count\":0,\"Up\":true}";

static const char *const same[][2] = {
    /* text, escapes, trimming, comments */
    {"", ""},
    {"plain", "plain"},
    {"a\\tb\\nc\\q", "a\tb\nc\\q"},
    {"x {{- 3 -}} y", "x3y"},
    {"{{/* c */}}a {{- /* c */ -}} b", "ab"},
    {"{{.Name}} }} {{ \"}}\" }}", "v1 }} }}"},
    {"{{.Name\n}}", "v1"},
    {"{{.Name -}}\n  x", "v1x"},
    /* fields */
    {"{{.Name}} {{.Driver}}", "v1 local"},
    {"{{.driver}} {{.DRIVER}}", "local local"},
    {"{{.ID}} {{.Id}}", "0123456789ab 0123456789abcdef"},
    {"{{.Labels.a}}{{.Labels.zz}}{{.Labels.zz.y}}", "1<no value><no value>"},
    {"{{.Labels}} {{.Label \"b\"}}|{{.Label \"q\"}}|", "a=1,b=x x<y&z||"},
    {"{{(.Labels.a)}}{{((index .Ports \"80/tcp\")|len)}}", "11"},
    {"{{(index (index .Ports \"80/tcp\") 0).HostPort}}", "8080"},
    {"{{$.Name}}{{with .Env}}{{$.Driver}}{{end}}", "v1local"},
    {"{{.Nothing}} {{.Mounts}}", "<nil> [map[RW:true Type:bind] map[Type:volume]]"},
    {"{{.Env}} {{.Size}} {{.Ratio}} {{.Up}} {{.Ports}}",
     "[A=1 B=2] 7351234 0.5 true map[80/tcp:[map[HostPort:8080]]]"},
    /* JSON */
    {"{{json .Env}} {{json .Name}} {{json nil}} {{.Ports|json}}",
     "[\"A=1\",\"B=2\"] \"v1\" null {\"80/tcp\":[{\"HostPort\":\"8080\"}]}"},
    {"{{json \"<a\\u2028\\x01\\xff\\\"\\n\"}}", "\"<a\\u2028\\u0001\\ufffd\\\"\\n\""},
    {"{{json 1e20}} {{json 1e21}} {{json 0.0000001}} {{json 1.0}} {{json 0.000001}}",
     "100000000000000000000 1e+21 1e-7 1 0.000001"},
    /* if, with, range */
    {"{{if .Up}}y{{else}}n{{end}}{{if .Count}}y{{else}}n{{end}}", "yn"},
    {"{{if .Count}}1{{else if .Empty}}2{{else if eq .Name \"v1\"}}3{{else}}4{{end}}", "3"},
    {"{{with .Nothing}}a{{else}}b{{end}}{{with $x := .Name}}{{$x}}{{.}}{{end}}", "bv1v1"},
    {"{{with .Empty}}a{{else with .Name}}{{.}}{{end}}", "v1"},
    {"{{range .Env}}<{{.}}>{{end}}{{range .Empty}}x{{else}}none{{end}}", "<A=1><B=2>none"},
    {"{{range $i, $e := .Env}}{{if $i}}, {{end}}{{$i}}{{$e}}{{end}}", "0A=1, 1B=2"},
    {"{{range $k, $v := .Ports}}{{$k}}={{(index $v 0).HostPort}}{{end}}", "80/tcp=8080"},
    {"{{range $v := .Env}}{{$v}};{{end}}{{range .Nothing}}a{{else}}b{{end}}", "A=1;B=2;b"},
    {"{{range .Mounts}}{{.Type}}{{.RW}}{{break}}{{end}}", "bindtrue"},
    {"{{range .Env}}{{if eq . \"A=1\"}}{{continue}}{{end}}{{.}}{{end}}", "B=2"},
    {"{{$x := 1}}{{if true}}{{$x = 2}}{{end}}{{$x}}{{$x := \"s\"}}{{$x}}", "2s"},
    {"{{$l := .Env}}{{range $l}}{{$l = 3}}{{.}}{{end}}{{$l}}", "A=1B=23"},
    /* logic and comparison */
    {"{{and true 0}} {{or 0 \"x\"}} {{or 0 \"\"}}|{{not 0}} {{true | not}}", "0 x |true false"},
    {"{{if and 1 \"\" (index .Env 9)}}x{{else}}short{{end}}", "short"},
    {"{{eq 1 2 1}} {{ne \"a\" \"b\"}} {{lt 1 2}} {{le \"a\" \"b\"}} {{gt 2.5 1.5}} {{ge 1 1}}",
     "true true true true true true"},
    {"{{eq nil nil}} {{eq .Labels.q \"x\"}} {{eq .Size 7351234}}", "true false true"},
    /* index, len, slice, strings */
    {"{{index .Env 1}} {{index .Ports \"x\"}}", "B=2 <no value>"},
    {"{{len \"é\"}} {{len .Env}} {{.Ports | len}}", "2 2 1"},
    {"{{slice \"abcdef\" 1 3}} {{slice .Env 1}} {{slice .Name}}", "bc [B=2] v1"},
    {"{{join .Env \",\"}} {{join (split \"a,,b\" \",\") \"-\"}} {{split \"abc\" \"\"}}",
     "A=1,B=2 a--b [a b c]"},
    {"{{split \"\" \",\" | len}} {{lower \"AbC\"}} {{upper \"aé\"}} {{title \"hello a-b_c\"}}",
     "1 abc Aé Hello A-B_c"},
    {"{{truncate \"abcdef\" 3}} {{truncate \"ab\" 5}} {{pad \"a\" 1 2}}|{{pad \"\" 1 2}}|",
     "abc ab  a  ||"},
    /* print and friends */
    {"{{print 1 2 \"a\" \"b\" 3 true}} {{print 1.0 2}} {{println nil \"a\"}}",
     "1 2ab3 true 1 2 <nil> a\n"},
    {"{{printf \"%s-%d|%5d|%-5d|%05d %+d\" \"y\" 1 3 4 5 6}}", "y-1|    3|4    |00005 +6"},
    {"{{printf \"%q %x %X % x\" \"a\\n\\\"\\x00\" \"hi\" \"hi\" \"hi\"}}",
     "\"a\\n\\\"\\x00\" 6869 6869 68 69"},
    {"{{printf \"%6.2f|%e|%g|%v|%.2s\" 1.5 1.5 1e21 1e20 \"éab\"}}",
     "  1.50|1.500000e+00|1e+21|1e+20|éa"},
    {"{{printf \"%v %s %q %d\" .Env .Env .Env .Env}}",
     "[A=1 B=2] [A=1 B=2] [\"A=1\" \"B=2\"] [%!d(string=A=1) %!d(string=B=2)]"},
    {"{{printf \"%d\"}} {{printf \"x\" 1 \"b\"}} {{printf \"%\"}} {{printf \"%z\" 3}}",
     "%!d(MISSING) x%!(EXTRA int=1, string=b) %!(NOVERB) %!z(int=3)"},
    {"{{printf \"%s\" true}} {{printf \"%t %%\" true}} {{printf \"%c%U %q\" 65 66 97}}",
     "%!s(bool=true) true % AU+0042 'a'"},
    {"{{printf \"%*d|%-8s|%8s|\" 5 3 \"ab\" \"cd\"}}", "    3|ab      |      cd|"},
    {"{{printf \"%b %o %#x %.3d %03d\" 5 8 255 5 -5}}", "101 10 0xff 005 -05"},
    {"{{printf \"%s %v %q\" .Labels.q nil nil}}", "%!s(<nil>) <nil> %!q(<nil>)"},
    {"{{\"x\" | printf \"%s-%s\" \"y\"}} {{.Name | len | printf \"%03d\"}}", "y-x 002"},
    /* literals */
    {"{{`raw \\n\"`}} {{\"q\\\"\\u00e9\\x41\\101\"}} {{0x1F}} {{1_000}} {{'a'}} {{-5}} {{+5}}",
     "raw \\n\" q\"éAA 31 1000 97 -5 5"},
    {"{{1e20}} {{1.0}} {{0.000001}} {{123456789.0}} {{100000.0}} {{123456.5}} {{-0.5}}",
     "1e+20 1 1e-06 1.23456789e+08 100000 123456.5 -0.5"},
};

#define AT "template: format:1:2: executing \"format\" at "
static const char *const wrong[][2] = {
    {"{{.Nope}}", AT "<.Nope>: can't evaluate field Nope"},
    {"{{.Name.Foo}}", "template: format:1:7: executing \"format\" at <.Name.Foo>: can't evaluate "
                      "field Foo in type string"},
    {"{{if .Up}}a\n{{.Foo}}{{end}}",
     "template: format:2:2: executing \"format\" at <.Foo>: can't evaluate field Foo"},
    {"{{.Nothing.X}}", "template: format:1:10: executing \"format\" at <.Nothing.X>: nil pointer "
                       "evaluating interface {}.X"},
    {"{{index .Env 5}}", AT "<index .Env 5>: error calling index: index out of range: 5"},
    {"{{slice \"abc\" 5}}", AT "<slice \"abc\" 5>: error calling slice: index out of range: 5"},
    {"{{eq \"a\" 1}}", AT "<eq \"a\" 1>: error calling eq: incompatible types for comparison"},
    {"{{lt true false}}", AT "<lt true false>: error calling lt: invalid type for comparison"},
    {"{{len 3}}", AT "<len 3>: error calling len: len of type int"},
    {"{{not 1 2}}", AT "<not>: wrong number of args for not: want 1 got 2"},
    {"{{1 2}}", AT "<1>: can't give argument to non-function 1"},
    {"{{.Name \"x\"}}", AT "<.Name>: Name has arguments but cannot be invoked as function"},
    {"{{nil}}", AT "<nil>: nil is not a command"},
    {"{{range .Size}}{{end}}", "template: format:1:8: executing \"format\" at <.Size>: range can't "
                               "iterate over 7351234"},
    {"{{nope .X}}", "template: format:1: function \"nope\" not defined"},
    {"{{.X", "template: format:1: unclosed action"},
    {"{{if .Name}}", "template: format:1: unexpected EOF"},
    {"a\n{{end}}", "template: format:2: unexpected {{end}}"},
    {"{{}}", "template: format:1: missing value for command"},
    {"{{if}}{{end}}", "template: format:1: missing value for if"},
    {"{{\"abc}}", "template: format:1: unterminated quoted string"},
    {"{{\"\\ud800\"}}", "template: format:1: invalid syntax"},
    {"{{$x}}", "template: format:1: undefined variable \"$x\""},
    {"{{if true}}{{$y := 1}}{{end}}{{$y}}", "template: format:1: undefined variable \"$y\""},
    {"{{1 | 2}}", "template: format:1: non executable command in pipeline stage 2"},
    {"{{(.Name}}", "template: format:1: unclosed left paren"},
    {"{{.Name)}}", "template: format:1: unexpected \")\" in command"},
    {"{{ .Name}", "template: format:1: bad character U+007D '}'"},
    {"{{break}}", "template: format:1: {{break}} outside {{range}}"},
    {"{{$a, $b := .Env}}", "template: format:1: too many declarations in command"},
    {"{{/* x }}", "template: format:1: unclosed comment"},
    {"{{define \"x\"}}{{end}}", "template: format:1: unexpected <define> in command"},
};

static int render(const char *text, json_t *data, struct buf *out, struct err *e)
{
    cleanup_template *t = NULL;
    return template_compile(text, &t, e) < 0 ? -1 : template_render(t, data, out, e);
}

static void test_tables(json_t *data)
{
    for (size_t i = 0; i < sizeof same / sizeof *same; i++) {
        cleanup(buf_free) struct buf b = BUF_INIT;
        struct err e = ERR_INIT;
        int r = render(same[i][0], data, &b, &e);
        CHECK_STR(*same[i][0] ? "renders" : "renders nothing", r < 0 ? e.msg : buf_str(&b),
                  same[i][1]);
    }
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        cleanup(buf_free) struct buf b = BUF_INIT;
        struct err e = ERR_INIT;
        buf_adds(&b, "before");
        int r = render(wrong[i][0], data, &b, &e);
        CHECK_STR("refuses", r < 0 ? e.msg : buf_str(&b), wrong[i][1]);
        CHECK("leaves the output as it was", strcmp(b.s, "before") == 0);
    }
}

static void test_record(json_t *data)
{
    cleanup(buf_free) struct buf b = BUF_INIT;
    struct err e = ERR_INIT;
    CHECK("a record as JSON", render("{{json .}}", data, &b, &e) == 0);
    CHECK("without the forms for people", !strstr(buf_str(&b), "\".ID\""));
    cleanup_json list = json_array();
    json_array_append(list, data);
    buf_clear(&b);
    render("{{range .}}{{.ID}}{{end}}", list, &b, &e);
    CHECK_STR("elements of a list are records", buf_str(&b), "0123456789ab");
    CHECK("unknown names there are errors",
          render("{{range .}}{{.Nope}}{{end}}", list, &b, &e) < 0);
    CHECK("the hint lists what there is", strstr(e.hint, ".Driver") && strstr(e.hint, ".ID"));
}

static json_t *nest(int depth)
{
    json_t *v = json_integer(1);
    while (depth-- > 0)
        v = json_pack("[o]", v);
    return v;
}

static char *repeat(const char *s, int n)
{
    struct buf b = BUF_INIT;
    while (n-- > 0)
        buf_adds(&b, s);
    return buf_take(&b);
}

static void test_bounds(json_t *data)
{
    cleanup(buf_free) struct buf b = BUF_INIT;
    struct err e = ERR_INIT;
    cleanup_json deep = nest(3000);
    cleanup_json wide = json_array();
    cleanup_json o = json_object();
    json_object_set(o, "Deep", deep);
    CHECK("deep data is not printed", render("{{.Deep}}", o, &b, &e) < 0);
    CHECK("deep data is not printed by printf", render("{{printf \"%v\" .Deep}}", o, &b, &e) < 0);
    CHECK("deep data is not made JSON", render("{{json .Deep}}", o, &b, &e) < 0);
    cleanup_free char *parens = repeat("{{(", 1), *open = repeat("(", 5000);
    cleanup_free char *deep_text = xasprintf("{{%s1}}", open), *ifs = repeat("{{if 1}}", 5000);
    CHECK("deep parentheses", render(deep_text, data, &b, &e) < 0);
    CHECK("deep blocks", render(ifs, data, &b, &e) < 0 && strstr(e.msg, "nested too deeply"));
    CHECK("an open parenthesis", render(parens, data, &b, &e) < 0);
    cleanup_free char *vars = repeat("{{$x := 1}}", 500);
    CHECK("many variables", render(vars, data, &b, &e) < 0);
    for (int i = 0; i < 300; i++)
        json_array_append_new(wide, json_integer(i));
    json_object_set(o, "W", wide);
    CHECK("doubling strings end",
          render("{{$x := \"aaaaaaaa\"}}{{range .W}}{{$x = print $x $x}}{{end}}", o, &b, &e) < 0);
    CHECK("endless work ends",
          render("{{range .W}}{{range $.W}}{{range $.W}}{{range $.W}}{{end}}{{end}}{{end}}{{end}}",
                 o, &b, &e) < 0 &&
              strstr(e.msg, "too much work"));
    cleanup_free char *args = repeat(" 1", 200), *call = xasprintf("{{print%s}}", args);
    CHECK("many arguments", render(call, data, &b, &e) < 0);
}

int main(void)
{
    struct err e = ERR_INIT;
    cleanup_json data = NULL;
    if (jx_parse("record", record, sizeof record - 1, &data, &e) < 0) {
        printf("not ok 1 - %s\n", e.msg);
        return 1;
    }
    test_tables(data);
    test_record(data);
    test_bounds(data);
    return check_end();
}
