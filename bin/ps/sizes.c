#include "ps/ps.h"

#include "things/ctr_size.h"
#include "words/units.h"

static void set_size(json_t *row, const struct ctr_size *z)
{
    cleanup(buf_free) struct buf b = BUF_INIT;
    int64_t all = z->written + z->image;
    json_object_set_new(
        row, "Size",
        json_pack("{s:I, s:I}", "rootFsSize", (json_int_t)all, "rwSize", (json_int_t)z->written));
    units_human_size(&b, (uint64_t)z->written, 3, "");
    buf_adds(&b, " (virtual ");
    units_human_size(&b, (uint64_t)all, 3, "");
    buf_adds(&b, ")");
    ps_put(row, ".Size", buf_str(&b));
}

int ps_sizes(const struct roots *r, json_t *rows, struct err *e)
{
    cleanup(strv_free) struct strv ids = STRV_INIT, images = STRV_INIT;
    json_t *row;
    size_t i;
    json_array_foreach(rows, i, row)
    {
        strv_add(&ids, jx_str(row, "Id"));
        strv_add(&images, jx_str(row, "ImageID"));
    }
    cleanup_free struct ctr_size *sizes = xcalloc(ids.n + 1, sizeof *sizes);
    if (ctr_sizes(r, &ids, &images, sizes, e) < 0)
        return -1;
    json_array_foreach(rows, i, row) set_size(row, &sizes[i]);
    return 0;
}
