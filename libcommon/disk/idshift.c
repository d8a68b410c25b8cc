#include "disk/idshift.h"

#include "plain/buf.h"

#include <stdio.h>

bool idshift_add(struct idshift *s, const char *text)
{
    struct idshift_range r;
    char end;
    if (sscanf(text, "%c:%u:%u:%u%c", &r.kind, &r.inside, &r.outside, &r.size, &end) != 4 ||
        (r.kind != 'u' && r.kind != 'g'))
        return false;
    s->v = xrealloc(s->v, (s->n + 1) * sizeof *s->v);
    s->v[s->n++] = r;
    return true;
}

uint32_t idshift_in(const struct idshift *s, char kind, uint32_t outside)
{
    for (size_t i = 0; i < s->n; i++)
        if (s->v[i].kind == kind && outside - s->v[i].outside < s->v[i].size)
            return outside - s->v[i].outside + s->v[i].inside;
    return outside;
}

uint32_t idshift_out(const struct idshift *s, char kind, uint32_t inside)
{
    for (size_t i = 0; i < s->n; i++)
        if (s->v[i].kind == kind && inside - s->v[i].inside < s->v[i].size)
            return inside - s->v[i].inside + s->v[i].outside;
    return inside;
}
