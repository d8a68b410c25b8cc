/*
 * Progress on a terminal. Layers that are finished get their last line once and scroll away; below
 * them the running ones are redrawn in place. No line is longer than the terminal is wide, and
 * there are never more of them than it is high: else going back up would miss.
 */
#include "pull.h"

#include "words/units.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

enum { BAR = 24, BAR_MIN = 4, NAME = 13, TEXT = 20 };

static size_t drawn; /* lines of running layers, the cursor is below them */

static double seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

bool show_possible(void)
{
    const char *term = getenv("TERM");
    return isatty(2) && term && *term && strcmp(term, "dumb") != 0;
}

static bool speaks_utf8(void)
{
    static const char *const names[] = {"LC_ALL", "LC_CTYPE", "LANG"};
    for (size_t i = 0; i < 3; i++) {
        const char *v = getenv(names[i]);
        if (v && *v)
            return strcasestr(v, "utf-8") || strcasestr(v, "utf8");
    }
    return false;
}

static struct winsize terminal(void)
{
    struct winsize w = {0};
    (void)ioctl(2, TIOCGWINSZ, &w);
    if (w.ws_col == 0)
        w.ws_col = 80;
    if (w.ws_row == 0)
        w.ws_row = 24;
    return w;
}

static void add_bar(struct buf *b, const struct layer *l, int width)
{
    bool utf8 = speaks_utf8();
    int full = l->done ? width : l->size > 0 ? (int)(l->bytes * width / l->size) : 0;
    for (int i = 0; i < width; i++)
        buf_adds(b, i < full ? (utf8 ? "━" : "=") : i == full ? (utf8 ? "╸" : ">") : " ");
    buf_addc(b, ' ');
}

static void add_line(struct buf *b, const struct layer *l, int columns)
{
    cleanup(buf_free) struct buf text = BUF_INIT;
    double past = seconds() - l->since;
    units_human_size(&text, (uint64_t)(l->bytes > 0 ? l->bytes : 0), 3, " ");
    if (l->done) {
        buf_adds(&text, "  done");
    } else if (past > 0.2 && l->bytes > 0) {
        buf_adds(&text, "  ");
        units_human_size(&text, (uint64_t)((double)l->bytes / past), 3, " ");
        buf_adds(&text, "/s");
    }
    if (l->exists) {
        buf_clear(&text);
        buf_adds(&text, "exists");
    }
    /* the last column stays free: a character in it makes some terminals wrap */
    int room = columns - 1 - NAME;
    int width = room - TEXT - 1;
    buf_addf(b, "%.*s ", columns < NAME ? columns - 1 : NAME - 1,
             l->file ? l->nl.diff.hex : l->blob.hex);
    if (!l->exists && width >= BAR_MIN)
        add_bar(b, l, width < BAR ? width : BAR);
    if (room > 0)
        buf_add(b, buf_str(&text), (int)text.len < room ? text.len : (size_t)room);
    buf_adds(b, "\033[K\n");
}

void show_bars(struct plan *p, bool first)
{
    cleanup(buf_free) struct buf b = BUF_INIT;
    struct winsize w = terminal();
    if (first)
        drawn = 0;
    if (drawn)
        buf_addf(&b, "\033[%zuA", drawn);
    drawn = 0;
    buf_addc(&b, '\r');
    for (size_t i = 0; i < p->n; i++) {
        struct layer *l = &p->layers[i];
        if (l->told || !(l->exists || l->done))
            continue;
        add_line(&b, l, w.ws_col);
        l->told = true;
    }
    for (size_t i = 0; i < p->n && drawn + 2 < w.ws_row; i++) {
        if (p->layers[i].pid <= 0)
            continue;
        if (p->layers[i].since == 0)
            p->layers[i].since = seconds();
        add_line(&b, &p->layers[i], w.ws_col);
        drawn++;
    }
    buf_adds(&b, "\033[J");
    fwrite(buf_str(&b), 1, b.len, stderr);
    fflush(stderr);
}

void show_end(void)
{
    fputs("\r\033[K", stderr); /* the terminal's echo of ^C */
    fflush(stderr);
}
