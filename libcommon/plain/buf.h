/*
 * A growable run of bytes, always NUL-terminated behind its end so that .s is a C string too.
 *
 * Running out of memory ends the process by abort(): on an overcommitting kernel no caller could
 * do better, and it is the only way in which libcommon ever ends a process.
 */
#ifndef POD_PLAIN_BUF_H
#define POD_PLAIN_BUF_H

#include <stddef.h>

struct buf {
    char *s; /* NULL until something was added; owned by the buf */
    size_t len, cap;
};

#define BUF_INIT                                                                                   \
    {                                                                                              \
        0                                                                                          \
    }

void buf_free(struct buf *b);
void buf_clear(struct buf *b); /* empty, memory kept */
void buf_reserve(struct buf *b, size_t more);
void buf_add(struct buf *b, const void *p, size_t n);
void buf_adds(struct buf *b, const char *s);
void buf_addc(struct buf *b, char c);
void buf_addf(struct buf *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
char *buf_take(struct buf *b); /* the string, now the caller's to free; b is empty; never NULL */
const char *buf_str(const struct buf *b); /* never NULL */

/* Memory that is there or ends the process. */
void *xmalloc(size_t n);
void *xcalloc(size_t n, size_t size);
void *xrealloc(void *p, size_t n);
char *xstrdup(const char *s);
char *xstrndup(const char *s, size_t n);
char *xasprintf(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* `cleanup(buf_free) struct buf b = BUF_INIT;` frees b on every way out of the scope. */
#define cleanup(fn) __attribute__((__cleanup__(fn)))
void cleanup_freep(void *pp);
#define cleanup_free cleanup(cleanup_freep)

#endif
