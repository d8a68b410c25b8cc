#include "create.h"
#include "pods.h"
#include "say.h"

#include "disk/at.h"
#include "plain/fdio.h"
#include "things/create.h"
#include "words/ident.h"
#include "words/timefmt.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define MAX_NAME_TRIES 100
#define MAX_LABELS     (1 << 20)
#define DEFAULT_SHARE  "ipc,net,uts"

static int read_share(const char *text, struct strv *ret, struct err *e)
{
    static const char *const known[] = {"ipc", "net", "uts", "pid", "cgroup", NULL};
    cleanup(strv_free) struct strv words = STRV_INIT;
    if (text[0] == '+') {
        strv_split(&words, DEFAULT_SHARE, ',');
        text++;
    }
    strv_split(&words, text, ',');
    for (size_t i = 0; i < words.n; i++) {
        if (!*words.v[i] || strcmp(words.v[i], "none") == 0)
            continue;
        if (!str_in(words.v[i], known))
            return err_set(e, 0,
                           "invalid kernel namespace to share: %s. Options are: cgroup, ipc, net, "
                           "pid, uts or none",
                           words.v[i]);
        if (!strv_has(ret, words.v[i]))
            strv_add(ret, words.v[i]);
    }
    return 0;
}

static int make_infra(const struct roots *r, const struct pods_create *o, const char *pod_id,
                      const char *hostname, const char *id, struct err *e)
{
    cleanup_free char *name =
        o->infra_name ? xstrdup(o->infra_name) : xasprintf("%.12s-infra", pod_id);
    struct create_opts c = CREATE_OPTS_INIT;
    char pause[] = "/pause", flag[] = "--pause";
    char *const argv[] = {pause, flag, NULL};
    char *const of_image[] = {(char *)(uintptr_t)o->infra_image,
                              (char *)(uintptr_t)o->infra_command, NULL};
    char made[65];
    c.infra = true;
    c.infra_pod = pod_id;
    c.id = id;
    c.name = name;
    c.hostname = hostname;
    c.publish = o->publish;
    c.network = o->network;
    c.add_host = o->add_host;
    c.no_hosts = o->no_hosts;
    c.dns = o->dns;
    c.dns_option = o->dns_option;
    c.dns_search = o->dns_search;
    c.sysctl = o->sysctl;
    c.userns = o->userns;
    c.shm_size = o->shm_size;
    c.pid = o->pid;
    c.uts = o->uts;
    c.uidmap = o->uidmap;
    c.gidmap = o->gidmap;
    c.ip = o->ip;
    c.network_alias = o->network_alias;
    c.conmon_pidfile = o->conmon_pidfile;
    c.cgroup_parent = o->cgroup_parent;
    c.read_only = !o->infra_image;
    c.infra_image = o->infra_image != NULL;
    if (o->infra_image && pods_need_image(r, o->infra_image, e) < 0)
        return -1;
    return create_container(r, &c, o->infra_image ? of_image : argv, made, e);
}

static void add_label(json_t *labels, const char *text)
{
    cleanup_free char *key = xstrdup(text);
    char *eq = strchr(key, '=');
    if (eq)
        *eq++ = '\0';
    if (*key)
        json_object_set_new(labels, key, json_string(eq ? eq : ""));
}

/* Files first: what the command line says wins. */
static int labels_of(const struct pods_create *o, json_t *labels, struct err *e)
{
    for (size_t i = 0; i < o->label_file.n; i++) {
        cleanup(buf_free) struct buf b = BUF_INIT;
        char *save = NULL;
        if (at_read(AT_FDCWD, o->label_file.v[i], MAX_LABELS, &b) < 0)
            return err_sys(e, "unable to process labels: open %s", o->label_file.v[i]);
        char *line = b.len ? strtok_r(b.s, "\n", &save) : NULL;
        for (; line; line = strtok_r(NULL, "\n", &save))
            if (line[strspn(line, " \t")] != '#')
                add_label(labels, line + strspn(line, " \t"));
    }
    for (size_t i = 0; i < o->label.n; i++)
        add_label(labels, o->label.v[i]);
    return 0;
}

static json_t *record_of(const struct pods_create *o, const char *id, const char *name,
                         const char *infra, const char *hostname, const struct strv *shared,
                         struct err *e)
{
    char now[64];
    json_t *labels = json_object(), *argv = json_pack("[s, s]", "pod", "pod");
    timefmt_now(now, sizeof now);
    json_t *rec = json_pack("{s:i, s:s, s:s, s:s, s:s, s:s, s:o}", "version", 1, "id", id, "name",
                            name, "created", now, "infra", infra, "hostname",
                            o->infra && hostname ? hostname : "", "shared", jx_from_strv(shared));
    for (char **a = o->argv; *a; a++)
        json_array_append_new(argv, json_string(*a));
    jx_set(rec, "createCommand", argv);
    jx_set_str(rec, "exitPolicy", o->exit_policy);
    jx_set(rec, "volume", jx_from_strv(&o->volume));
    jx_set(rec, "volumesFrom", jx_from_strv(&o->volumes_from));
    jx_set(rec, "device", jx_from_strv(&o->device));
    jx_set(rec, "securityOpt", jx_from_strv(&o->security_opt));
    jx_set_str(rec, "cgroupParent", o->cgroup_parent);
    int failed = labels_of(o, labels, e);
    jx_set(rec, "labels", labels);
    if (failed == 0)
        return rec;
    json_decref(rec);
    return NULL;
}

/* One try under that name. The infra container comes last: with it the pod is there. */
static int create_named(const struct roots *r, const struct pods_create *o, const char *name,
                        const struct strv *shared, char id[65], struct err *e)
{
    char infra[65];
    cleanup_fd int lock = -1;
    bool hosts = o->uts && strcmp(o->uts, "host") == 0;
    const char *host = o->hostname || hosts ? o->hostname : name;
    struct err ignored = ERR_INIT;
    ident_new(id);
    infra[0] = '\0';
    if (o->infra)
        ident_new(infra);
    cleanup_json rec = record_of(o, id, name, infra, host, shared, e);
    if (!rec || pod_prepare(r, id, name, rec, &lock, e) < 0)
        return -1;
    if (!o->infra || make_infra(r, o, id, host, infra, e) == 0) {
        event_pod(r, "create", id, name);
        return 0;
    }
    e->sys = 0; /* not the pod's name: another one is no help */
    pod_discard(r, id, name, &ignored);
    return -1;
}

static int create(const struct roots *r, const struct pods_create *o, const char *wanted,
                  char id[65], struct err *e)
{
    char name[256];
    cleanup(strv_free) struct strv shared = STRV_INIT;
    if (wanted && !ident_name_ok(wanted))
        return err_set(e, 0,
                       "running pod create option: names must match "
                       "[a-zA-Z0-9][a-zA-Z0-9_.-]*: invalid argument");
    if (pods_create_check(o, e) < 0)
        return -1;
    if (o->infra && read_share(o->share ? o->share : DEFAULT_SHARE, &shared, e) < 0)
        return -1;
    if (wanted)
        return create_named(r, o, wanted, &shared, id, e);
    for (int i = 0; i < MAX_NAME_TRIES; i++) {
        ident_random_name(name, sizeof name);
        if (create_named(r, o, name, &shared, id, e) == 0)
            return 0;
        if (e->sys != EEXIST)
            break;
    }
    return -1;
}

static int write_id_file(const char *path, const char *id, struct err *e)
{
    if (path && at_write(AT_FDCWD, path, id, strlen(id), 0644, AT_PLAIN) < 0)
        return err_sys(e, "cannot write pod id file \"%s\"", path);
    return 0;
}

/* `rm --force --ignore NAME`, of which nothing is to be read on standard output. */
static int replace(const char *name, struct err *e)
{
    char rm[] = "rm", force[] = "--force", ignore[] = "--ignore";
    char *args[] = {rm, force, ignore, (char *)(uintptr_t)name, NULL};
    cleanup_fd int null = open("/dev/null", O_WRONLY | O_CLOEXEC);
    cleanup_fd int out = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3);
    if (null < 0 || out < 0)
        return err_sys(e, "cannot open /dev/null");
    dup2(null, STDOUT_FILENO);
    verb_rm(4, args);
    fflush(stdout);
    dup2(out, STDOUT_FILENO);
    return 0;
}

int verb_create(int argc, char **argv)
{
    struct err e = ERR_INIT;
    struct pods_create o = {.infra = true};
    struct roots r;
    char id[65];
    int code = 0;
    int first = say_parse(&pods_create_command, &o, argc, argv, &code);
    if (first < 0)
        return code;
    const char *name = o.name ? o.name : argv[first];
    o.argv = argv;
    if (o.share && o.infra && (!*o.share || strcmp(o.share, "none") == 0))
        o.infra = false; /* nobody would join it */
    if (roots_open(&r, &e) < 0)
        return say_error(&e);
    if (o.replace && name && replace(name, &e) < 0)
        return say_error(&e);
    if (create(&r, &o, name, id, &e) < 0 || write_id_file(o.pod_id_file, id, &e) < 0)
        return e.msg[0] ? say_error(&e) : e.code;
    puts(id);
    return say_end(0);
}
