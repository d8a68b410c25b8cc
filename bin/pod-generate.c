/* pod-generate: what a container is, in other programs' words. */
#include "say.h"

#include "disk/at.h"
#include "things/select.h"
#include "things/start.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct spec_options {
    struct select which;
    bool compact;
    const char *filename;
};
#define AT(f) offsetof(struct spec_options, f)
static const struct opt spec_table[] = {
    {"compact", 'c', OPT_BOOL, NULL, "On one line", AT(compact)},
    {"filename", 'f', OPT_STR, "FILE", "Write it to FILE", AT(filename)},
    {"latest", 'l', OPT_BOOL, NULL, "The container created last", AT(which.latest)},
    {0},
};
static const struct cmd spec_command = {
    .name = "pod generate spec",
    .operands = "CONTAINER",
    .summary = "Print the OCI configuration that a container runs with, or would",
    .more = "Exit codes: 0 done, 125 pod failed or the container does not exist.",
    .opts = spec_table,
    .max = 1,
};

static int spec(const struct spec_options *o, char **operands, struct err *e)
{
    struct roots r;
    struct ctr c;
    cleanup(strv_free) struct strv names = STRV_INIT;
    cleanup(buf_free) struct buf text = BUF_INIT;
    json_t *spec = NULL;
    if (roots_open(&r, e) < 0 || select_names(&r, &o->which, operands, &names, e) < 0 ||
        ctr_find(&r, names.v[0], &c, e) < 0)
        return -1;
    int res = ctr_config(&r, &c, &text, e);
    ctr_close(&c);
    if (res < 0 || jx_parse("the configuration", text.s, text.len, &spec, e) < 0)
        return -1;
    cleanup_free char *out = json_dumps(spec, o->compact ? JSON_COMPACT : JSON_INDENT(1));
    json_decref(spec);
    if (!o->filename) {
        puts(out);
        return 0;
    }
    return at_write(AT_FDCWD, o->filename, out, strlen(out), 0644, AT_PLAIN) < 0
               ? err_sys(e, "cannot write \"%s\"", o->filename)
               : 0;
}

static int do_spec(int argc, char **argv)
{
    struct err e = ERR_INIT;
    struct spec_options o = {0};
    int code = 0;
    int first = say_parse(&spec_command, &o, argc, argv, &code);
    if (first < 0)
        return code;
    if (spec(&o, argv + first, &e) < 0)
        return say_error(&e);
    return say_end(0);
}

int main(int argc, char **argv)
{
    static const struct verb verbs[] = {
        {"spec", "print the OCI configuration of a container", do_spec},
        {0},
    };
    return say_verbs("pod generate", "What a container is, in other programs' words", verbs, argc,
                     argv);
}
