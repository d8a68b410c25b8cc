#include "run/run.h"
#include "say.h"

#include "plain/fdio.h"
#include "things/image.h"
#include "things/spawn.h"

#include "words/arch.h"

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

static bool same_word(const char *want, const char *have)
{
    return !want || !*want || strcmp(arch_of(want, NULL), have) == 0;
}

/* Is the image that is here the one for --platform, --arch, --os and --variant? */
static bool right_platform(const struct create_opts *o, const struct image *img)
{
    cleanup(strv_free) struct strv part = STRV_INIT;
    if (o->platform)
        strv_split(&part, o->platform, '/');
    const char *os = part.n > 1 ? part.v[0] : o->os;
    const char *arch = part.n > 1 ? part.v[1] : part.n ? part.v[0] : o->arch;
    const char *variant = part.n > 2 ? part.v[2] : o->variant,
               *have = jx_str(img->config, "variant");
    return same_word(os, jx_str(img->config, "os")) &&
           same_word(arch, jx_str(img->config, "architecture")) &&
           (!*have || same_word(variant, have));
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
    if (res == 0 && !right_platform(o, &img))
        res = err_set(e, 0, "%s: image not known", name);
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

void drop_image(const struct roots *r, const char *id)
{
    struct err ignored = ERR_INIT;
    cleanup(strv_free) struct strv argv = STRV_INIT;
    (void)r;
    strv_take(&argv, bin_path("pod-store"));
    strv_add(&argv, "rmi");
    strv_add(&argv, id);
    struct spawn s = {.argv = argv.v, .in = -1, .out = -1, .err = -1, .report = -1};
    pid_t pid;
    if (spawn(&s, &pid, &ignored) < 0 || spawn_wait(pid) != 0)
        say_warning("the image was not removed: image is in use by a container");
}
