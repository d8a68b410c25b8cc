/*
 * The health check's timer: the first check at once, each further one so long after the end of the
 * one before. The command does all else (bin/pod-healthcheck.c); what it did not finish when the
 * container ends finds nothing to look at any more.
 */
#include "mon.h"

#include <stdint.h>
#include <sys/timerfd.h>
#include <unistd.h>

static void in_ms(const struct mon *m, int64_t ms)
{
    struct itimerspec t = {.it_value = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000}};
    if (m->health_timer >= 0)
        timerfd_settime(m->health_timer, 0, &t, NULL);
}

void health_begin(struct mon *m)
{
    if (!m->o->health.argv)
        return;
    record_health(m);
    if (!m->o->health_interval)
        return;
    if (m->health_timer < 0)
        m->health_timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
    in_ms(m, 1);
}

void health_due(struct mon *m)
{
    uint64_t times;
    if (read(m->health_timer, &times, sizeof times) < 0 || m->exited)
        return;
    if (m->health_pid > 0)
        in_ms(m, m->o->health_interval);
    else
        m->health_pid = launch_beside(&m->o->health);
    if (m->health_pid < 0)
        in_ms(m, m->o->health_interval);
}

void health_done(struct mon *m)
{
    m->health_pid = 0;
    in_ms(m, m->o->health_interval);
}

void health_end(struct mon *m)
{
    in_ms(m, 0);
}
