/* The one place of the version in the sources; the Makefile has it for packages. */
#ifndef POD_WORDS_VERSION_H
#define POD_WORDS_VERSION_H

#define POD_VERSION "0.2.0"

#endif
