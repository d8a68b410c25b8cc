#include "rt.h"

#include "plain/buf.h"

#include <linux/capability.h>
#include <stdio.h>
#include <string.h>
#include <sys/capability.h>
#include <sys/prctl.h>

extern int capget(cap_user_header_t h, cap_user_data_t d);
extern int capset(cap_user_header_t h, const cap_user_data_t d);

static uint64_t mask_of(const json_t *caps, const char *set)
{
    const json_t *name;
    uint64_t mask = 0;
    size_t i;
    json_array_foreach(json_object_get(caps, set), i, name)
    {
        cap_value_t v;
        cleanup_free char *lower = xstrdup(json_string_value(name) ? json_string_value(name) : "");
        for (char *p = lower; *p; p++)
            *p = (char)(*p >= 'A' && *p <= 'Z' ? *p + 32 : *p);
        if (cap_from_name(lower, &v) < 0 || v >= cap_max_bits() || v > 63)
            fprintf(stderr, "Warning: unknown capability \"%s\" is ignored\n", lower);
        else
            mask |= 1ull << v;
    }
    return mask;
}

static uint64_t own_permitted(void)
{
    struct __user_cap_header_struct h = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct d[2];
    if (capget(&h, d) < 0)
        return UINT64_MAX;
    return d[0].permitted | (uint64_t)d[1].permitted << 32;
}

/* Asked for but not to be had: "SHOULD NOT fail", so the container simply goes without. */
void caps_read(const json_t *process, struct capsets *c)
{
    const json_t *caps = json_object_get(process, "capabilities");
    uint64_t can = own_permitted();
    c->bounding = mask_of(caps, "bounding");
    c->permitted = mask_of(caps, "permitted") & can;
    c->effective = mask_of(caps, "effective") & c->permitted;
    c->inheritable = mask_of(caps, "inheritable") & can;
    c->ambient = mask_of(caps, "ambient") & c->permitted & c->inheritable;
}

int caps_drop_bounding(uint64_t keep, struct err *e)
{
    for (int v = 0; v < 64 && v < cap_max_bits(); v++)
        if (!(keep >> v & 1) && prctl(PR_CAPBSET_DROP, v, 0, 0, 0) < 0)
            return err_sys(e, "cannot drop capability %d from the bounding set", v);
    return 0;
}

int caps_apply(const struct capsets *c, struct err *e)
{
    struct __user_cap_header_struct h = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct d[2];
    for (int i = 0; i < 2; i++) {
        d[i].effective = (uint32_t)(c->effective >> (32 * i));
        d[i].permitted = (uint32_t)(c->permitted >> (32 * i));
        d[i].inheritable = (uint32_t)(c->inheritable >> (32 * i));
    }
    if (capset(&h, d) < 0)
        return err_sys(e, "cannot set capabilities");
    prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
    for (unsigned v = 0; v < 64; v++)
        if (c->ambient >> v & 1 && prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, v, 0, 0) < 0)
            return err_sys(e, "cannot set ambient capability %u", v);
    return 0;
}
