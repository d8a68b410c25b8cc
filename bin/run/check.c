#include "run/run.h"

#include "say.h"
#include "things/session.h"
#include "things/spawn.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

bool attaches(const struct create_opts *o, const char *stream)
{
    for (size_t i = 0; i < o->attach.n; i++)
        if (strcasecmp(o->attach.v[i], stream) == 0)
            return true;
    return o->attach.n == 0;
}

static int check_attach(const struct create_opts *o, struct err *e)
{
    static const char *const streams[] = {"stdin", "stdout", "stderr"};
    for (size_t i = 0; i < o->attach.n; i++) {
        size_t k = 0;
        while (k < 3 && strcasecmp(o->attach.v[i], streams[k]) != 0)
            k++;
        if (k == 3)
            return err_set(e, 0,
                           "invalid stream \"%s\" for --attach - must be one of stdin, stdout, or "
                           "stderr: invalid argument",
                           o->attach.v[i]);
    }
    return 0;
}

/* Words that podman and its units pass: what we do not do must not look as if it were done. */
static int check_modes(const struct create_opts *o, struct err *e)
{
    if (spawn_can_preserve(o->preserve_fds, e) < 0)
        return -1;
    static const char *const notify[] = {"container", "conmon", "healthy", "ignore", NULL};
    static const char *const systemd[] = {"true", "false", "1", "0", "always", NULL};
    const char *policy = o->seccomp_policy;
    if (o->sdnotify && !str_in(o->sdnotify, notify))
        return err_set(e, 0,
                       "invalid config provided: invalid argument: invalid sdnotify value \"%s\": "
                       "must be container, conmon, healthy or ignore",
                       o->sdnotify);
    if (o->systemd && !str_in(o->systemd, systemd))
        return err_set(e, 0,
                       "invalid config provided: --systemd values must be one of \"true, false, "
                       "always\": invalid configuration");
    if (policy && strcmp(policy, "default") != 0 && strcmp(policy, "image") != 0)
        return err_set(e, 0,
                       "invalid seccomp policy \"%s\": valid policies are [\"default\" \"image\"]",
                       policy);
    if (o->subid_name) {
        err_set(e, 0,
                "--subuidname and --subgidname are not supported: the ranges of \"%s\" are "
                "not for users to choose",
                o->subid_name);
        return err_hint(e, "Use: --userns auto, or --uidmap and --gidmap out of your own range");
    }
    if (o->device_rule.n)
        return err_set(e, 0,
                       "device cgroup rules are not supported in rootless mode or in a user "
                       "namespace");
    if (o->authfile && access(o->authfile, R_OK) < 0)
        return err_set(e, 0, "credential file is not accessible: faccessat %s: %s", o->authfile,
                       errno == ENOENT ? "no such file or directory" : "permission denied");
    return 0;
}

/* A port of a network that is not the container's own. */
static void check_ports(struct create_opts *o)
{
    static const char *const without[] = {"host", "none", "container", "ns", NULL};
    const char *mode = o->network.n ? o->network.v[o->network.n - 1] : "";
    cleanup_free char *name = xstrndup(mode, strcspn(mode, ":"));
    if ((!o->publish.n && !o->publish_all) || !str_in(name, without))
        return;
    fprintf(
        stderr,
        "Port mappings have been discarded as one of the Host, Container, Pod, and None network "
        "modes are in use\n");
    strv_free(&o->publish);
    o->publish_all = false;
}

/* Only root may go below its own. */
static void check_oom_score(struct create_opts *o)
{
    static char ours[16];
    FILE *f = geteuid() ? fopen("/proc/self/oom_score_adj", "re") : NULL;
    if (f && fgets(ours, sizeof ours, f) && o->oom_score_adj &&
        atoi(o->oom_score_adj) < atoi(ours)) {
        ours[strcspn(ours, "\n")] = '\0';
        say_warning("Requested oom_score_adj=%s is lower than the current one, changing to %s",
                    o->oom_score_adj, ours);
        o->oom_score_adj = ours;
    }
    if (f)
        fclose(f);
}

int check_options(struct create_opts *o, bool is_run, struct err *e)
{
    if (o->name && o->name[0] == '/')
        o->name++; /* as Docker prints names */
    if (is_run && o->tty && o->interactive && !o->detach && !isatty(0))
        say_warning("The input device is not a TTY. The --tty and --interactive flags might not "
                    "work properly");
    if (o->kernel_memory)
        say_warning("The --kernel-memory flag is no longer supported. This flag is a noop.");
    if (o->detach_keys && *o->detach_keys) {
        char keys[16];
        if (detach_keys_parse(o->detach_keys, keys, sizeof keys) < 0)
            return err_set(e, 0, "invalid detach keys \"%s\"", o->detach_keys);
    }
    if (is_run && o->init_ctr)
        return err_set(e, 0,
                       "--init-ctr is for pod create: the container runs when its pod starts");
    check_ports(o);
    if (o->oom_score_adj)
        check_oom_score(o);
    return check_attach(o, e) < 0 ? -1 : check_modes(o, e);
}
