/* Labels, stop signal, restart policy, log and what else is kept as it was asked for. */
#include "things/create.h"

#include "disk/at.h"
#include "things/ctr.h"
#include "words/journald.h"
#include "words/signame.h"
#include "words/template.h"
#include "words/units.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MAX_STOP_TIMEOUT 1000000000
#define MAX_LOG_FILES    1000
#define MAX_LABEL_FILE   (1 << 20)

static int pairs(const char *flag, const struct strv *l, json_t *into, struct err *e)
{
    bool labels = strcmp(flag, "label") == 0;
    for (size_t i = 0; i < l->n; i++) {
        cleanup_free char *key = xstrdup(l->v[i]);
        char *value = strchr(key, '=');
        if (value)
            *value++ = '\0';
        if (!*key && labels)
            return err_set(e, 0, "unable to process labels: invalid label format: \"%s\"", l->v[i]);
        if (!labels && (!*key || !value))
            return err_set(e, 0, "%ss must be formatted KEY=VALUE", flag);
        if (json_object_set_new(into, key, json_string(value ? value : "")) < 0)
            return err_set(e, 0, "--%s \"%s\" is not UTF-8", flag, l->v[i]);
    }
    return 0;
}

static int label_files(const struct strv *files, json_t *labels, struct err *e)
{
    for (size_t i = 0; i < files->n; i++) {
        cleanup(buf_free) struct buf b = BUF_INIT;
        cleanup(strv_free) struct strv lines = STRV_INIT;
        char *save = NULL;
        if (at_read(AT_FDCWD, files->v[i], MAX_LABEL_FILE, &b) < 0)
            return err_set(e, 0, "unable to process labels: open %s: %s", files->v[i],
                           errno == ENOENT ? "no such file or directory" : strerror(errno));
        for (char *l = b.s ? strtok_r(b.s, "\r\n", &save) : NULL; l;
             l = strtok_r(NULL, "\r\n", &save)) {
            l += strspn(l, " \t");
            if (*l && *l != '#')
                strv_add(&lines, l);
        }
        if (pairs("label", &lines, labels, e) < 0)
            return -1;
    }
    return 0;
}

static int set_labels(const struct create_opts *o, const json_t *cfg, json_t *rec, struct err *e)
{
    json_t *from_image = json_object_get(cfg, "Labels");
    json_t *labels = json_is_object(from_image) ? json_deep_copy(from_image) : json_object();
    json_t *annotations = json_object();
    int r = label_files(&o->label_file, labels, e);
    if (r == 0)
        r = pairs("label", &o->label, labels, e);
    if (r == 0)
        r = pairs("annotation", &o->annotation, annotations, e);
    jx_set(rec, "labels", labels);
    jx_set(rec, "annotations", annotations);
    return r;
}

static int set_stop(const struct create_opts *o, const json_t *cfg, json_t *rec, struct err *e)
{
    const char *text = o->stop_signal ? o->stop_signal : jx_str(cfg, "StopSignal");
    int sig;
    int64_t wait = 10;
    if (signal_parse(*text ? text : "TERM", &sig, e) < 0)
        return -1;
    if (o->stop_timeout && str_i64(o->stop_timeout, 0, MAX_STOP_TIMEOUT, &wait) < 0)
        return err_set(
            e, 0, "invalid argument \"%s\" for \"--stop-timeout\" flag: not a number of seconds",
            o->stop_timeout);
    json_object_set_new(rec, "stopSignal", json_integer(sig));
    json_object_set_new(rec, "stopTimeout", json_integer(wait));
    return 0;
}

int create_restart(const struct create_opts *o, json_t *rec, struct err *e)
{
    static const char *const known[] = {"no",     "never",          "on-failure",
                                        "always", "unless-stopped", NULL};
    cleanup_free char *policy = xstrdup(o->restart ? o->restart : "no");
    char *colon = strchr(policy, ':');
    int64_t max = 0;
    if (colon)
        *colon++ = '\0';
    if (!str_in(policy, known) ||
        (colon && (strcmp(policy, "on-failure") != 0 || str_i64(colon, 0, INT_MAX, &max) < 0))) {
        err_set(e, 0,
                "running container create option: \"%s\" is not a valid restart policy: "
                "invalid argument",
                o->restart);
        return err_hint(e, "Use one of: no, on-failure[:N], always, unless-stopped");
    }
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
    static const char *const known[] = {"k8s-file", "json-file",   "journald",
                                        "none",     "passthrough", NULL};
    const char *driver = o->log_driver ? o->log_driver : "k8s-file";
    json_t *log = json_object();
    json_object_set_new(rec, "log", log);
    if (!str_in(driver, known)) {
        err_set(e, 0, "running container create option: invalid log driver: invalid argument");
        return err_hint(e, "Use one of: k8s-file, json-file, journald, none, passthrough");
    }
    if (strcmp(driver, "journald") == 0 && access(JOURNALD_SOCKET, W_OK) < 0) {
        err_set(e, 0, "the journald log driver finds no journal of systemd at " JOURNALD_SOCKET);
        return err_hint(e, "Use --log-driver k8s-file");
    }
    if (strcmp(driver, "passthrough") == 0 && o->tty)
        return err_set(e, 0, "cannot use --tty with the passthrough log driver");
    jx_set_str(log, "driver", driver);
    for (size_t i = 0; i < o->log_opt.n; i++) {
        const char *s = o->log_opt.v[i];
        uint64_t max;
        if (str_starts(s, "path=")) {
            if (s[5] != '/')
                return err_set(e, 0, "log path \"%s\" is not absolute", s + 5);
            jx_set_str(log, "path", s + 5);
        } else if (str_starts(s, "max-size=")) {
            if (strcmp(s + 9, "-1") == 0) /* docker's word for no limit */
                max = 0;
            else if (units_size_parse_decimal(s + 9, &max) < 0 || max > INT64_MAX)
                return err_set(e, 0, "invalid size: '%s'", s + 9);
            json_object_set_new(log, "maxSize", json_integer((json_int_t)max));
        } else if (str_starts(s, "max-file=")) {
            if (str_u64(s + 9, MAX_LOG_FILES, &max) < 0 || max == 0)
                return err_set(e, 0, "invalid number of log files: '%s'", s + 9);
            json_object_set_new(log, "maxFiles", json_integer((json_int_t)max));
        } else if (str_starts(s, "tag=")) {
            cleanup_template *tag = NULL;
            if (template_compile(s + 4, &tag, e) < 0)
                return err_prefix(e, "log option tag");
            jx_set_str(log, "tag", s + 4);
        } else {
            return err_set(e, 0,
                           "invalid log option \"%s\": use path=, max-size=, max-file= or tag=", s);
        }
    }
    return 0;
}

static void set_plain(const struct create_opts *o, json_t *rec)
{
    const struct {
        const char *key;
        bool on;
    } flags[] = {{"rm", o->rm || o->rmi}, {"rmi", o->rmi},
                 {"tty", o->tty},         {"stdin", o->interactive},
                 {"init", o->init},       {"infra", o->infra},
                 {"detach", o->detach},   {"noHostname", o->no_hostname}};
    for (size_t i = 0; i < sizeof flags / sizeof *flags; i++)
        if (flags[i].on)
            json_object_set_new(rec, flags[i].key, json_true());
    jx_set_str(rec, "runtime", o->runtime);
    jx_set(rec, "runtimeFlags", jx_from_strv(&o->runtime_flag));
    jx_set_str(rec, "tz", o->tz);
    jx_set_str(rec, "sdnotify", o->sdnotify);
    jx_set_str(rec, "cgroupManager", getenv("POD_CGROUP_MANAGER"));
    jx_set(rec, "hooksDirs", jx_from_strv(&o->hooks_dir));
    jx_set_str(rec, "personality", o->personality);
    jx_set(rec, "chrootDirs", jx_from_strv(&o->chrootdirs));
    jx_set_str(rec, "umask", o->umask);
    jx_set_str(rec, "pidsLimitText", o->pids_limit);
    jx_set_str(rec, "initPath", o->init_path);
    cleanup_free char *here = getcwd(NULL, 0);
    cleanup_free char *cidfile =
        here && o->cidfile && o->cidfile[0] != '/' ? xasprintf("%s/%s", here, o->cidfile) : NULL;
    jx_set_str(rec, "cidfile", cidfile ? cidfile : o->cidfile);
    jx_set_str(rec, "pidfile", o->pidfile);
    jx_set_str(rec, "conmonPidfile", o->conmon_pidfile);
    jx_set_str(rec, "cgroups", o->cgroups);
    json_t *argv = json_array();
    for (char *const *a = o->command_line; a && *a; a++) {
        const char *slash = strrchr(*a, '/');
        const char *name = slash ? slash + 1 : *a;
        if (a == o->command_line && str_starts(name, "pod-")) { /* as it was typed */
            json_array_append_new(argv, json_string("pod"));
            json_array_append_new(argv, json_string(name + 4));
        } else {
            json_array_append_new(argv, json_string(*a));
        }
    }
    jx_set(rec, "createCommand", argv);
    jx_set_str(rec, "createDir", here);
}

static bool is_umask(const char *s)
{
    return *s && strspn(s, "01234567") == strlen(s) && strlen(s) <= 4;
}

/* What can be said to be wrong without looking further. */
static int check_plain(const struct create_opts *o, struct err *e)
{
    static const char *const cgroups[] = {"enabled", "disabled", "no-conmon", "split", NULL};
    static const char create[] = "running container create option";
    cleanup_free char *zone = o->tz ? xasprintf("/usr/share/zoneinfo/%s", o->tz) : NULL;
    if (o->cgroups && !str_in(o->cgroups, cgroups))
        return err_set(e, 0, "%s: invalid cgroup mode \"%s\": invalid argument", create,
                       o->cgroups);
    static const char *const domains[] = {"LINUX", "LINUX32", NULL};
    if (o->personality && !str_in(o->personality, domains))
        return err_set(e, 0, "%s: invalid personality \"%s\": use LINUX or LINUX32", create,
                       o->personality);
    for (size_t i = 0; i < o->chrootdirs.n; i++)
        if (o->chrootdirs.v[i][0] != '/')
            return err_set(e, 0, "%s: chroot directory \"%s\" is not absolute", create,
                           o->chrootdirs.v[i]);
    if (o->umask && !is_umask(o->umask))
        return err_set(e, 0, "%s: invalid umask string %s: invalid argument", create, o->umask);
    if (zone && strcmp(o->tz, "local") != 0 && (strstr(o->tz, "..") || access(zone, R_OK) < 0))
        return err_set(e, 0, "%s: stat %s: no such file or directory", create, zone);
    if (o->init_path && access(o->init_path, X_OK) < 0)
        return err_set(e, 0, "container-init binary not found on the host: stat %s: %s",
                       o->init_path,
                       errno == ENOENT ? "no such file or directory" : strerror(errno));
    if (o->uts && strcmp(o->uts, "host") == 0 && o->hostname)
        return err_set(e, 0,
                       "invalid config provided: cannot set hostname when running in the host UTS "
                       "namespace: invalid configuration");
    if (o->no_hosts && o->add_host.n)
        return err_set(e, 0, "--no-hosts and --add-host cannot be set together");
    return 0;
}

static int set_timeout(const struct create_opts *o, json_t *rec, struct err *e)
{
    int64_t seconds = 0;
    if (o->timeout && str_i64(o->timeout, 0, MAX_STOP_TIMEOUT, &seconds) < 0)
        return err_set(e, 0,
                       "invalid argument \"%s\" for \"--timeout\" flag: not a number of seconds",
                       o->timeout);
    if (seconds)
        json_object_set_new(rec, "timeout", json_integer(seconds));
    return 0;
}

/* By id, so that a rename does not matter. */
static int set_requires(const struct roots *r, const struct create_opts *o, json_t *rec,
                        struct err *e)
{
    json_t *list = json_array();
    json_object_set_new(rec, "requires", list);
    for (size_t i = 0; i < o->requires.n; i++) {
        struct ctr c;
        if (ctr_find(r, o->requires.v[i], &c, e) < 0)
            return err_prefix(e, "\"%s\" is not a valid container, cannot be used as a dependency",
                              o->requires.v[i]);
        json_array_append_new(list, json_string(c.id));
        ctr_close(&c);
    }
    if (!o->requires.n)
        json_object_del(rec, "requires");
    return 0;
}

int create_plain(const struct roots *r, const struct create_opts *o, const json_t *cfg, json_t *rec,
                 struct err *e)
{
    set_plain(o, rec);
    jx_set(rec, "exposed", create_exposed(&o->expose, json_object_get(cfg, "ExposedPorts"), e));
    if (e->code || check_plain(o, e) < 0 || set_timeout(o, rec, e) < 0 ||
        set_requires(r, o, rec, e) < 0 || set_labels(o, cfg, rec, e) < 0 ||
        set_stop(o, cfg, rec, e) < 0 || create_restart(o, rec, e) < 0)
        return -1;
    return set_log(o, rec, e);
}
