/* References as typed: what was understood, written and read again, is the same. */
#include "fuzz.h"

#include "words/ref.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    cleanup_free char *s = fuzz_string(data, size);
    cleanup(ref_free) struct ref a = REF_INIT, b = REF_INIT;
    struct err e = ERR_INIT;
    if (ref_parse(s, &a, &e) < 0) {
        if (!e.msg[0])
            abort();
        return 0;
    }
    cleanup_free char *once = ref_str(&a);
    if (ref_parse(once, &b, &e) < 0)
        abort();
    cleanup_free char *twice = ref_str(&b);
    cleanup_free char *version = ref_version(&a);
    if (strcmp(once, twice) != 0 || !*version)
        abort();
    return 0;
}
