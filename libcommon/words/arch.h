/* Names of architectures: what uname(2) and people say, and what images have (Go's GOARCH). */
#ifndef POD_WORDS_ARCH_H
#define POD_WORDS_ARCH_H

/*
 * The image's name for it; name itself where there is no other. ret_variant may be NULL, and gets
 * what the name says of the variant ("v7" for armv7l), else "".
 */
const char *arch_of(const char *name, const char **ret_variant);
/* This machine's. */
const char *arch_here(void);

#endif
