#include "pull.h"

#include "words/units.h"

#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>

#define BAR 24

static double seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void bar(struct buf *b, const struct layer *l)
{
    int full = l->size > 0 ? (int)(l->bytes * BAR / l->size) : l->done ? BAR : 0;
    for (int i = 0; i < BAR; i++)
        buf_adds(b, i < full ? "━" : i == full ? "╸" : " ");
}

void show_bars(const struct plan *p, bool first)
{
    static double began;
    cleanup(buf_free) struct buf b = BUF_INIT;
    if (first)
        began = seconds();
    else if (p->n)
        buf_addf(&b, "\033[%zuA", p->n);
    double past = seconds() - began;
    for (size_t i = 0; i < p->n; i++) {
        const struct layer *l = &p->layers[i];
        buf_addf(&b, "\r\033[K%.12s ", l->file ? l->nl.diff.hex : l->blob.hex);
        if (l->exists) {
            buf_adds(&b, "exists\n");
            continue;
        }
        bar(&b, l);
        buf_addc(&b, ' ');
        units_human_size(&b, (uint64_t)(l->bytes > 0 ? l->bytes : 0), 3, " ");
        if (l->done) {
            buf_adds(&b, "  done\n");
            continue;
        }
        if (past > 0.2 && l->bytes > 0) {
            buf_adds(&b, "  ");
            units_human_size(&b, (uint64_t)((double)l->bytes / past), 3, " ");
            buf_adds(&b, "/s");
        }
        buf_addc(&b, '\n');
    }
    fwrite(buf_str(&b), 1, b.len, stderr);
    fflush(stderr);
}
