#include "service/register/wanted.h"

#include "service/store/clouds.h"

void wanted_credential(const struct register_spec *spec, const char *credential,
                       struct field_errors *errors)
{
    bool brought = spec->way == WAY_OWN && !spec->authority[0];
    if (brought && !credential[0])
        field_errors_add(errors, "/credential",
                         "is required: its certificate is what is to be registered");
    if (!brought && credential[0])
        field_errors_add(errors, "/credential",
                         "goes not with a \"cloud\" that makes one, but with its "
                         "\"certificate\":\"own\"");
}

static enum err has_cloud(struct store *s, const char *name)
{
    struct named_settings settings;
    enum err e = store_cloud_get(s, name, &settings);
    if (!e) named_settings_dispose(&settings);
    return e;
}

static enum err has_authority(struct store *s, const char *id)
{
    struct authority_record authority;
    enum err e = id[0] ? store_authority_get(s, id, &authority) : ERR_OK;
    if (!e && id[0]) authority_record_dispose(&authority);
    return e;
}

static enum err has_credential(struct store *s, const char *id)
{
    struct credential_record credential;
    enum err e = id[0] ? store_credential_get(s, id, &credential) : ERR_OK;
    if (!e && id[0]) credential_record_dispose(&credential);
    return e;
}

enum err wanted_is_here(struct store *s, const struct register_spec *spec)
{
    enum err e = has_cloud(s, spec->cloud);
    if (!e) e = has_authority(s, spec->authority);
    if (!e) e = has_credential(s, spec->credential);
    return e ? e : has_credential(s, spec->claim_credential);
}
