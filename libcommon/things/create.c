#include "things/create.h"

#include "disk/at.h"
#include "disk/lock.h"
#include "plain/fdio.h"
#include "things/ctr.h"
#include "things/pod.h"
#include "things/store_write.h"
#include "words/ident.h"
#include "words/signame.h"
#include "words/timefmt.h"
#include "words/units.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define MAX_STOP_TIMEOUT 1000000000
#define MAX_NAME_TRIES   1000

static int pairs(const char *flag, const struct strv *l, json_t *into, struct err *e)
{
    for (size_t i = 0; i < l->n; i++) {
        cleanup_free char *key = xstrdup(l->v[i]);
        char *value = strchr(key, '=');
        if (value)
            *value++ = '\0';
        if (!*key)
            return err_set(e, 0, "invalid %s format: %s", flag, l->v[i]);
        if (json_object_set_new(into, key, json_string(value ? value : "")) < 0)
            return err_set(e, 0, "%s \"%s\" is not UTF-8", flag, l->v[i]);
    }
    return 0;
}

static int set_labels(const struct create_opts *o, const json_t *cfg, json_t *rec, struct err *e)
{
    json_t *from_image = json_object_get(cfg, "Labels");
    json_t *labels = json_is_object(from_image) ? json_deep_copy(from_image) : json_object();
    json_t *annotations = json_object();
    int r = pairs("--label", &o->label, labels, e);
    if (r == 0)
        r = pairs("--annotation", &o->annotation, annotations, e);
    jx_set(rec, "labels", labels);
    jx_set(rec, "annotations", annotations);
    return r;
}

static int set_stop(const struct create_opts *o, const json_t *cfg, json_t *rec, struct err *e)
{
    const char *text = o->stop_signal ? o->stop_signal : jx_str(cfg, "StopSignal");
    int sig = signal_number(*text ? text : "TERM");
    int64_t wait = 10;
    if (sig < 0)
        return err_set(e, 0, "invalid signal: %s", text);
    if (o->stop_timeout && str_i64(o->stop_timeout, 0, MAX_STOP_TIMEOUT, &wait) < 0)
        return err_set(
            e, 0, "invalid argument \"%s\" for \"--stop-timeout\" flag: not a number of seconds",
            o->stop_timeout);
    json_object_set_new(rec, "stopSignal", json_integer(sig));
    json_object_set_new(rec, "stopTimeout", json_integer(wait));
    return 0;
}

static int set_restart(const struct create_opts *o, json_t *rec, struct err *e)
{
    static const char *const known[] = {"no",     "never",          "on-failure",
                                        "always", "unless-stopped", NULL};
    cleanup_free char *policy = xstrdup(o->restart ? o->restart : "no");
    char *colon = strchr(policy, ':');
    int64_t max = 0;
    if (colon)
        *colon++ = '\0';
    if (!str_in(policy, known) ||
        (colon && (strcmp(policy, "on-failure") != 0 || str_i64(colon, 0, INT_MAX, &max) < 0)))
        return err_set(e, 0,
                       "restart policy \"%s\" is not valid: use no, on-failure[:N], always or "
                       "unless-stopped",
                       o->restart);
    if (strcmp(policy, "no") == 0 || strcmp(policy, "never") == 0)
        return 0;
    if (o->rm)
        return err_set(e, 0,
                       "the --rm option conflicts with --restart, when the restartPolicy is not "
                       "\"\" and \"no\"");
    json_object_set_new(rec, "restart",
                        json_pack("{s:s, s:I}", "policy", policy, "max", (json_int_t)max));
    return 0;
}

static int set_log(const struct create_opts *o, json_t *rec, struct err *e)
{
    static const char *const known[] = {"k8s-file", "json-file", "none", "passthrough", NULL};
    const char *driver = o->log_driver ? o->log_driver : "k8s-file";
    json_t *log = json_object();
    json_object_set_new(rec, "log", log);
    if (!str_in(driver, known))
        return err_set(e, 0,
                       "running container create option: invalid log driver \"%s\": use k8s-file, "
                       "none or passthrough",
                       driver);
    if (strcmp(driver, "passthrough") == 0 && o->tty)
        return err_set(e, 0, "cannot use --tty with the passthrough log driver");
    jx_set_str(log, "driver", strcmp(driver, "json-file") == 0 ? "k8s-file" : driver);
    for (size_t i = 0; i < o->log_opt.n; i++) {
        const char *s = o->log_opt.v[i];
        uint64_t max;
        if (str_starts(s, "path=")) {
            if (s[5] != '/')
                return err_set(e, 0, "log path \"%s\" is not absolute", s + 5);
            jx_set_str(log, "path", s + 5);
        } else if (str_starts(s, "max-size=")) {
            if (units_size_parse(s + 9, &max) < 0 || max > INT64_MAX)
                return err_set(e, 0, "invalid size: '%s'", s + 9);
            json_object_set_new(log, "maxSize", json_integer((json_int_t)max));
        } else if (!str_starts(s, "tag=") && !str_starts(s, "max-file=")) {
            return err_set(e, 0, "invalid log option \"%s\": use path= or max-size=", s);
        }
    }
    return 0;
}

static void set_plain(const struct create_opts *o, json_t *rec)
{
    const struct {
        const char *key;
        bool on;
    } flags[] = {{"rm", o->rm},     {"tty", o->tty},     {"stdin", o->interactive},
                 {"init", o->init}, {"infra", o->infra}, {"detach", o->detach}};
    for (size_t i = 0; i < sizeof flags / sizeof *flags; i++)
        if (flags[i].on)
            json_object_set_new(rec, flags[i].key, json_true());
    jx_set_str(rec, "runtime", o->runtime);
    jx_set_str(rec, "tz", o->tz);
    jx_set_str(rec, "umask", o->umask);
    jx_set_str(rec, "pidsLimitText", o->pids_limit);
    json_t *argv = json_array();
    for (char *const *a = o->command_line; a && *a; a++)
        json_array_append_new(argv, json_string(*a));
    jx_set(rec, "createCommand", argv);
}

static int set_pod(const struct roots *r, const struct create_opts *o, json_t *rec, struct err *e)
{
    char id[65];
    if (o->infra) {
        jx_set_str(rec, "pod", o->infra_pod);
        return 0;
    }
    if (!o->pod)
        return 0;
    if (pod_find_id(r, o->pod, id, e) < 0)
        return -1;
    jx_set_str(rec, "pod", id);
    return 0;
}

/* Everything a person asked for, checked, in one object. */
static int make_record(const struct roots *r, const struct create_opts *o, const struct image *img,
                       char *const *command, const char *id, json_t *rec, struct err *e)
{
    cleanup(buf_free) struct buf created = BUF_INIT;
    const json_t *cfg = img ? json_object_get(img->config, "config") : NULL;
    timefmt_rfc3339(&created, timefmt_clock());
    json_object_set_new(rec, "version", json_integer(1));
    json_object_set_new(rec, "id", json_string(id));
    json_object_set_new(rec, "created", json_string(created.s));
    if (img) {
        json_object_set_new(rec, "image", json_string(img->id));
        jx_set_str(rec, "imageName", img->name);
        jx_set(rec, "lowers", jx_from_strv(&img->lowers));
    }
    cleanup_free char *host = xstrndup(id, 12);
    if (o->uts && strcmp(o->uts, "host") == 0 && !o->hostname) {
        char ours[256] = "";
        gethostname(ours, sizeof ours - 1);
        jx_set_str(rec, "hostname", ours);
    } else {
        jx_set_str(rec, "hostname", o->hostname ? o->hostname : host);
    }
    set_plain(o, rec);
    if (set_pod(r, o, rec, e) < 0 || set_labels(o, cfg, rec, e) < 0 ||
        set_stop(o, cfg, rec, e) < 0 || set_restart(o, rec, e) < 0 || set_log(o, rec, e) < 0 ||
        create_mounts(r, o, rec, e) < 0 || create_network(r, o, rec, e) < 0 ||
        create_security(o, rec, e) < 0 || create_limits(o, rec, e) < 0)
        return -1;
    jx_set(rec, "exposed", jx_from_strv(&o->expose));
    jx_set_str(rec, "ociUser", jx_str(cfg, "User"));
    return create_process(r, o, img, command, rec, e);
}

/*
 * The directory, built aside. The lock in it says that its maker lives (names.c looks at it); gc
 * leaves staging alone while the caller holds store_hold().
 */
static int build(const struct roots *r, const char *id, int *ret_dir, int *ret_lock, struct err *e)
{
    static const char *const dirs[] = {"rootfs", "upper", "work"};
    char path[128];
    snprintf(path, sizeof path, "staging/%s", id);
    if (mkdirat(r->own, path, 0700) < 0)
        return err_sys(e, "cannot create container %s", id);
    cleanup_fd int dir = at_open_dir(r->own, path);
    if (dir < 0 || (*ret_lock = lock_try(dir, "lock", LOCK_EXCLUSIVE)) < 0)
        return err_sys(e, "cannot create container %s", id);
    for (size_t i = 0; i < 3; i++)
        if (mkdirat(dir, dirs[i], i == 2 ? 0700 : 0755) < 0)
            return err_sys(e, "cannot create container %s", id);
    if (fchmodat(dir, "upper", 0755, 0) < 0)
        return err_sys(e, "cannot create container %s", id);
    *ret_dir = fd_take(&dir);
    return 0;
}

/* The name that was asked for, or the first free one of those we think of. */
static int claim_name(const struct roots *r, const char *wanted, const char *id, json_t *rec,
                      struct err *e)
{
    char name[256];
    str_copy(name, sizeof name, wanted ? wanted : "");
    for (int i = 0; i < MAX_NAME_TRIES; i++) {
        if (!wanted)
            ident_random_name(name, sizeof name);
        if (!wanted && i > 10)
            snprintf(name + strlen(name), 12, "%d", i);
        if (name_claim(r, name, id, false, e) == 0) {
            json_object_set_new(rec, "name", json_string(name));
            return 0;
        }
        if (wanted || e->sys != EEXIST)
            break;
    }
    return -1;
}

static int write_record(int dir, const json_t *rec, const char *id, struct err *e)
{
    cleanup_free char *text = json_dumps(rec, JSON_COMPACT);
    if (!text || at_write(dir, "container.json", text, strlen(text), 0600, AT_PLAIN) < 0)
        return err_sys(e, "cannot write the record of container %s", id);
    return 0;
}

static int write_cidfile(const char *path, const char *id, struct err *e)
{
    if (!path)
        return 0;
    cleanup_fd int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
    if (fd < 0 && errno == EEXIST) {
        err_set(e, 0,
                "container id file exists. Ensure another container is not using it or delete %s",
                path);
        return err_hint(e, "Type: rm %s", path);
    }
    if (fd < 0 || fd_write_all(fd, id, strlen(id)) < 0)
        return err_sys(e, "cannot write container id file \"%s\"", path);
    return 0;
}

static int publish(const struct roots *r, const char *id, json_t *rec, const struct create_opts *o,
                   struct err *e)
{
    int lock = -1;
    char path[128], trash[160];
    bool named = false, noted = false;
    cleanup_fd int dir = -1;
    cleanup_fd int hold = store_hold(r, e);
    if (hold < 0)
        return -1;
    int res = build(r, id, &dir, &lock, e);
    if (res == 0)
        named = (res = claim_name(r, o->name, id, rec, e)) == 0;
    if (res == 0)
        res = write_record(dir, rec, id, e);
    if (res == 0)
        noted = (res = write_cidfile(o->cidfile, id, e)) == 0;
    if (res == 0)
        res = ctr_publish(r, id, e);
    if (res < 0) {
        if (named)
            name_drop(r, jx_str(rec, "name"), id);
        if (noted && o->cidfile)
            unlink(o->cidfile);
        snprintf(path, sizeof path, "staging/%s", id);
        at_temp_name(trash, sizeof trash, "trash/ctr-");
        renameat(r->own, path, r->own, trash);
    }
    if (lock >= 0)
        close(lock);
    return res;
}

int create_container(const struct roots *r, const struct create_opts *o, char *const *operands,
                     char ret_id[65], struct err *e)
{
    struct image img = IMAGE_INIT;
    char id[65];
    if (o->name && !ident_name_ok(o->name))
        return err_set(e, 0,
                       "running container create option: names must match "
                       "[a-zA-Z0-9][a-zA-Z0-9_.-]*: invalid argument");
    bool has_image = !o->infra || o->infra_image;
    if (has_image && image_find(r, operands[0], &img, e) < 0)
        return -1;
    if (!o->id || str_copy(id, sizeof id, o->id) < 0)
        ident_new(id);
    cleanup_json rec = json_object();
    int res = make_record(r, o, has_image ? &img : NULL, operands + has_image, id, rec, e);
    image_free(&img);
    if (res == 0)
        res = publish(r, id, rec, o, e);
    if (res == 0)
        memcpy(ret_id, id, sizeof id);
    return res;
}
