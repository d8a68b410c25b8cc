#include "ids.h"

#include <stdio.h>
#include <string.h>

int idmap_read(const char *file, struct idmap *ret, struct err *e)
{
    FILE *f = fopen(file, "re");
    if (!f)
        return err_sys(e, "open %s", file);
    struct idmap m = {0};
    struct idrange r;
    while (fscanf(f, "%u %u %u", &r.first, &r.outside, &r.count) == 3) {
        m.v = xrealloc(m.v, (m.n + 1) * sizeof *m.v);
        m.v[m.n++] = r;
    }
    fclose(f);
    *ret = m;
    return 0;
}

bool idmap_single(const struct idmap *m)
{
    return m->n == 1 && m->v[0].first == 0 && m->v[0].count == 1;
}

bool idmap_has(const struct idmap *m, int64_t id)
{
    for (size_t i = 0; i < m->n; i++)
        if (id >= m->v[i].first && id - m->v[i].first < m->v[i].count)
            return true;
    return false;
}

uint32_t idmap_next(const struct idmap *m)
{
    uint64_t next = 100000;
    for (size_t i = 0; i < m->n; i++) {
        uint64_t end = (uint64_t)m->v[i].outside + m->v[i].count;
        if (m->v[i].count > 1 && end > next)
            next = end;
    }
    return next > UINT32_MAX ? UINT32_MAX : (uint32_t)next;
}

void idset_add(struct idset *s, uint32_t id)
{
    if (s->any && id == s->last)
        return;
    s->any = true;
    s->last = id;
    size_t i = s->n;
    while (i > 0 && s->v[i - 1] >= id)
        i--;
    if (i < s->n && s->v[i] == id)
        return;
    if (s->n == IDSET_MAX && i == s->n) {
        s->v[s->n - 1] = id;
        return;
    }
    if (s->n == IDSET_MAX) { /* the largest stays, the one before it goes */
        if (i == s->n - 1)
            return;
        memmove(s->v + i + 1, s->v + i, (s->n - 2 - i) * sizeof *s->v);
    } else {
        memmove(s->v + i + 1, s->v + i, (s->n - i) * sizeof *s->v);
        s->n++;
    }
    s->v[i] = id;
}

void idset_json(const struct idset *s, struct buf *out)
{
    buf_addc(out, '[');
    for (size_t i = 0; i < s->n; i++)
        buf_addf(out, "%s%u", i ? "," : "", s->v[i]);
    buf_addc(out, ']');
}
