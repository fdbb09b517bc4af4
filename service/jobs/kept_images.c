#include "service/jobs/kept_images.h"

#include <stdlib.h>
#include <string.h>

#include "service/base/limits.h"
#include "service/firmware/compose.h"
#include "service/jobs/layout_json.h"
#include "service/pki/shipped.h"

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

void kept_images_free(struct kept_images *k)
{
    if (!k) return;
    image_set_dispose(&k->set);
    content_free(k->content);
    source_close(k->source);
    free(k);
}

static void find_trouble(struct kept_images *k, const char *version, const struct credential *c)
{
    k->trouble = shipped_key_trouble(version, credential_info(c)->key_type);
}

static enum err in_layout(const struct image_record *r, const struct credential *c,
                          struct field_errors *errors, struct kept_images *k)
{
    json_t *wanted = json_loads(r->layout_json, JSON_DECODE_ANY, NULL);
    if (!wanted) return err_set(ERR_INTERNAL, "the layout of %s cannot be read", r->id);
    const char *release = json_string_value(json_object_get(wanted, "release"));
    enum err e = layout_from_json(wanted, &k->layout, errors);
    if (!e) e = image_set_build(c, &k->layout, &k->target, NULL, &k->set);
    if (!e) find_trouble(k, release ? release : "", c);
    json_decref(wanted);
    return e;
}

static enum err in_firmware(const struct credential *c, struct kept_images *k)
{
    const struct firmware_info *f = &k->source->info;
    struct content *present = NULL;
    enum err e = firmware_layout(f, &k->layout);
    if (!e) e = firmware_content(f, k->source->fd, NULL, &present);
    if (e) return e;
    const struct image_source now = firmware_source(present);
    e = image_set_build(c, &k->layout, &k->target, &now, &k->set);
    content_free(present);
    if (!e) e = firmware_content(f, k->source->fd, &k->set, &k->content);
    if (!e) find_trouble(k, f->version, c);
    return e;
}

static enum err build(struct store *s, const char *data_dir, const struct image_record *r,
                      struct field_errors *errors, struct kept_images *k)
{
    struct credential *c = NULL;
    if (!target_parse(r->target, &k->target))
        return err_set(ERR_INTERNAL, "the target of %s cannot be read", r->id);
    enum err e = r->firmware[0] ? source_open(s, data_dir, r->firmware, &k->source) : ERR_OK;
    if (!e) e = credential_load(s, r->credential, &c);
    if (!e) e = k->source ? in_firmware(c, k) : in_layout(r, c, errors, k);
    credential_free(c);
    return e;
}

enum err kept_images_build(struct store *s, const char *data_dir, const struct image_record *r,
                           struct field_errors *errors, struct kept_images **out)
{
    *out = NULL;
    struct kept_images *k = calloc(1, sizeof *k);
    if (!k) return err_set(ERR_MEM, "out of memory");
    enum err e = build(s, data_dir, r, errors, k);
    if (e)
        kept_images_free(k);
    else
        *out = k;
    return e;
}

enum err kept_images_load(struct store *s, const char *data_dir, const char *id,
                          struct kept_images **out)
{
    struct image_record r;
    struct field_errors errors = {.count = 0};
    *out = NULL;
    enum err e = store_image_get(s, id, &r);
    if (e) return e;
    e = kept_images_build(s, data_dir, &r, &errors, out);
    image_record_dispose(&r);
    return e;
}
