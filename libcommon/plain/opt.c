#include "plain/opt.h"

#include "plain/str.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HELP_COLUMN 30
#define NEAR_ENOUGH 2

static int see_help(const struct cmd *c, struct err *e)
{
    char line[sizeof e->hint];
    snprintf(line, sizeof line, "%s%sSee '%s --help'", e->hint, *e->hint ? "\n" : "", c->name);
    return err_hint(e, "%s", line);
}

int opt_unknown(const char *what, const char *got, const char *const *names, const char *help_of,
                struct err *e)
{
    const char *best = NULL;
    unsigned far = NEAR_ENOUGH + (strlen(got) > 6) + 1;
    for (; *names; names++) {
        unsigned d = str_distance(got, *names);
        if (d < far) {
            far = d;
            best = *names;
        }
    }
    err_set(e, 0, "unknown %s: %s", what, got);
    if (best)
        err_hint(e, "Did you mean '%s'?", best);
    return help_of ? see_help(&(struct cmd){.name = help_of}, e) : -1;
}

static const struct opt *by_name(const struct cmd *c, const char *name, size_t n)
{
    for (const struct opt *o = c->opts; o && o->name; o++)
        if (strncmp(o->name, name, n) == 0 && o->name[n] == '\0')
            return o;
    return NULL;
}

static const struct opt *by_letter(const struct cmd *c, char letter)
{
    for (const struct opt *o = c->opts; o && o->name; o++)
        if (o->letter == letter)
            return o;
    return NULL;
}

static int unknown_long(const struct cmd *c, const char *arg, size_t n, struct err *e)
{
    const char *names[256];
    size_t k = 0;
    for (const struct opt *o = c->opts; o && o->name && k < 255; o++)
        if (o->help)
            names[k++] = o->name;
    names[k] = NULL;
    cleanup_free char *got = xstrndup(arg, n);
    opt_unknown("flag", got, names, NULL, e);
    cleanup_free char *near = xstrdup(e->hint);
    const char *quote = strchr(near, '\'');
    err_set(e, 0, "unknown flag: --%s", got);
    if (quote)
        err_hint(e, "Did you mean '--%s", quote + 1);
    return see_help(c, e);
}

static int parse_bool(const char *s, bool *ret)
{
    static const char *const yes[] = {"true", "1", "t", "T", "TRUE", "True", NULL};
    static const char *const no[] = {"false", "0", "f", "F", "FALSE", "False", NULL};
    if (str_in(s, yes) || str_in(s, no)) {
        *ret = str_in(s, yes);
        return 0;
    }
    return -1;
}

static int store(const struct cmd *c, const struct opt *o, void *base, const char *value,
                 struct err *e)
{
    void *dest = (char *)base + o->at;
    bool truth = true;
    switch (o->kind) {
    case OPT_BOOL:
    case OPT_TRI:
        if (value && parse_bool(value, &truth) < 0)
            break;
        if (o->kind == OPT_BOOL)
            *(bool *)dest = truth;
        else
            *(int *)dest = truth;
        return 0;
    case OPT_STR:
        *(const char **)dest = value;
        return 0;
    case OPT_LIST:
        strv_add(dest, value);
        return 0;
    case OPT_MULTI:
        strv_split(dest, value, ',');
        return 0;
    case OPT_INT:
        if (str_i64(value, INT64_MIN + 1, INT64_MAX, dest) < 0)
            break;
        return 0;
    }
    err_set(e, 0, "invalid argument \"%s\" for \"--%s\" flag: %s", value, o->name,
            o->kind == OPT_INT ? "not a whole number" : "neither true nor false");
    return see_help(c, e);
}

static bool takes_value(const struct opt *o)
{
    return o->kind != OPT_BOOL && o->kind != OPT_TRI;
}

/* `--name…`; *i moves on when the value is the next argument. */
static int parse_long(const struct cmd *c, void *base, int argc, char **argv, int *i, struct err *e)
{
    const char *arg = argv[*i] + 2;
    size_t n = strcspn(arg, "=");
    const struct opt *o = by_name(c, arg, n);
    if (!o) {
        if (strncmp(arg, "help", n) == 0 && n == 4)
            return CMD_HELP;
        return unknown_long(c, arg, n, e);
    }
    const char *value = arg[n] == '=' ? arg + n + 1 : NULL;
    if (!value && takes_value(o)) {
        if (*i + 1 >= argc) {
            err_set(e, 0, "flag needs an argument: --%s", o->name);
            return see_help(c, e);
        }
        value = argv[++*i];
    }
    return store(c, o, base, value, e);
}

/* `-abc`, `-eVALUE`, `-e VALUE`, `-t=5`. */
static int parse_letters(const struct cmd *c, void *base, int argc, char **argv, int *i,
                         struct err *e)
{
    const char *arg = argv[*i];
    for (const char *p = arg + 1; *p; p++) {
        const struct opt *o = by_letter(c, *p);
        if (!o) {
            if (*p == 'h')
                return CMD_HELP;
            err_set(e, 0, "unknown shorthand flag: '%c' in %s", *p, arg);
            return see_help(c, e);
        }
        const char *value = NULL;
        bool last = true;
        if (p[1] == '=')
            value = p + 2;
        else if (takes_value(o) && p[1])
            value = p + 1;
        else if (takes_value(o) && *i + 1 < argc)
            value = argv[++*i];
        else if (takes_value(o)) {
            err_set(e, 0, "flag needs an argument: '%c' in %s", *p, arg);
            return see_help(c, e);
        } else
            last = false;
        if (store(c, o, base, value, e) < 0)
            return -1;
        if (last)
            break;
    }
    return CMD_OK;
}

static int check_count(const struct cmd *c, int n, struct err *e)
{
    if (n >= c->min && (c->max < 0 || n <= c->max))
        return CMD_OK;
    if (c->min == c->max && c->max > 0)
        err_set(e, 0, "accepts %d arg(s), received %d", c->min, n);
    else if (n < c->min)
        err_set(e, 0, "requires at least %d arg(s), only received %d", c->min, n);
    else if (c->max)
        err_set(e, 0, "accepts at most %d arg(s), received %d", c->max, n);
    else
        err_set(e, 0, "`%s` takes no arguments", c->name);
    return see_help(c, e);
}

int cmd_parse(const struct cmd *c, void *base, int argc, char **argv, int *first, struct err *e)
{
    cleanup_free char **operands = xcalloc((size_t)argc + 1, sizeof *operands);
    int n = 0, i = 1;
    for (; i < argc; i++) {
        const char *arg = argv[i];
        int r = CMD_OK;
        if (strcmp(arg, "--") == 0) {
            i++;
            break;
        }
        if (arg[0] != '-' || arg[1] == '\0') {
            if (c->stop_at_operand)
                break;
            operands[n++] = argv[i];
            continue;
        }
        r = arg[1] == '-' ? parse_long(c, base, argc, argv, &i, e)
                          : parse_letters(c, base, argc, argv, &i, e);
        if (r != CMD_OK)
            return r;
    }
    while (i < argc)
        operands[n++] = argv[i++];
    *first = argc - n;
    memcpy(argv + *first, operands, (size_t)n * sizeof *argv);
    return check_count(c, n, e);
}

static void help_option(const struct opt *o, struct buf *out)
{
    size_t start = out->len;
    if (o->letter)
        buf_addf(out, "  -%c, --%s", o->letter, o->name);
    else
        buf_addf(out, "      --%s", o->name);
    if (o->arg)
        buf_addf(out, " %s", o->arg);
    if (out->len - start >= HELP_COLUMN)
        buf_addf(out, "\n%*s", HELP_COLUMN, "");
    else
        buf_addf(out, "%*s", (int)(HELP_COLUMN - (out->len - start)), "");
    buf_addf(out, "%s\n", o->help);
}

void cmd_help(const struct cmd *c, struct buf *out)
{
    buf_addf(out, "%s\n\nUsage: %s%s%s%s\n", c->summary, c->name, c->opts ? " [options]" : "",
             *c->operands ? " " : "", c->operands);
    if (c->opts)
        buf_adds(out, "\nOptions:\n");
    for (const struct opt *o = c->opts; o && o->name; o++)
        if (o->help)
            help_option(o, out);
    if (c->more)
        buf_addf(out, "\n%s\n", c->more);
}
