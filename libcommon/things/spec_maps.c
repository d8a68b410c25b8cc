#include "things/spec.h"

#include "words/userns.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MAX_EXTENTS 64

struct extent {
    unsigned long first, count; /* of the parent's ids */
};

static size_t read_extents(const char *text, struct extent *x, size_t max)
{
    size_t n = 0;
    unsigned long in, out, count;
    int used;
    while (n < max && sscanf(text, "%lu %lu %lu%n", &in, &out, &count, &used) == 3) {
        x[n++] = (struct extent){.first = in, .count = count};
        text += used;
    }
    return n;
}

/* Container ids [ctr, ctr+count) to parent ids from `parent` up, cut where parent extents end. */
static void add(json_t *maps, const struct extent *x, size_t n, unsigned long ctr,
                unsigned long parent, unsigned long count)
{
    for (size_t i = 0; i < n && count > 0; i++) {
        if (parent < x[i].first || parent >= x[i].first + x[i].count)
            continue;
        unsigned long room = x[i].first + x[i].count - parent;
        unsigned long size = count < room ? count : room;
        json_array_append_new(maps,
                              json_pack("{s:I, s:I, s:I}", "containerID", (json_int_t)ctr, "hostID",
                                        (json_int_t)parent, "size", (json_int_t)size));
        ctr += size;
        parent += size;
        count -= size;
        i = (size_t)-1;
    }
}

static unsigned long total_of(const struct extent *x, size_t n)
{
    unsigned long total = 0;
    for (size_t i = 0; i < n; i++)
        if (x[i].first + x[i].count > total)
            total = x[i].first + x[i].count;
    return total;
}

json_t *spec_id_maps(const char *parent_map, int64_t keep)
{
    struct extent x[MAX_EXTENTS];
    size_t n = read_extents(parent_map, x, MAX_EXTENTS);
    unsigned long total = total_of(x, n);
    json_t *maps = json_array();
    if (keep < 0) {
        add(maps, x, n, 0, 0, total);
        return maps;
    }
    unsigned long k = (unsigned long)keep;
    unsigned long below = k < total - 1 ? k : total - 1;
    add(maps, x, n, 0, 1, below);
    add(maps, x, n, k, 0, 1);
    if (total > k + 1)
        add(maps, x, n, k + 1, k + 1, total - k - 1);
    return maps;
}

static bool is_nomap(const json_t *record)
{
    return strcmp(jx_str(record, "userns"), "nomap") == 0;
}

bool spec_remaps(const json_t *record)
{
    return is_nomap(record) || str_starts(jx_str(record, "userns"), "keep-id") ||
           json_object_get(record, "uidMaps");
}

/* The one id there is, is the container's user, whoever that is. */
static json_t *only_map(int64_t id)
{
    return json_pack("[{s:I, s:i, s:i}]", "containerID", (json_int_t)id, "hostID", 0, "size", 1);
}

json_t *spec_ctr_maps(const json_t *record, const char *parent_map, bool gids)
{
    struct extent x[MAX_EXTENTS];
    if (userns_is_single(parent_map))
        return only_map(jx_int(record, gids ? "gid" : "uid", 0));
    const json_t *own = json_object_get(record, gids ? "gidMaps" : "uidMaps"), *m;
    if (str_starts(jx_str(record, "userns"), "keep-id"))
        return spec_id_maps(parent_map, gids ? jx_int(record, "keepGid", getgid())
                                             : jx_int(record, "keepUid", getuid()));
    if (!own && !is_nomap(record))
        return spec_id_maps(parent_map, -1);
    size_t i, n = read_extents(parent_map, x, MAX_EXTENTS);
    json_t *maps = json_array();
    if (is_nomap(record))
        add(maps, x, n, 0, 1, total_of(x, n) - 1);
    json_array_foreach(own, i, m)
        add(maps, x, n, (unsigned long)jx_int(m, "containerID", 0),
            (unsigned long)jx_int(m, "hostID", 0), (unsigned long)jx_int(m, "size", 0));
    return maps;
}
