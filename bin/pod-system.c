/* pod-system: the whole of it. What other programs do already is left to them. */
#include "say.h"

#include "things/spawn.h"
#include "words/json.h"
#include "words/units.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MAX_ANSWER (64 << 20)

/* ---- prune ---- */

struct prune_options {
    bool all, force, volumes;
    struct strv filter;
};
#define AT(f) offsetof(struct prune_options, f)
static const struct opt prune_table[] = {
    {"all", 'a', OPT_BOOL, NULL, "All images that no container uses, not only unnamed ones",
     AT(all)},
    {"filter", 0, OPT_LIST, "KEY=VALUE", "Only those that match: label, until", AT(filter)},
    {"force", 'f', OPT_BOOL, NULL, "Do not ask", AT(force)},
    {"volumes", 0, OPT_BOOL, NULL, "Volumes that no container uses, too", AT(volumes)},
    {0},
};
static const struct cmd prune_command = {
    .name = "pod system prune",
    .operands = "",
    .summary = "Remove what nobody uses: stopped containers, unnamed images",
    .more = "Exit codes: 0 done, 125 pod failed.",
    .opts = prune_table,
};

static int ask(const struct prune_options *o)
{
    cleanup(buf_free) struct buf b = BUF_INIT;
    buf_adds(&b, "This command removes:\n\t- all stopped containers\n");
    if (o->volumes)
        buf_adds(&b, "\t- all volumes not used by at least one container\n");
    buf_adds(&b, o->all ? "\t- all images without at least one container associated with them\n"
                        : "\t- all dangling images\n");
    return say_confirm(b.s);
}

/* What another program of ours has to say; -1 when it failed, mostly with a word to stderr. */
static int hear(struct strv *line, struct buf *ret, struct err *e)
{
    struct spawn s = {.argv = line->v, .in = -1, .err = SPAWN_INHERIT, .report = -1};
    return spawn_and_read(&s, MAX_ANSWER, ret, e) == 0 ? 0 : -1;
}

/* Bytes that containers, images and volumes take. */
static int64_t in_use(struct err *e)
{
    cleanup(strv_free) struct strv line = STRV_INIT;
    cleanup(buf_free) struct buf text = BUF_INIT;
    cleanup_json rows = NULL;
    const json_t *row;
    size_t i;
    int64_t sum = 0;
    strv_take(&line, bin_path("pod-store"));
    strv_add(&line, "df");
    strv_add(&line, "--format");
    strv_add(&line, "json");
    if (hear(&line, &text, e) < 0 ||
        jx_parse("pod store df", buf_str(&text), text.len, &rows, e) < 0)
        return -1;
    json_array_foreach(rows, i, row) sum += jx_int(row, "RawSize", 0);
    return sum;
}

static int prune(const char *program, const char *what, const struct prune_options *o, bool all,
                 struct err *e)
{
    cleanup(strv_free) struct strv line = STRV_INIT;
    cleanup(buf_free) struct buf gone = BUF_INIT;
    strv_take(&line, bin_path(program));
    strv_add(&line, "prune");
    strv_add(&line, "--force");
    if (all)
        strv_add(&line, "--all");
    for (size_t i = 0; i < o->filter.n; i++) {
        strv_add(&line, "--filter");
        strv_add(&line, o->filter.v[i]);
    }
    int res = hear(&line, &gone, e);
    if (gone.len)
        printf("Deleted %s\n%s", what, gone.s);
    fflush(stdout);
    return res;
}

static int do_prune(int argc, char **argv)
{
    struct err e = ERR_INIT;
    struct prune_options o = {0};
    cleanup(buf_free) struct buf size = BUF_INIT;
    int code = 0;
    if (say_parse(&prune_command, &o, argc, argv, &code) < 0)
        return code;
    int yes = o.force ? 1 : ask(&o);
    if (yes <= 0)
        return say_end(yes ? 125 : 0);
    int64_t before = in_use(&e);
    if (before < 0 || prune("pod-container", "Containers", &o, false, &e) < 0 ||
        (o.volumes && prune("pod-volume", "Volumes", &o, false, &e) < 0) ||
        prune("pod-store", "Images", &o, o.all, &e) < 0)
        return e.msg[0] ? say_error(&e) : say_end(125);
    int64_t after = in_use(&e);
    units_human_size(&size, after >= 0 && after < before ? (uint64_t)(before - after) : 0, 4, "");
    printf("Total reclaimed space: %s\n", buf_str(&size));
    return say_end(0);
}

/* ---- verbs of others ---- */

static int become(const char *program, const char *verb, char **argv)
{
    struct err e = ERR_INIT;
    cleanup(strv_free) struct strv line = STRV_INIT;
    strv_take(&line, bin_path(program));
    if (verb)
        strv_add(&line, verb);
    for (argv++; *argv; argv++)
        strv_add(&line, *argv);
    execv(line.v[0], line.v);
    err_sys(&e, "cannot run \"%s\"", line.v[0]);
    return say_error(&e);
}

static int do_check(int argc, char **argv)
{
    (void)argc;
    return become("pod-store", "check", argv);
}

static int do_df(int argc, char **argv)
{
    (void)argc;
    return become("pod-store", "df", argv);
}

static int do_info(int argc, char **argv)
{
    (void)argc;
    return become("pod-info", NULL, argv);
}

int main(int argc, char **argv)
{
    static const struct verb verbs[] = {
        {"check", "look for damage in the image store", do_check},
        {"df", "show what takes the space", do_df},
        {"info", "show what this machine and pod have", do_info},
        {"prune", "remove what nobody uses", do_prune},
        {0},
    };
    return say_verbs("pod system", "All of pod at once", verbs, argc, argv);
}
