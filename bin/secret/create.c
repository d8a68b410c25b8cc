/* pod secret create, exists and rm. */
#include "say.h"
#include "secret.h"

#include "plain/fdio.h"
#include "words/exitcode.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- create ---- */

struct create_options {
    bool env, replace;
    const char *driver;
    struct strv label, driver_opts;
};
#define AT(f) offsetof(struct create_options, f)
static const struct opt create_table[] = {
    {"driver", 'd', OPT_STR, "NAME", "Only \"file\", which does not encrypt", AT(driver)},
    {"driver-opts", 0, OPT_LIST, "KEY=VALUE", NULL, AT(driver_opts)},
    {"env", 0, OPT_BOOL, NULL, "The data is in an environment variable of that name", AT(env)},
    {"label", 'l', OPT_LIST, "KEY=VALUE", "Set a label", AT(label)},
    {"replace", 0, OPT_BOOL, NULL, "Remove one of the same name first", AT(replace)},
    {0},
};
#undef AT
static const struct cmd create_command = {
    .name = "pod secret create",
    .operands = "NAME FILE|-",
    .summary = "Keep a new secret: the bytes of a file, or of standard input",
    .more = "Exit codes: 0 done, 125 pod failed or there is one of that name.",
    .opts = create_table,
    .min = 2,
    .max = 2,
};

static int read_data(const struct create_options *o, const char *source, struct buf *b,
                     struct err *e)
{
    if (o->env) {
        const char *value = getenv(source);
        if (!value)
            return err_set(e, 0,
                           "cannot create store secret data: environment variable %s is not set",
                           source);
        buf_adds(b, value);
        return 0;
    }
    bool in = strcmp(source, "-") == 0;
    if (in && isatty(0)) {
        err_set(e, 0, "if `-` is used, data must be passed into stdin");
        return err_hint(e, "Type for example: printf 'my password' | pod secret create NAME -");
    }
    cleanup_fd int fd = in ? dup(0) : open(source, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    if (fd < 0)
        return err_set(e, 0, "open %s: %s", source,
                       errno == ENOENT ? "no such file or directory" : strerror(errno));
    if (fd_read_all(fd, SECRET_MAX, b) < 0)
        return errno == EFBIG
                   ? err_set(e, 0, "secret data must be larger than 0 and less than %d bytes",
                             SECRET_MAX)
                   : err_sys(e, "cannot read \"%s\"", source);
    return 0;
}

static int labels_of(const struct strv *texts, json_t *ret, struct err *e)
{
    for (size_t i = 0; i < texts->n; i++) {
        cleanup_free char *key = xstrdup(texts->v[i]);
        char *value = strchr(key, '=');
        if (value)
            *value++ = '\0';
        if (!*key || json_object_set_new(ret, key, json_string(value ? value : "")) < 0)
            return err_set(e, 0, "unable to process labels: invalid label format: \"%s\"",
                           texts->v[i]);
    }
    return 0;
}

static int create(const struct create_options *o, char **operands, char id[26], struct err *e)
{
    struct roots r;
    struct secrets s;
    cleanup(buf_free) struct buf data = BUF_INIT;
    cleanup_json labels = json_object();
    if (o->driver && strcmp(o->driver, "file") != 0) {
        err_set(e, 0, "%s: invalid secret driver", o->driver);
        return err_hint(e, "pod has the driver \"file\" alone");
    }
    if (labels_of(&o->label, labels, e) < 0 || read_data(o, operands[1], &data, e) < 0 ||
        roots_open(&r, e) < 0 || secrets_open(&r, true, &s, e) < 0)
        return -1;
    const struct secret_want w = {.name = operands[0],
                                  .labels = labels,
                                  .data = data.s,
                                  .size = data.len,
                                  .replace = o->replace};
    int res = secret_create(&s, &w, id, e);
    secrets_close(&s);
    return res;
}

int verb_create(int argc, char **argv)
{
    struct err e = ERR_INIT;
    struct create_options o = {0};
    char id[26];
    int code = 0;
    int first = say_parse(&create_command, &o, argc, argv, &code);
    if (first < 0)
        return code;
    if (create(&o, argv + first, id, &e) < 0)
        return say_error(&e);
    puts(id);
    return say_end(0);
}

/* ---- exists ---- */

static const struct cmd exists_command = {
    .name = "pod secret exists",
    .operands = "SECRET",
    .summary = "Say by the exit code whether a secret exists",
    .more = "Exit codes: 0 it exists, 1 it does not, 125 pod failed.",
    .min = 1,
    .max = 1,
};

int verb_exists(int argc, char **argv)
{
    struct err e = ERR_INIT;
    struct roots r;
    struct secrets s;
    int code = 0;
    int first = say_parse(&exists_command, NULL, argc, argv, &code);
    if (first < 0)
        return code;
    if (roots_open(&r, &e) < 0 || secrets_open(&r, false, &s, &e) < 0)
        return say_error(&e);
    return secret_find(&s, argv[first], &e) ? EXIT_DONE : e.sys == ENOENT ? EXIT_NO : say_error(&e);
}

/* ---- rm ---- */

struct rm_options {
    bool all, ignore;
};
static const struct opt rm_table[] = {
    {"all", 'a', OPT_BOOL, NULL, "Remove all secrets", offsetof(struct rm_options, all)},
    {"ignore", 'i', OPT_BOOL, NULL, "One that is not there is no error",
     offsetof(struct rm_options, ignore)},
    {0},
};
static const struct cmd rm_command = {
    .name = "pod secret rm",
    .operands = "SECRET...",
    .summary = "Remove secrets; containers that have them keep their copy",
    .more = "Exit codes: 0 done, 125 pod failed or a secret does not exist.",
    .opts = rm_table,
    .max = -1,
};

static void all_ids(const struct secrets *s, struct strv *ret)
{
    const char *id;
    const json_t *v;
    json_object_foreach(json_object_get(s->list, "secrets"), id, v) strv_add(ret, id);
}

int verb_rm(int argc, char **argv)
{
    struct err e = ERR_INIT;
    struct rm_options o = {0};
    struct roots r;
    struct secrets s;
    cleanup(strv_free) struct strv names = STRV_INIT;
    int code = 0;
    int first = say_parse(&rm_command, &o, argc, argv, &code);
    if (first < 0)
        return code;
    if (o.all == (first < argc)) {
        err_set(&e, 0, "`pod secret rm` requires one argument, or the --all flag");
        return say_error(&e);
    }
    if (roots_open(&r, &e) < 0 || secrets_open(&r, true, &s, &e) < 0)
        return say_error(&e);
    if (o.all)
        all_ids(&s, &names);
    for (int i = first; i < argc; i++)
        strv_add(&names, argv[i]);
    for (size_t i = 0; i < names.n; i++) {
        e = (struct err)ERR_INIT;
        const json_t *it = secret_find(&s, names.v[i], &e);
        cleanup_free char *id = xstrdup(jx_str(it, "id"));
        if (it && secret_remove(&s, id, &e) == 0)
            puts(id);
        else if (e.sys != ENOENT || !o.ignore)
            code = say_error(&e);
    }
    secrets_close(&s);
    return say_end(code);
}
