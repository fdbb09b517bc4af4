#include "service/jobs/kept_images.h"

#include <stdlib.h>
#include <string.h>

#include "service/base/json_in.h"
#include "service/base/limits.h"
#include "service/firmware/compose.h"
#include "service/jobs/layout_json.h"
#include "service/jobs/source.h"

enum err credential_load(struct store *s, const char *id, struct credential **out)
{
    struct credential_record r;
    struct buf key;
    *out = NULL;
    enum err e = store_credential_get(s, id, &r);
    if (e) return e;
    buf_init_secret(&key, LIMIT_PEM_BYTES);
    e = store_credential_key(s, id, &key);
    if (!e) e = credential_restore(r.certificate_pem, r.root_ca_pem, buf_str(&key), key.len, out);
    buf_dispose(&key);
    credential_record_dispose(&r);
    return e;
}

static enum err layout_of_firmware(struct store *s, const char *id, struct layout *out)
{
    struct firmware_info *info = malloc(sizeof *info);
    if (!info) return err_set(ERR_MEM, "out of memory");
    enum err e = source_info(s, id, info);
    if (!e) e = firmware_layout(info, out);
    free(info);
    return e;
}

static enum err layout_of_record(struct store *s, const struct image_record *r, struct layout *out)
{
    struct field_errors errors = {.count = 0};
    if (r->firmware[0]) return layout_of_firmware(s, r->firmware, out);
    json_t *wanted = json_loads(r->layout_json, JSON_DECODE_ANY, NULL);
    enum err e = wanted ? layout_from_json(wanted, out, &errors)
                        : err_set(ERR_INTERNAL, "the layout of %s cannot be read", r->id);
    json_decref(wanted);
    return e;
}

static enum err build(struct store *s, const struct image_record *r, struct image_set *out)
{
    struct credential *c = NULL;
    struct layout *layout = malloc(sizeof *layout);
    if (!layout) return err_set(ERR_MEM, "out of memory");
    enum err e = layout_of_record(s, r, layout);
    if (!e) e = credential_load(s, r->credential, &c);
    if (!e) e = image_set_build(c, layout, &(struct target){.kind = TARGET_MQTT}, NULL, out);
    credential_free(c);
    free(layout);
    return e;
}

enum err image_set_load(struct store *s, const char *id, struct image_set *out)
{
    struct image_record r;
    memset(out, 0, sizeof *out);
    enum err e = store_image_get(s, id, &r);
    if (e) return e;
    e = build(s, &r, out);
    image_record_dispose(&r);
    return e;
}
