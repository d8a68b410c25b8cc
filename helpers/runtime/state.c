#include "rt.h"

#include "disk/at.h"
#include "disk/proc.h"
#include "disk/rmtree.h"
#include "plain/buf.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <regex.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define MAX_STATE (1 << 20)

char *state_file(const struct rt *rt, const char *name)
{
    return xasprintf("%s/%s%s%s", rt->root, rt->id, *name ? "/" : "", name);
}

int state_reserve(const struct rt *rt, struct err *e)
{
    cleanup_free char *dir = state_file(rt, "");
    if (mkdir(dir, 0700) == 0)
        return 0;
    if (errno == ENOENT && at_mkdirs(AT_FDCWD, rt->root, 0700) == 0 && mkdir(dir, 0700) == 0)
        return 0;
    if (errno == EEXIST)
        return err_set(e, 0, "container with id exists: %s", rt->id);
    return err_sys(e, "cannot create \"%s\"", dir);
}

static char *now_text(void)
{
    struct timespec ts;
    struct tm tm;
    char day[32];
    clock_gettime(CLOCK_REALTIME, &ts);
    gmtime_r(&ts.tv_sec, &tm);
    strftime(day, sizeof day, "%Y-%m-%dT%H:%M:%S", &tm);
    return xasprintf("%s.%09ldZ", day, ts.tv_nsec);
}

int state_save_config(const struct rt *rt, struct err *e)
{
    cleanup_free char *path = state_file(rt, "config.json");
    if (at_write(AT_FDCWD, path, rt->spec_text, rt->spec_len, 0600, AT_PLAIN) < 0)
        return err_sys(e, "cannot write \"%s\"", path);
    return 0;
}

int state_save(const struct rt *rt, pid_t pid, struct err *e)
{
    cleanup_free char *created = now_text();
    cleanup_json o =
        json_pack("{s:s, s:s, s:i, s:I, s:s, s:s, s:s, s:i}", "ociVersion", OCI_VERSION, "id",
                  rt->id, "pid", (int)pid, "birth", (json_int_t)proc_birth(pid), "bundle",
                  rt->bundle, "rootfs", rt->rootfs, "created", created, "owner", (int)getuid());
    if (!o)
        return err_set(e, 0, "cannot describe container %s: a path in it is not UTF-8", rt->id);
    json_t *annotations = json_object_get(rt->spec, "annotations");
    if (json_object_size(annotations))
        json_object_set(o, "annotations", annotations);
    jx_set_str(o, "cgroup", rt->cgroup);
    cleanup_free char *text = json_dumps(o, JSON_COMPACT);
    cleanup_free char *path = state_file(rt, "state.json");
    if (!text || at_write(AT_FDCWD, path, text, strlen(text), 0600, AT_PLAIN) < 0)
        return err_sys(e, "cannot write \"%s\"", path);
    return 0;
}

int state_load(const struct rt *rt, struct state *ret, struct err *e)
{
    cleanup_free char *path = state_file(rt, "state.json");
    json_t *loaded = NULL;
    if (jx_load(AT_FDCWD, path, MAX_STATE, &loaded, e) < 0) {
        if (e->sys == ENOENT)
            err_set(e, 0, "container %s does not exist", rt->id);
        return -1;
    }
    cleanup_json o = loaded;
    *ret = (struct state){
        .pid = (pid_t)jx_int(o, "pid", 0),
        .birth = (uint64_t)jx_int(o, "birth", 0),
        .bundle = xstrdup(jx_str(o, "bundle")),
        .created = xstrdup(jx_str(o, "created")),
        .rootfs = xstrdup(jx_str(o, "rootfs")),
        .cgroup = jx_str0(o, "cgroup") ? xstrdup(jx_str(o, "cgroup")) : NULL,
        .owner = (unsigned)jx_int(o, "owner", 0),
        .annotations = json_incref(json_object_get(o, "annotations")),
    };
    return 0;
}

void state_free(struct state *s)
{
    free(s->bundle);
    free(s->created);
    free(s->rootfs);
    free(s->cgroup);
    json_decref(s->annotations);
    *s = (struct state){0};
}

int state_matching(const struct rt *rt, const char *regex, struct strv *ret, struct err *e)
{
    regex_t re;
    if (regex && regcomp(&re, regex, REG_EXTENDED | REG_NOSUB) != 0)
        return err_set(e, 0, "invalid regular expression \"%s\"", regex);
    DIR *d = opendir(rt->root);
    for (struct dirent *x; d && (x = readdir(d));)
        if (x->d_name[0] != '.' && (!regex || regexec(&re, x->d_name, 0, NULL, 0) == 0))
            strv_add(ret, x->d_name);
    if (d)
        closedir(d);
    if (regex)
        regfree(&re);
    strv_sort(ret);
    return 0;
}

void state_remove(const struct rt *rt)
{
    cleanup_free char *dir = state_file(rt, "");
    rmtree(AT_FDCWD, dir);
}

const char *state_status(const struct rt *rt, const struct state *s)
{
    cleanup_free char *fifo = state_file(rt, EXEC_FIFO);
    if (s->pid <= 0 || !s->birth || proc_birth(s->pid) != s->birth)
        return "stopped";
    if (at_exists(AT_FDCWD, fifo))
        return "created";
    return s->cgroup && cgroup_frozen(s->cgroup) ? "paused" : "running";
}

json_t *state_json(const struct rt *rt, const struct state *s, const char *status)
{
    bool alive = strcmp(status, "stopped") != 0;
    json_t *o = json_pack("{s:s, s:s, s:i, s:s, s:s}", "ociVersion", OCI_VERSION, "id", rt->id,
                          "pid", alive ? (int)s->pid : 0, "status", status, "bundle", s->bundle);
    if (o && s->rootfs && *s->rootfs)
        json_object_set_new(o, "rootfs", json_string(s->rootfs));
    if (o && s->created && *s->created)
        json_object_set_new(o, "created", json_string(s->created));
    if (o && s->annotations)
        json_object_set(o, "annotations", s->annotations);
    return o;
}
