/* pod-wait: waits for containers to end and prints their exit codes, one a line. */
#include "say.h"

#include "things/health.h"
#include "things/select.h"
#include "things/session.h"
#include "words/units.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#define MISSING (-1) /* printed for a container that is not there, with --ignore */

struct options {
    struct select which;
    const char *interval;
    struct strv condition;
};

#define AT(f) offsetof(struct options, f)
static const struct opt options[] = {
    {"condition", 0, OPT_MULTI, "STATE", "Wait for created, running, exited, … (default exited)",
     AT(condition)},
    {"ignore", 0, OPT_BOOL, NULL, "Print -1 for a container that does not exist", AT(which.ignore)},
    {"interval", 'i', OPT_STR, "TIME", "Look so often (default 250ms)", AT(interval)},
    {"latest", 'l', OPT_BOOL, NULL, "The container created last", AT(which.latest)},
    {0},
};

static const struct cmd command = {
    .name = "pod wait",
    .operands = "CONTAINER...",
    .summary = "Wait until containers have ended and print their exit codes",
    .more = "Exit codes: 0 done, 125 pod failed or a container does not exist.",
    .opts = options,
    .max = -1,
};

static bool is_end(const char *state)
{
    return strcasecmp(state, "exited") == 0 || strcasecmp(state, "stopped") == 0;
}

/* Other states than the end can only be looked for. */
static bool reached(const struct options *o, const struct ctr *c, const struct ctr_status *s)
{
    char health[16];
    for (size_t i = 0; i < o->condition.n; i++) {
        const char *want = o->condition.v[i];
        if (strcasecmp(want, ctr_state_name(s->state)) == 0 ||
            (is_end(want) && s->state == CTR_EXITED) ||
            (strcasecmp(want, "configured") == 0 && s->state == CTR_CREATED))
            return true;
        if (strcasecmp(want, "healthy") != 0 && strcasecmp(want, "unhealthy") != 0)
            continue;
        health_status(c, health, sizeof health);
        if (s->state == CTR_RUNNING && strcasecmp(want, health) == 0)
            return true;
    }
    return false;
}

static bool only_the_end(const struct options *o)
{
    for (size_t i = 0; i < o->condition.n; i++)
        if (!is_end(o->condition.v[i]))
            return false;
    return true;
}

static int wait_one(const struct roots *r, const char *name, const struct options *o,
                    int64_t interval, int *ret_code, struct err *e)
{
    struct ctr c;
    struct ctr_status s;
    int res = 0;
    *ret_code = MISSING;
    if (ctr_find(r, name, &c, e) < 0)
        return -1;
    if (only_the_end(o)) {
        res = ctr_wait(r, &c, -1, ret_code, e);
    } else {
        for (ctr_status(r, &c, &s); !reached(o, &c, &s); ctr_status(r, &c, &s))
            nanosleep(&(struct timespec){interval / 1000000000, interval % 1000000000}, NULL);
        *ret_code = s.state == CTR_EXITED ? s.exit_code : MISSING;
    }
    ctr_close(&c);
    return res;
}

static int check(const struct options *o, int64_t *interval, struct err *e)
{
    static const char *const states[] = {"configured",  "created",  "exited",    "healthy",
                                         "initialized", "paused",   "pausing",   "running",
                                         "stopped",     "stopping", "unhealthy", NULL};
    uint64_t ms;
    for (size_t i = 0; i < o->condition.n; i++)
        if (!str_in(o->condition.v[i], states))
            return err_set(e, 0, "unknown container state: %s: invalid argument",
                           o->condition.v[i]);
    *interval = 250000000;
    if (!o->interval)
        return 0;
    if (str_u64(o->interval, 1000000, &ms) == 0)
        *interval = (int64_t)ms * 1000000;
    else if (units_duration(o->interval, interval) < 0 || *interval < 0)
        return err_set(e, 0, "time: invalid duration \"%s\"", o->interval);
    return 0;
}

int main(int argc, char **argv)
{
    struct err e = ERR_INIT;
    struct options o = {0};
    struct roots r;
    cleanup(strv_free) struct strv names = STRV_INIT;
    int64_t interval;
    int code = 0;
    int first = say_parse(&command, &o, argc, argv, &code);
    if (first < 0)
        return code;
    if (check(&o, &interval, &e) < 0 || roots_open(&r, &e) < 0)
        return say_error(&e);
    if (select_names(&r, &o.which, argv + first, &names, &e) < 0) {
        if (!(o.which.ignore && o.which.latest))
            return say_error(&e);
        printf("%d\n", MISSING);
    }
    for (size_t i = 0; i < names.n; i++) {
        int ended;
        if (wait_one(&r, names.v[i], &o, interval, &ended, &e) < 0 && !o.which.ignore) {
            code = say_error(&e);
            continue;
        }
        printf("%d\n", ended);
        fflush(stdout);
    }
    return say_end(code);
}
