/*
 * pod-commit: an image from a container: its image's layers, and what it changed as one more.
 *
 * pod-pack reads the container's own layer and pod-unpack writes it into the store, through a pipe:
 * nothing lies on disk twice, and the new layer is what any engine would have pulled.
 */
#include "commit/commit.h"
#include "say.h"

#include "disk/at.h"
#include "disk/journal.h"
#include "plain/fdio.h"
#include "things/image_change.h"
#include "things/local_image.h"
#include "things/pack.h"
#include "things/pause.h"
#include "things/spawn.h"
#include "things/staged.h"
#include "things/start.h"
#include "things/view.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define AT(f) offsetof(struct commit_opts, f)
static const struct opt options[] = {
    {"author", 'a', OPT_STR, "AUTHOR", "Who made the image", AT(author)},
    {"change", 'c', OPT_LIST, "INSTRUCTION", "Change the configuration, as in a Containerfile",
     AT(change)},
    {"format", 'f', OPT_STR, "FORMAT", "oci (default) or docker", AT(format)},
    {"iidfile", 0, OPT_STR, "FILE", "Write the image's id to FILE", AT(iidfile)},
    {"include-volumes", 0, OPT_BOOL, NULL, "Its mounts become VOLUMEs of the image",
     AT(include_volumes)},
    {"message", 'm', OPT_STR, "TEXT", "A comment, shown by pod history", AT(message)},
    {"pause", 'p', OPT_BOOL, NULL, "Pause the container meanwhile", AT(pause)},
    {"quiet", 'q', OPT_BOOL, NULL, "Accepted for podman's sake: only the id is ever printed",
     AT(quiet)},
    {"squash", 's', OPT_BOOL, NULL, "All its files as a single layer", AT(squash)},
    {0},
};
static const struct cmd command = {
    .name = "pod commit",
    .operands = "CONTAINER [IMAGE]",
    .summary = "Make an image from a container",
    .more = "Exit codes: 0 done, 125 pod failed or the container does not exist.",
    .opts = options,
    .min = 1,
    .max = 2,
};

struct job {
    bool pause; /* while its files are read */
    struct roots roots;
    struct ctr c;
    struct image base;
    struct new_layer layer;
    uint32_t *ids;
    const struct commit_opts *o;
};

static void job_close(struct job *j)
{
    staged_drop(&j->roots, &j->layer);
    ctr_close(&j->c);
    image_free(&j->base);
    free(j->ids);
}

/* ---- the layer ---- */

static void pack_command(const struct job *j, struct strv *ret)
{
    const json_t *secret;
    size_t i;
    if (j->o->squash) {
        cleanup(view_free) struct view view = VIEW_INIT;
        view_container(&j->roots, &j->c, &view);
        for (i = 0; i < view.line.n; i++)
            strv_add(ret, view.line.v[i]);
        strv_take(ret, tool_path("pod-pack"));
        view_owners(&j->roots, &j->c, ret);
        strv_add(ret, view.dir);
        return;
    }
    start_add_userns(ret);
    strv_take(ret, tool_path("pod-pack"));
    strv_add(ret, "--layer");
    if (jx_int(j->c.record, "uid", 0) != 0 && start_is_single(&j->roots)) {
        strv_add(ret, "--new-owner");
        strv_addf(ret, "%lld", (long long)jx_int(j->c.record, "uid", 0));
        strv_addf(ret, "%lld", (long long)jx_int(j->c.record, "gid", 0));
    }
    json_array_foreach(json_object_get(j->c.record, "secrets"), i, secret)
    {
        if (!*jx_str(secret, "target"))
            continue;
        strv_add(ret, "--point");
        strv_add(ret, jx_str(secret, "target"));
    }
    view_owners(&j->roots, &j->c, ret);
    strv_addf(ret, "%s/pod/containers/%s/upper", j->roots.graph_path, j->c.id);
}

static int make_layer(struct job *j, struct err *e)
{
    static char answer[1 << 20];
    cleanup(strv_free) struct strv pack = STRV_INIT, unpack = STRV_INIT;
    if (staged_make(&j->roots, &j->layer, e) < 0)
        return -1;
    pack_command(j, &pack);
    staged_command(&j->roots, &j->layer, &unpack);
    if (pack_through(&pack, &unpack, answer, sizeof answer, e) < 0 ||
        staged_answer(answer, &j->layer, &j->ids, e) < 0)
        return -1;
    return 0;
}

static void on_signal(int sig)
{
    (void)sig; /* those who pack and unpack end by it; we have a container to let go on */
}

/* Whoever else pauses or lets it go on meanwhile has his way: the files are what they are then. */
static int copy_changes(struct job *j, struct err *e)
{
    static const int endings[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT};
    struct err ignored = ERR_INIT;
    for (size_t i = 0; j->pause && i < sizeof endings / sizeof *endings; i++)
        signal(endings[i], on_signal);
    if (j->pause && ctr_pause(&j->roots, &j->c, e) < 0)
        return -1;
    int r = make_layer(j, e);
    if (j->pause && ctr_unpause(&j->roots, &j->c, &ignored) < 0)
        say_warning("%s", ignored.msg);
    return r;
}

/* The layer that the image's others end with; "" for none. */
static int find_top(const struct job *j, char ret[65], struct err *e)
{
    cleanup_store s = STORE_INIT;
    ret[0] = '\0';
    if (j->o->squash)
        return 0;
    if (store_open_images(&j->roots, &s, e) < 0)
        return -1;
    const json_t *img = store_image(&s, j->base.id);
    if (!img)
        return err_set(e, 0, "%s: image not known", j->base.id);
    return str_copy(ret, 65, jx_str(img, "layer"));
}

static int save(struct job *j, const char *name, char ret_id[65], struct err *e)
{
    json_t *made = NULL;
    struct local_image image = {.layer = &j->layer, .name = name};
    image.docker = j->o->format && strcmp(j->o->format, "docker") == 0;
    if (find_top(j, image.top, e) < 0 ||
        commit_config(&j->c, &j->base, j->o, &j->layer.diff, &made, e) < 0)
        return -1;
    image.config = made;
    int r = local_image_save(&j->roots, &image, ret_id, e);
    json_decref(made);
    return r;
}

static int check(struct job *j, struct err *e)
{
    struct ctr_status s;
    const struct commit_opts *o = j->o;
    if (o->format && strcmp(o->format, "oci") != 0 && strcmp(o->format, "docker") != 0)
        return err_set(e, 0, "unrecognized image format \"%s\"", o->format);
    if (jx_str0(j->c.record, "rootfs"))
        return err_set(e, 0, "cannot commit a container that uses an exploded rootfs");
    ctr_status(&j->roots, &j->c, &s);
    j->pause = o->pause && s.state == CTR_RUNNING;
    for (size_t i = 0; i < o->change.n; i++) {
        cleanup_json ignored = json_object();
        if (config_change(ignored, o->change.v[i], e) < 0)
            return -1;
    }
    return 0;
}

static int work(struct job *j, char **operands, char ret_id[65], struct err *e)
{
    cleanup_free char *name = NULL;
    if (roots_open(&j->roots, e) < 0 || ctr_find(&j->roots, operands[0], &j->c, e) < 0 ||
        check(j, e) < 0 || (operands[1] && store_normalize(operands[1], &name, e) < 0))
        return -1;
    if (image_find(&j->roots, jx_str(j->c.record, "image"), &j->base, e) < 0)
        return -1;
    cleanup_fd int hold = store_hold(&j->roots, e);
    if (hold < 0 || copy_changes(j, e) < 0 || save(j, name, ret_id, e) < 0)
        return -1;
    journal_container(j->c.dir, "commit", NULL);
    if (j->o->iidfile && at_write(AT_FDCWD, j->o->iidfile, ret_id, 64, 0644, AT_PLAIN) < 0)
        return err_sys(e, "cannot write \"%s\"", j->o->iidfile);
    return 0;
}

int main(int argc, char **argv)
{
    struct err e = ERR_INIT;
    struct commit_opts o = {0};
    struct job j = {.roots = ROOTS_INIT, .c = CTR_INIT, .o = &o};
    char id[65];
    int code = 0;
    int first = say_parse(&command, &o, argc, argv, &code);
    if (first < 0)
        return code;
    int r = work(&j, argv + first, id, &e);
    job_close(&j);
    if (r < 0)
        return say_error(&e);
    puts(id);
    return say_end(0);
}
