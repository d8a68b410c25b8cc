/* pod-doctor: what this machine lacks for containers, and the line that helps. */
#include "say.h"

#include "disk/storageconf.h"
#include "plain/buf.h"
#include "plain/str.h"
#include "things/needs.h"
#include "words/exitcode.h"
#include "words/json.h"
#include "words/userns.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum status { STATUS_OK, STATUS_WARN, STATUS_FAIL };

static const struct {
    const char *word, *colour;
} statuses[] = {{"ok", "\033[32m"}, {"WARN", "\033[33m"}, {"FAIL", "\033[31m"}};

struct options {
    const char *format;
    bool quiet;
};

/* Where the checks look, and what they found. */
struct doctor {
    const struct options *o;
    char *graphroot, *ancestor; /* the store, and the nearest directory above it that exists */
    bool colour;
    int found[3]; /* by status */
    json_t *list;
};

static void tell(struct doctor *d, const char *check, enum status s, const char *what,
                 const char *hint)
{
    d->found[s]++;
    if (d->list) {
        static const char *const words[] = {"ok", "warn", "fail"};
        json_array_append_new(d->list, json_pack("{s:s, s:s, s:s, s:s}", "check", check, "status",
                                                 words[s], "message", what, "hint", hint));
        return;
    }
    if (d->o->quiet && s == STATUS_OK)
        return;
    printf("%s%-4s%s  %s\n", d->colour ? statuses[s].colour : "", statuses[s].word,
           d->colour ? "\033[0m" : "", what);
    for (const char *line = hint; *line; line += *line == '\n') {
        size_t n = strcspn(line, "\n");
        printf("      %.*s\n", (int)n, line);
        line += n;
    }
}

/* r and e are a probe's; bad: how much it matters. */
static void judge(struct doctor *d, const char *check, int r, enum status bad, const char *good,
                  const struct err *e)
{
    if (r == 0)
        tell(d, check, STATUS_OK, good, "");
    else
        tell(d, check, bad, e->msg, e->hint);
}

/* ---- checks of more than one probe ---- */

static void check_overlay(struct doctor *d)
{
    struct err e = ERR_INIT;
    bool native = true;
    const char *dir = access(d->ancestor, W_OK) == 0 ? d->ancestor : NULL;
    int r = needs_overlay(dir, &native, &e);
    if (r == 0 && !native)
        tell(d, "overlay", STATUS_WARN,
             "the kernel mounts no overlay file systems here: fuse-overlayfs does, more slowly",
             "");
    else
        judge(d, "overlay", r, STATUS_FAIL, "overlay file systems can be mounted", &e);
}

static void check_network(struct doctor *d)
{
    struct err slirp = ERR_INIT, pasta = ERR_INIT;
    bool have_slirp = needs_netprogram("slirp4netns", NULL, &slirp) == 0;
    bool have_pasta = needs_netprogram("pasta", NULL, &pasta) == 0;
    if (have_slirp)
        tell(d, "network", STATUS_OK,
             have_pasta ? "slirp4netns and pasta are installed" : "slirp4netns is installed", "");
    else if (have_pasta)
        tell(d, "network", STATUS_OK, "pasta is installed (slirp4netns is not)", "");
    else
        tell(d, "network", STATUS_FAIL, slirp.msg, slirp.hint);
}

/* One line for all that work; one for each that does not, since each has its own option. What
 * helps is mostly the same for all, and then said once, below them. */
static void check_cgroups(struct doctor *d)
{
    static const char *const wanted[][2] = {
        {"--memory", "memory"}, {"--cpus", "cpu"}, {"--pids-limit", "pids"}};
    enum { N = sizeof wanted / sizeof *wanted };
    cleanup(buf_free) struct buf good = BUF_INIT;
    struct err e[N + 1] = {ERR_INIT};
    for (size_t i = 0; i < N; i++)
        if (needs_cgroup(wanted[i][0], wanted[i][1], &e[i]) == 0)
            buf_addf(&good, "%s%s", good.len ? ", " : "limits can be set: ", wanted[i][0]);
    if (good.len)
        tell(d, "cgroup", STATUS_OK, good.s, "");
    for (size_t i = 0; i < N; i++)
        if (e[i].msg[0])
            tell(d, "cgroup", STATUS_WARN, e[i].msg,
                 !d->list && strcmp(e[i].hint, e[i + 1].hint) == 0 ? "" : e[i].hint);
}

static void check_all(struct doctor *d)
{
    struct err e = ERR_INIT;
    judge(d, "userns", needs_userns(&e), STATUS_FAIL, "user namespaces can be made", &e);
    /* without either there is single-id mode; what is there and broken is to be mended */
    struct err single = ERR_INIT;
    int worst = geteuid() != 0 && userns_can_map(&single) < 0 ? STATUS_WARN : STATUS_FAIL;
    judge(d, "subids", needs_subids(&e), worst,
          "/etc/subuid and /etc/subgid have ranges for the user", &e);
    judge(d, "newuidmap", needs_newuidmap(&e), worst, "newuidmap and newgidmap can map them", &e);
    if (worst == STATUS_WARN)
        tell(d, "single-id", STATUS_WARN, "containers have a single user ID (single-id mode)", "");
    check_overlay(d);
    judge(d, "storage", needs_local_disk(d->ancestor, &e), STATUS_FAIL,
          "storage is on a local disk", &e);
    judge(d, "driver", needs_overlay_store(d->graphroot, &e), STATUS_WARN,
          "storage is of driver overlay, or still empty", &e);
    judge(d, "tun", needs_tun(&e), STATUS_FAIL, "/dev/net/tun can be opened", &e);
    check_network(d);
    check_cgroups(d);
    judge(d, "runtime-dir", needs_runtime_dir(&e), STATUS_WARN,
          "the runtime directory is the user's", &e);
    judge(d, "open-files", needs_open_files(&e), STATUS_WARN, "enough files can be opened", &e);
}

static void sum_up(const struct doctor *d)
{
    if (d->list || d->o->quiet)
        return;
    if (d->found[STATUS_FAIL])
        printf("\nContainers cannot run here before what is marked FAIL is mended.\n");
    else if (d->found[STATUS_WARN])
        printf("\nContainers can run here, without what is marked WARN.\n");
    else
        printf("\nNothing is missing: containers can run here.\n");
}

/* ---- where the store is, without making it ---- */

static char *graphroot(void)
{
    const char *data = getenv("XDG_DATA_HOME"), *home = getenv("HOME");
    char *set = storageconf_graphroot();
    if (set)
        return set;
    if (data && data[0] == '/')
        return xasprintf("%s/containers/storage", data);
    return xasprintf("%s/.local/share/containers/storage", home ? home : "");
}

static char *nearest(const char *path)
{
    char *p = xstrdup(path);
    struct stat st;
    while (p[0] == '/' && p[1] &&
           (stat(p, &st) < 0 ? errno == ENOENT || errno == ENOTDIR : !S_ISDIR(st.st_mode))) {
        char *slash = strrchr(p, '/');
        slash[slash == p] = '\0';
    }
    return p;
}

#define AT(field) offsetof(struct options, field)
static const struct opt table[] = {
    {"format", 0, OPT_STR, "FORMAT", "json for a machine-readable list", AT(format)},
    {"quiet", 'q', OPT_BOOL, NULL, "Print only what is not ok", AT(quiet)},
    {.name = NULL},
};
static const struct cmd command = {
    .name = "pod doctor",
    .operands = "",
    .summary = "Check what this machine lacks for containers, and say what helps",
    .more = "Exit codes: 0 containers can run (WARN: with less), 1 they cannot (FAIL), 125 wrong "
            "usage.",
    .opts = table,
};

int main(int argc, char **argv)
{
    struct options o = {.format = NULL};
    struct err e = ERR_INIT;
    int code;
    if (say_parse(&command, &o, argc, argv, &code) < 0)
        return code;
    if (o.format && strcmp(o.format, "json") != 0) {
        err_set(&e, EXIT_TOOL, "unknown format \"%s\"", o.format);
        err_hint(&e, "Use --format json");
        return say_error(&e);
    }
    struct doctor d = {.o = &o,
                       .graphroot = graphroot(),
                       .colour = isatty(STDOUT_FILENO) && !getenv("NO_COLOR"),
                       .list = o.format ? json_array() : NULL};
    d.ancestor = nearest(d.graphroot);
    check_all(&d);
    if (d.list) {
        cleanup_free char *text = json_dumps(d.list, JSON_INDENT(4));
        printf("%s\n", text ? text : "[]");
        json_decref(d.list);
    }
    sum_up(&d);
    free(d.graphroot);
    free(d.ancestor);
    return say_end(d.found[STATUS_FAIL] ? EXIT_NO : EXIT_DONE);
}
