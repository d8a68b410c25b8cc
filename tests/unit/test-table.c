/* Lists by --format: columns as Go's tabwriter sets them, lines, JSON. */
#include "things/table.h"

#include "check.h"
#include "words/json.h"

#include <stdlib.h>

static const char list[] =
    "[{\".ID\":\"78090b9ca5e0\",\"Id\":\"78090b9ca5e0bb9c\",\".Names\":\"c1\",\"Names\":[\"c1\"],"
    "\"CreatedAt\":\"now\",\"Labels\":{\"x\":\"y\"}},"
    "{\".ID\":\"4e6c32e3f368\",\"Id\":\"4e6c32e3f368c22d\",\".Names\":\"a-much-longer-name\","
    "\"Names\":[\"a-much-longer-name\"],\"CreatedAt\":\"then\",\"Labels\":{}}]";

static const struct table_column columns[] = {
    {"ID", "CONTAINER ID"}, {"Names", "NAMES"}, {"CreatedAt", NULL}, {NULL, NULL}};
static const struct table_spec spec = {.columns = columns};
static const struct table_spec with_default = {.columns = columns,
                                               .default_format = "table {{.Names}}\t{{.ID}}"};

static void renders(const char *name, const struct table_spec *s, const char *format,
                    bool noheading, json_t *rows, const char *want)
{
    cleanup(buf_free) struct buf b = BUF_INIT;
    struct err e = ERR_INIT;
    int r = table_render(s, format, noheading, rows, &b, &e);
    CHECK_STR(name, r < 0 ? e.msg : buf_str(&b), want);
}

static void test_columns(json_t *rows, json_t *none)
{
    renders("default columns", &spec, NULL, false, rows,
            "CONTAINER ID  NAMES               CREATED AT\n"
            "78090b9ca5e0  c1                  now\n"
            "4e6c32e3f368  a-much-longer-name  then\n");
    renders("the program's default", &with_default, "", false, none, "NAMES       CONTAINER ID\n");
    renders("table alone is the default", &with_default, "table", true, none, "");
    renders("chosen columns", &spec, "table {{.Names}}\\t{{.ID}}", false, rows,
            "NAMES               CONTAINER ID\n"
            "c1                  78090b9ca5e0\n"
            "a-much-longer-name  4e6c32e3f368\n");
    renders("blanks end columns too", &spec, "table {{upper .CreatedAt}} x {{.ID}}", true, rows,
            "NOW         x           78090b9ca5e0\nTHEN        x           4e6c32e3f368\n");
    renders("blanks inside an action stay", &spec, "table {{printf \"%s }} \" .ID}}", true, rows,
            "78090b9ca5e0 }} \n4e6c32e3f368 }} \n");
    renders("header through functions", &spec,
            "table {{json .Labels}} {{if .X}}{{.ImageID}}{{end}} {{join .Names \",\"}} "
            "{{.Label \"x\"}} {{range .Mounts}}{{.MountPoint}}{{end}} {{index .Labels \"q\"}}",
            false, none, "\"LABELS\"    IMAGE ID    NAMES       X           MOUNT POINT  LABELS\n");
}

static void test_lines(json_t *rows, json_t *none)
{
    renders("lines", &spec, "{{.ID}}\\t{{.Names}}", false, rows,
            "78090b9ca5e0\tc1\n4e6c32e3f368\ta-much-longer-name\n");
    renders("lines with their own end", &spec, "{{.CreatedAt}}\\n", false, rows, "now\nthen\n");
    renders("no lines", &spec, "{{.ID}}", false, none, "");
    renders("a range of one's own", &spec, "{{range .}}{{.ID}}|{{end}}", false, rows,
            "78090b9ca5e0|4e6c32e3f368|\n");
    renders("an unknown field", &spec, "{{.Nope}}", false, rows,
            "template: format:1:2: executing \"format\" at <.Nope>: can't evaluate field Nope");
}

static void test_json(json_t *none)
{
    cleanup_json one =
        json_pack("[{s:s, s:s, s:[], s:{}, s:[i]}]", ".A", "hidden", "A", "<x>", "L", "M", "N", 1);
    const char *want = "[\n    {\n        \"A\": \"<x>\",\n        \"L\": [],\n        \"M\": {},\n"
                       "        \"N\": [\n            1\n        ]\n    }\n]\n";
    renders("json", &spec, "json", false, one, want);
    renders("{{json .}}", &spec, " {{ json . }} ", false, one, want);
    renders("{{json}}", &spec, "{{json}}", false, one, want);
    renders("no rows", &spec, "json", false, none, "[]\n");
    CHECK("{{json .A}} is no JSON list", !table_is_json("{{json .A}}"));
    CHECK("jsonx is no JSON list", !table_is_json("jsonx"));
    cleanup(buf_free) struct buf b = BUF_INIT;
    struct err e = ERR_INIT;
    table_render_one("{{json .}}", 4, json_array_get(one, 0), &b, &e);
    CHECK_STR("one object in one line", buf_str(&b),
              "{\"A\":\"<x>\",\"L\":[],\"M\":{},\"N\":[1]}\n");
}

static void aligns(const char *name, const char *text, const char *want)
{
    cleanup(buf_free) struct buf b = BUF_INIT;
    table_align(text, strlen(text), &b);
    CHECK_STR(name, buf_str(&b), want);
}

static void test_align(void)
{
    aligns("nothing", "", "");
    aligns("no tabs", "a\nb", "a\nb");
    aligns("runes are counted", "ééé12345678\tx\na\tx\n", "ééé12345678  x\na            x\n");
    aligns("empty cells", "\ta\n\t\n", "            a\n            \n");
    aligns("a tab at the end", "a\t", "a           ");
    aligns("columns end with their run", "aaaaaaaaaaaaaaaa\tx\n-\nb\tx\n",
           "aaaaaaaaaaaaaaaa  x\n-\nb           x\n");
    aligns("inner runs", "a\tbbbbbbbbbbbbbbbb\tc\nd\te\nf\tg\th\n",
           "a           bbbbbbbbbbbbbbbb  c\nd           e\nf           g           h\n");
    aligns("a run takes its widest cell", "a\tx\ncccccccccccccccccc\tx\nb\tx\n",
           "a                   x\ncccccccccccccccccc  x\nb                   x\n");
}

int main(void)
{
    struct err e = ERR_INIT;
    cleanup_json rows = NULL;
    cleanup_json none = json_array();
    if (jx_parse("rows", list, sizeof list - 1, &rows, &e) < 0) {
        printf("not ok 1 - %s\n", e.msg);
        return 1;
    }
    test_columns(rows, none);
    test_lines(rows, none);
    test_json(none);
    test_align();
    return check_end();
}
