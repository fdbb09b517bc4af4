#include "service/jobs/key_trouble.h"

#include <jansson.h>

#include "service/firmware/learn.h"
#include "service/firmware/running.h"
#include "service/pki/shipped.h"

static const char *key_type(const struct session *s)
{
    return credential_info(s->credential)->key_type;
}

void key_trouble_tell(struct session *s, const char *version)
{
    const char *trouble = shipped_key_trouble(version ? version : "", key_type(s));
    if (!trouble) return;
    job_note(s->ctx, "%s", trouble);
    session_result(s, "warnings",
                   json_pack("[{s:s,s:s}]", "code", "key_not_usable", "detail", trouble));
}

static enum err find_app(struct session *s, const struct partition **out)
{
    uint8_t entries[2][OTADATA_ENTRY];
    const struct partition *otadata = running_otadata(&s->primary);
    enum err e = ERR_OK;
    for (uint32_t i = 0; otadata && !e && i < 2; i++)
        e = flasher_read(s->flasher, otadata->offset + i * OTADATA_SECTOR, entries[i],
                         OTADATA_ENTRY, NULL, NULL);
    *out = e ? NULL : running_app(&s->primary, otadata ? entries : NULL);
    return e;
}

enum err key_trouble_look(struct session *s)
{
    uint8_t description[LEARN_VERSION_BYTES];
    char version[LEARN_VERSION];
    const struct partition *app;
    if (!shipped_key_may_trouble(key_type(s))) return ERR_OK;
    enum err e = find_app(s, &app);
    if (e || !app) return e;
    e = flasher_read(s->flasher, app->offset + LEARN_DESCRIPTION_AT, description,
                     sizeof description, NULL, NULL);
    if (!e && learn_version(description, version)) key_trouble_tell(s, version);
    return e;
}
