/* pod volume create and exists. */
#include "say.h"
#include "volume.h"

#include "plain/fdio.h"
#include "things/store_write.h"
#include "words/exitcode.h"
#include "words/ident.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct create_options {
    bool ignore;
    const char *driver;
    struct strv label, opt;
};
#define AT(f) offsetof(struct create_options, f)
static const struct opt create_table[] = {
    {"driver", 'd', OPT_STR, "NAME", "Only \"local\"", AT(driver)},
    {"ignore", 0, OPT_BOOL, NULL, "Do not fail when it exists", AT(ignore)},
    {"label", 'l', OPT_MULTI, "KEY=VALUE", "Set a label", AT(label)},
    {"opt", 'o', OPT_LIST, "KEY=VALUE",
     "o=uid=N,gid=N: its owner; type=bind and device=DIR; type=tmpfs", AT(opt)},
    {0},
};
#undef AT
static const struct cmd create_command = {
    .name = "pod volume create",
    .operands = "[NAME]",
    .summary = "Create a volume",
    .more = "Exit codes: 0 done, 125 pod failed or there is one of that name.",
    .opts = create_table,
    .max = 1,
};

static int pairs(const struct strv *texts, const char *what, json_t *ret, struct err *e)
{
    for (size_t i = 0; i < texts->n; i++) {
        cleanup_free char *key = xstrdup(texts->v[i]);
        char *value = strchr(key, '=');
        if (value)
            *value++ = '\0';
        if (!*key || json_object_set_new(ret, key, json_string(value ? value : "")) < 0)
            return err_set(e, 0, "unable to process %s: invalid format: \"%s\"", what, texts->v[i]);
    }
    return 0;
}

static int create(const struct create_options *o, const char *name, struct err *e)
{
    struct roots r;
    cleanup_json labels = json_object();
    cleanup_json options = json_object();
    const struct volume_want w = {.name = name, .labels = labels, .options = options};
    if (o->driver && *o->driver && strcmp(o->driver, "local") != 0) {
        err_set(e, 0, "no volume plugin with name %s available: required plugin missing",
                o->driver);
        return err_hint(e, "Leave --driver out: only \"local\" is built in");
    }
    if (pairs(&o->label, "labels", labels, e) < 0 || pairs(&o->opt, "options", options, e) < 0 ||
        volume_check_options(options, e) < 0 || roots_open(&r, e) < 0)
        return -1;
    cleanup_fd int hold = store_hold(&r, e);
    if (hold < 0)
        return -1;
    int res = volume_create(&r, &w, e);
    return res < 0 && o->ignore && e->sys == EEXIST ? 0 : res;
}

int verb_create(int argc, char **argv)
{
    struct err e = ERR_INIT;
    struct create_options o = {0};
    char id[IDENT_LEN + 1];
    int code = 0;
    int first = say_parse(&create_command, &o, argc, argv, &code);
    if (first < 0)
        return code;
    ident_new(id);
    const char *name = first < argc ? argv[first] : id;
    if (create(&o, name, &e) < 0)
        return say_error(&e);
    puts(name);
    return say_end(0);
}

static const struct cmd exists_command = {
    .name = "pod volume exists",
    .operands = "VOLUME",
    .summary = "Tell by the exit code whether a volume exists",
    .more = "Exit codes: 0 it exists, 1 it does not, 125 pod failed.",
    .min = 1,
    .max = 1,
};

int verb_exists(int argc, char **argv)
{
    struct err e = ERR_INIT;
    struct roots r;
    int code = 0;
    int first = say_parse(&exists_command, NULL, argc, argv, &code);
    if (first < 0)
        return code;
    if (roots_open(&r, &e) < 0)
        return say_error(&e);
    return say_end(volume_exists(&r, argv[first]) ? 0 : EXIT_NO);
}

/* ---- mount and unmount: it is where it is; podman has them for drivers ---- */

static const struct cmd mount_command = {
    .name = "pod volume mount",
    .operands = "VOLUME...",
    .summary = "Print where volumes are, for `pod unshare`",
    .more = "Inside `pod unshare` only.\n\nExit codes: 0 done, 125 pod failed.",
    .min = 1,
    .max = -1,
};
static const struct cmd unmount_command = {
    .name = "pod volume unmount",
    .operands = "VOLUME...",
    .summary = "Nothing: volumes stay where they are",
    .more = "Exit codes: 0 done, 125 pod failed.",
    .min = 1,
    .max = -1,
};

static int print_one(const struct roots *r, const char *wanted, bool path, struct err *e)
{
    cleanup_free char *name = NULL;
    cleanup_json volume = NULL;
    if (volume_find(r, wanted, &name, e) < 0 || volume_load(r, name, &volume, e) < 0)
        return -1;
    cleanup_free char *where = volume_path(r, name, volume);
    puts(path ? where : name);
    return 0;
}

static int print_all(const struct cmd *command, bool path, int argc, char **argv)
{
    struct err e = ERR_INIT;
    struct roots r;
    int code = 0;
    int first = say_parse(command, NULL, argc, argv, &code);
    if (first < 0)
        return code;
    if (path && geteuid() != 0) {
        err_set(&e, 0,
                "cannot run command \"pod volume mount\" in rootless mode, must execute "
                "`pod unshare` first");
        err_hint(&e, "Type: pod unshare pod volume mount %s", argv[first]);
        return say_error(&e);
    }
    if (roots_open(&r, &e) < 0)
        return say_error(&e);
    for (char **name = argv + first; *name; name++) {
        e = (struct err)ERR_INIT;
        if (print_one(&r, *name, path, &e) < 0)
            code = say_error(&e);
    }
    return say_end(code);
}

int verb_mount(int argc, char **argv)
{
    return print_all(&mount_command, true, argc, argv);
}

int verb_unmount(int argc, char **argv)
{
    return print_all(&unmount_command, false, argc, argv);
}
