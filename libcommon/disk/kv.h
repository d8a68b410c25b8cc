/* Small text files of key=value lines: what programs without a JSON library leave for others. */
#ifndef POD_DISK_KV_H
#define POD_DISK_KV_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The number behind `key=` at a line's start, or otherwise. */
int64_t kv_int(const char *text, const char *key, int64_t otherwise);
/* Copies the text behind `key=` up to the line's end, cut at size; false when absent. */
bool kv_str(const char *text, const char *key, char *out, size_t size);

#endif
