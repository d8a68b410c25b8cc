/* --format: any template over a small record, and over its list. */
#include "fuzz.h"

#include "words/template.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static json_t *record;
    cleanup_free char *text = fuzz_string(data, size);
    cleanup_template *t = NULL;
    struct err e = ERR_INIT;
    struct buf out = BUF_INIT;
    if (!record)
        record = json_pack("{ss si sb sn s[ssi] s{ss s{ss}} ss}", "Name", "x", "Size", 7, "On", 1,
                           "None", "List", "a", "b", 3, "Labels", "k", "v", "Deep", "er", "z",
                           ".Size", "7 B");
    if (template_compile(text, &t, &e) == 0) {
        (void)template_render(t, record, &out, &e);
        json_t *list = json_pack("[OO]", record, record);
        (void)template_render(t, list, &out, &e);
        json_decref(list);
    }
    buf_free(&out);
    return 0;
}
