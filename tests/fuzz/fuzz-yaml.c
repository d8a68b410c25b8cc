/* YAML, as device vendors write it (CDI). */
#include "fuzz.h"

#include "words/yaml.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct err e = ERR_INIT;
    json_t *v = NULL;
    if (yaml_parse("fuzz", (const char *)data, size, &v, &e) == 0)
        json_decref(v);
    return 0;
}
