#include "service/pki/target.h"

#include <stdio.h>
#include <string.h>

const char *const target_kind_names[] = {"mqtt", "client", "server", "wpa2", "https", "wss", NULL};

static const char *const part_names[] = {
    [CREDENTIAL_CERTIFICATE] = "cert", [CREDENTIAL_KEY] = "key", [CREDENTIAL_ROOT_CA] = "ca"};

const char *target_kind_name(enum target_kind k)
{
    return target_kind_names[k];
}

bool target_is_indexed(enum target_kind k)
{
    return k == TARGET_CLIENT || k == TARGET_HTTPS || k == TARGET_WSS;
}

void target_text(const struct target *t, char out[TARGET_NAME])
{
    snprintf(out, TARGET_NAME, t->index ? "%s.%u" : "%s", target_kind_names[t->kind], t->index);
}

bool target_parse(const char *text, struct target *out)
{
    char is[TARGET_NAME];
    for (int kind = 0; kind < TARGET_KINDS; kind++)
        for (unsigned index = 0; index < TARGET_INDEXES; index++) {
            *out = (struct target){(enum target_kind)kind, index};
            target_text(out, is);
            if (!strcmp(is, text)) return !index || target_is_indexed(out->kind);
        }
    return false;
}

void target_partition(const struct target *t, enum credential_part part, char out[TARGET_NAME])
{
    snprintf(out, TARGET_NAME, "%s_%s", target_kind_names[t->kind], part_names[part]);
}

static bool has(const char *const *spaces, size_t n, const char *name)
{
    for (size_t i = 0; i < n; i++)
        if (strcmp(spaces[i], name) == 0) return true;
    return false;
}

/* mqtt, client, server and wpa2 are known to every firmware with mfg_nvs, whether or not something
 * is there now. */
static bool is_late(enum target_kind k)
{
    return k == TARGET_HTTPS || k == TARGET_WSS;
}

enum err target_nvs_place(const struct target *t, enum credential_part part,
                          const char *const *spaces, size_t space_count, struct target_place *out)
{
    char renamed[TARGET_NAME];
    snprintf(renamed, sizeof renamed, "wpa_ent_%s", part_names[part]);
    target_partition(t, part, out->space);
    if (t->kind == TARGET_WPA2 && has(spaces, space_count, renamed))
        memcpy(out->space, renamed, sizeof out->space);
    if (is_late(t->kind) && !has(spaces, space_count, out->space))
        return err_fail(ERR_UNSUPPORTED, "kind_not_on_board",
                        "Credentials of this kind exist since ESP-AT v4.1: flash a newer one, or "
                        "use kind client.",
                        "mfg_nvs of this board has no namespace %s", out->space);
    if (target_is_indexed(t->kind))
        snprintf(out->key, sizeof out->key, "%.14s.%u", out->space, t->index % 10);
    else
        memcpy(out->key, out->space, sizeof out->key);
    return ERR_OK;
}
