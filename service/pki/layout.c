#include "service/pki/layout.h"

#include <stdio.h>
#include <string.h>

const char *layout_kind_name(enum layout_kind k)
{
    switch (k) {
    case LAYOUT_NONE:
        return "none";
    case LAYOUT_PARTITIONS:
        return "partitions";
    case LAYOUT_MFG_NVS:
        return "mfg_nvs";
    }
    return "none";
}

static enum layout_kind kind_of(const struct partition_table *t)
{
    const struct partition *nvs = partition_find(t, "mfg_nvs");
    if (nvs && nvs->type == PARTITION_TYPE_DATA) return LAYOUT_MFG_NVS;
    if (partition_find(t, "mqtt_cert") && partition_find(t, "mqtt_key") &&
        partition_find(t, "mqtt_ca"))
        return LAYOUT_PARTITIONS;
    return LAYOUT_NONE;
}

void layout_from_table(const struct partition_table *user, const char *source, struct layout *out)
{
    out->kind = kind_of(user);
    snprintf(out->source, sizeof out->source, "%s", source);
    if (user != &out->user) out->user = *user;
}
