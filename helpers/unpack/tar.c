#include "tar.h"

#include "pax.h"

#include <stdlib.h>
#include <string.h>

int tar_invalid(struct err *e)
{
    return err_set(e, 0, "archive/tar: invalid tar header");
}

static int cut_short(struct err *e)
{
    return err_set(e, 0, "unexpected EOF");
}

static int need(struct tar *t, struct err *e)
{
    while (t->left == 0) {
        int r = t->more(t->ctx, &t->p, &t->left, e);
        if (r <= 0) {
            t->left = 0;
            return r;
        }
    }
    return 1;
}

static void use(struct tar *t, size_t n, bool raw)
{
    if (raw && t->on_raw)
        t->on_raw(t->ctx, t->p, n);
    t->p += n;
    t->left -= n;
}

int tar_block(struct tar *t, struct err *e)
{
    size_t got = 0;
    while (got < TAR_BLOCK) {
        int r = need(t, e);
        if (r < 0)
            return -1;
        if (r == 0)
            return got == 0 ? 0 : cut_short(e);
        size_t n = TAR_BLOCK - got < t->left ? TAR_BLOCK - got : t->left;
        memcpy(t->blk + got, t->p, n);
        use(t, n, true);
        got += n;
    }
    return 1;
}

int tar_data(struct tar *t, const char **ret, size_t *ret_n, struct err *e)
{
    if (t->todo == 0)
        return 0;
    int r = need(t, e);
    if (r <= 0)
        return r < 0 ? -1 : cut_short(e);
    size_t n = t->left < t->todo ? t->left : (size_t)t->todo;
    *ret = t->p;
    *ret_n = n;
    use(t, n, false);
    t->todo -= n;
    return 1;
}

/* Passes over n bytes. The archive may end inside the last padding, as Go lets it. */
static int skip_padding(struct tar *t, struct err *e)
{
    while (t->pad > 0) {
        int r = need(t, e);
        if (r < 0)
            return -1;
        if (r == 0) {
            t->pad = 0;
            return 0;
        }
        size_t n = t->left < t->pad ? t->left : (size_t)t->pad;
        use(t, n, true);
        t->pad -= n;
    }
    return 0;
}

int tar_rest(struct tar *t, struct err *e)
{
    int r;
    while ((r = need(t, e)) > 0)
        use(t, t->left, true);
    return r;
}

static void entry_clear(struct tar_entry *en)
{
    buf_clear(&en->name);
    buf_clear(&en->link);
    for (size_t i = 0; i < en->nxattrs; i++) {
        free(en->xattrs[i].name);
        free(en->xattrs[i].value);
    }
    free(en->xattrs);
    free(en->extents);
    struct tar_entry empty = {.name = en->name, .link = en->link};
    *en = empty;
}

/* Header-only types have no payload, whatever their size field says. */
static bool has_payload(char type)
{
    return type < '1' || type > '6';
}

static void set_payload(struct tar *t, int64_t size)
{
    t->todo = has_payload(t->entry.type) ? (uint64_t)size : 0;
    t->pad = -t->todo & (TAR_BLOCK - 1);
}

/* The contents of an extension header, raw bytes all of them. */
static int read_special(struct tar *t, int64_t size, struct err *e)
{
    if ((uint64_t)size > TAR_SPECIAL_MAX)
        return err_set(e, 0, "archive/tar: header field too long");
    buf_clear(&t->special);
    buf_add(&t->special, "", 0);
    for (size_t todo = (size_t)size; todo > 0;) {
        int r = need(t, e);
        if (r <= 0)
            return r < 0 ? -1 : cut_short(e);
        size_t n = t->left < todo ? t->left : todo;
        buf_add(&t->special, t->p, n);
        use(t, n, true);
        todo -= n;
    }
    t->pad = -(uint64_t)size & (TAR_BLOCK - 1);
    return 0;
}

struct pending {
    struct pax pax;
    struct buf name, link; /* GNU 'L' and 'K' */
};

static void pending_release(struct pending *p)
{
    pax_clear(&p->pax);
    buf_free(&p->name);
    buf_free(&p->link);
}

/* An extension header. 1: it is to be returned itself ('g'), 0: the next header is meant. */
static int extension(struct tar *t, struct pending *pe, int64_t size, struct err *e)
{
    if (read_special(t, size, e))
        return -1;
    struct buf *s = &t->special;
    switch (t->entry.type) {
    case 'L':
        buf_clear(&pe->name);
        tar_field(&pe->name, (unsigned char *)buf_str(s), s->len);
        return 0;
    case 'K':
        buf_clear(&pe->link);
        tar_field(&pe->link, (unsigned char *)buf_str(s), s->len);
        return 0;
    default:
        pax_clear(&pe->pax);
        if (pax_parse(&pe->pax, buf_str(s), s->len, e))
            return -1;
        return t->entry.type == 'g';
    }
}

static void settle_type(struct tar_entry *en)
{
    bool slash = en->name.len > 0 && en->name.s[en->name.len - 1] == '/';
    if (en->type == '\0')
        en->type = slash ? '5' : '0';
    else if (en->type == '7')
        en->type = '0';
}

/* The header proper, what came before it taken into account. */
static int complete(struct tar *t, struct pending *pe, int64_t size, struct err *e)
{
    struct tar_entry *en = &t->entry;
    unsigned char hdr[TAR_BLOCK];
    memcpy(hdr, t->blk, sizeof hdr);
    if (pax_apply(&pe->pax, en, e))
        return -1;
    if (pe->pax.has_size)
        size = pe->pax.size;
    if (size < 0)
        return tar_invalid(e);
    if (pe->name.len > 0) {
        buf_clear(&en->name);
        buf_add(&en->name, pe->name.s, pe->name.len);
    }
    if (pe->link.len > 0) {
        buf_clear(&en->link);
        buf_add(&en->link, pe->link.s, pe->link.len);
    }
    settle_type(en);
    set_payload(t, size);
    en->size = t->todo;
    if (sparse_read(t, &pe->pax, hdr, e))
        return -1;
    if (en->type == 'S')
        en->type = '0';
    return 1;
}

static bool is_zero(const unsigned char *b)
{
    for (int i = 0; i < TAR_BLOCK; i++)
        if (b[i])
            return false;
    return true;
}

static int next_with(struct tar *t, struct pending *pe, struct err *e)
{
    for (;;) {
        int64_t size;
        if (skip_padding(t, e))
            return -1;
        int r = tar_block(t, e);
        if (r == 1 && is_zero(t->blk)) {
            r = tar_block(t, e);
            return r == 1 && is_zero(t->blk) ? 0 : r == 1 ? tar_invalid(e) : r;
        }
        if (r <= 0)
            return r;
        entry_clear(&t->entry);
        if (tar_header(&t->entry, t->blk, &size, e))
            return -1;
        char type = t->entry.type;
        if (type != 'x' && type != 'g' && type != 'L' && type != 'K')
            return complete(t, pe, size, e);
        r = extension(t, pe, size, e);
        if (r != 0)
            return r;
    }
}

int tar_next(struct tar *t, struct err *e)
{
    const char *p = NULL;
    size_t n = 0;
    int r;
    while ((r = tar_data(t, &p, &n, e)) > 0)
        if (t->on_raw)
            t->on_raw(t->ctx, p, n);
    if (r < 0)
        return -1;
    struct pending pe = {.pax = {.major = -1, .minor = -1}};
    r = next_with(t, &pe, e);
    pending_release(&pe);
    return r;
}

void tar_release(struct tar *t)
{
    entry_clear(&t->entry);
    buf_free(&t->entry.name);
    buf_free(&t->entry.link);
    buf_free(&t->special);
}
