#include "run/run.h"

#include "plain/fdio.h"
#include "things/image.h"
#include "things/spawn.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

static void pull_words(const struct create_opts *o, const char *image, struct strv *argv)
{
    const struct {
        const char *option, *value;
    } passed[] = {{"--authfile", o->authfile}, {"--creds", o->creds}, {"--platform", o->platform},
                  {"--arch", o->arch},         {"--os", o->os},       {"--variant", o->variant}};
    strv_take(argv, bin_path("pod-pull"));
    for (size_t i = 0; i < sizeof passed / sizeof *passed; i++)
        if (passed[i].value) {
            strv_add(argv, passed[i].option);
            strv_add(argv, passed[i].value);
        }
    if (o->tls_verify >= 0)
        strv_add(argv, o->tls_verify ? "--tls-verify=true" : "--tls-verify=false");
    if (o->quiet)
        strv_add(argv, "--quiet");
    strv_add(argv, image);
}

/* pod-pull speaks to the person itself; what comes back is its exit code and the image's id. */
static int pull(const struct create_opts *o, const char *image, char ret_id[65], struct err *e)
{
    cleanup(strv_free) struct strv argv = STRV_INIT;
    cleanup(buf_free) struct buf out = BUF_INIT;
    int p[2];
    pid_t pid;
    pull_words(o, image, &argv);
    if (pipe2(p, O_CLOEXEC) < 0)
        return err_sys(e, "cannot make a pipe");
    struct spawn s = {.argv = argv.v, .in = -1, .out = p[1], .err = SPAWN_INHERIT, .report = -1};
    int res = spawn(&s, &pid, e);
    close(p[1]);
    if (res == 0)
        (void)fd_read_all(p[0], 4096, &out);
    close(p[0]);
    if (res < 0)
        return -1;
    e->code = spawn_wait(pid);
    e->msg[0] = '\0'; /* said already */
    if (e->code)
        return -1;
    if (out.len)
        out.s[strcspn(out.s, "\n")] = '\0';
    return str_copy(ret_id, 65, buf_str(&out));
}

/* ret_id: the image's id when it was pulled, "" when it was there. */
static int obtain(const struct roots *r, const struct create_opts *o, const char *name,
                  char ret_id[65], struct err *e)
{
    const char *policy = o->pull ? o->pull : "missing";
    static const char *const known[] = {"missing", "always", "never", "newer",
                                        "true",    "false",  NULL};
    struct image img = IMAGE_INIT;
    ret_id[0] = '\0';
    if (!str_in(policy, known)) {
        err_set(e, 0, "unsupported pull policy \"%s\"", policy);
        return err_hint(e, "Use one of: missing, always, newer, never");
    }
    if (strcmp(policy, "always") == 0 || strcmp(policy, "newer") == 0 ||
        strcmp(policy, "true") == 0) {
        if (pull(o, name, ret_id, e) == 0)
            return 0;
        if (strcmp(policy, "newer") != 0)
            return -1;
    }
    int res = image_find(r, name, &img, e);
    image_free(&img);
    if (res == 0 || strcmp(policy, "missing") != 0 || !str_ends(e->msg, "image not known"))
        return res;
    return pull(o, name, ret_id, e);
}

static bool is_stored(const struct roots *r, const char *name)
{
    struct image img = IMAGE_INIT;
    struct err ignored = ERR_INIT;
    bool found = image_find(r, name, &img, &ignored) == 0;
    image_free(&img);
    return found;
}

int run_need_image(const struct roots *r, const struct create_opts *o, char **name, char ret_id[65],
                   struct err *e)
{
    if (obtain(r, o, *name, ret_id, e) < 0)
        return -1;
    if (ret_id[0] && !is_stored(r, *name))
        *name = ret_id;
    return 0;
}
