/* images: a credential as what a layout wants in flash. Only which credential and which layout is
 * kept: the images are built anew from the sealed credential at each call, so no second copy of a
 * key lies anywhere. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/handlers.h"
#include "api/json_out.h"
#include "service/base/clock.h"
#include "service/base/json_in.h"
#include "service/pki/image.h"
#include "service/pki/layout.h"

enum { CUSTOM_MAX = 32, KEY_MAX = 64 * 1024 };

#define PARTITIONS "partitions" /* the layout of ESP32 modules with ESP-AT v2.x */
#define DEFAULT    "esp32-v2"

/* --- layouts --- */

static enum err stock_layout(const char *wanted, struct layout *out)
{
    char chip[16];
    size_t n;
    const char *name = strcmp(wanted, PARTITIONS) == 0 ? DEFAULT : wanted;
    snprintf(chip, sizeof chip, "%.*s", (int)strcspn(name, "-"), name);
    const struct layout_stock *list = layout_stock_list(chip, &n);
    for (size_t i = 0; i < n; i++) {
        if (strcmp(list[i].name, name) != 0) continue;
        *out = list[i].layout;
        return ERR_OK;
    }
    return err_fail(ERR_UNSUPPORTED, "layout_unknown",
                    "Write \"partitions\", a stock layout as \"esp32-v2\", or the partitions "
                    "themselves.",
                    "there is no stock layout of that name");
}

static enum err read_partition(const json_t *row, size_t index, struct partition *out,
                               struct field_errors *errors)
{
    char at[48];
    int64_t offset = 0, size = 0;
    snprintf(at, sizeof at, "/layout/partitions/%zu", index);
    if (!json_is_object(row)) {
        field_errors_add(errors, at, "must be an object");
        return err_fail(ERR_ARG, "bad_body", NULL, "a partition is not an object");
    }
    const struct json_field fields[] = {
        JSON_STR("name", out->name, JSON_REQUIRED, 1, 16),
        JSON_INT("offset", &offset, JSON_REQUIRED, 0, UINT32_MAX),
        JSON_INT("size", &size, JSON_REQUIRED, 1, UINT32_MAX),
        JSON_FIELDS_END,
    };
    enum err e = json_in(row, at, fields, errors);
    out->type = PARTITION_TYPE_AT;
    out->subtype = (uint8_t)index;
    out->offset = (uint32_t)offset;
    out->size = (uint32_t)size;
    return e;
}

static enum err custom_layout(const json_t *value, struct layout *out, struct field_errors *errors)
{
    json_t *rows = NULL;
    struct partition_table table = {.count = 0};
    const struct json_field fields[] = {
        JSON_ARRAY_AT("partitions", &rows, JSON_REQUIRED, 1, CUSTOM_MAX),
        JSON_FIELDS_END,
    };
    enum err e = json_in(value, "/layout", fields, errors);
    for (size_t i = 0; !e && i < json_array_size(rows); i++)
        e = read_partition(json_array_get(rows, i), i, &table.rows[table.count++], errors);
    if (!e) e = partition_table_check(&table, 0);
    if (!e) layout_from_table(&table, "request", out);
    return e;
}

/* @param value  the string or object that asks for a layout */
static enum err read_layout(const json_t *value, struct layout *out, struct field_errors *errors)
{
    return json_is_object(value) ? custom_layout(value, out, errors)
                                 : stock_layout(json_string_value(value), out);
}

/* --- building --- */

static enum err load_credential(const struct service *svc, const char *id, struct credential **out)
{
    struct credential_record record = {.id = ""};
    struct buf key;
    *out = NULL;
    buf_init_secret(&key, KEY_MAX);
    enum err e = store_credential_get(svc->store, id, &record);
    if (!e) e = store_credential_key(svc->store, id, &key);
    if (!e)
        e = credential_restore(record.certificate_pem, record.root_ca_pem, buf_str(&key), key.len,
                               out);
    buf_dispose(&key);
    credential_record_dispose(&record);
    return e;
}

static enum err build(const struct service *svc, const char *credential, const json_t *wanted,
                      struct image_set *out, struct field_errors *errors)
{
    struct credential *c = NULL;
    struct layout *layout = calloc(1, sizeof *layout);
    *out = (struct image_set){.count = 0};
    enum err e = layout ? read_layout(wanted, layout, errors) : err_set(ERR_MEM, "out of memory");
    if (!e) e = load_credential(svc, credential, &c);
    if (!e) e = image_set_build(c, layout, out);
    credential_free(c);
    free(layout);
    return e;
}

/* @param layout  taken */
static json_t *describe(const struct image_record *r, json_t *layout, const struct image_set *set)
{
    return json_pack("{s:s, s:s, s:o, s:o}", "id", r->id, "credential", r->credential, "layout",
                     layout, "images", json_out_images(set, r->id));
}

/* --- what is asked --- */

struct wish {
    char credential[ID_TEXT], name[64];
    json_t *layout; /* owned */
};

static enum err read_wish(const struct request *rq, struct wish *out, struct field_errors *errors)
{
    json_t *body, *object = NULL;
    enum err e = request_json(rq, &body);
    if (e) return e;
    *out = (struct wish){.name = PARTITIONS};
    /* "layout" is a name or an object: the row is chosen by what is there */
    bool custom = json_is_object(json_object_get(body, "layout"));
    const struct json_field name = JSON_STR("layout", out->name, JSON_OPTIONAL, 1, 63);
    const struct json_field table = JSON_OBJECT_AT("layout", &object, JSON_OPTIONAL);
    const struct json_field fields[] = {
        JSON_STR("credential", out->credential, JSON_REQUIRED, 1, ID_TEXT - 1),
        custom ? table : name,
        JSON_FIELDS_END,
    };
    e = json_in(body, "", fields, errors);
    if (!e) out->layout = custom ? json_incref(object) : json_string(out->name);
    json_decref(body);
    return e;
}

static enum err keep(const struct service *svc, const struct wish *w, struct image_record *r)
{
    id_new("img", r->id);
    r->created_ms = clock_now_ms();
    memcpy(r->credential, w->credential, sizeof r->credential);
    r->layout_json = json_dumps(w->layout, JSON_COMPACT | JSON_ENCODE_ANY);
    return r->layout_json ? store_image_add(svc->store, r) : err_set(ERR_MEM, "out of memory");
}

/* A bad field is the body's fault (400); what pki refuses is the content's (422). */
static struct reply refuse(const struct request *rq, const struct field_errors *errors)
{
    const char *code = err_last()->code;
    if (strcmp(code, "bad_body") == 0 || strcmp(code, "bad_json") == 0)
        return reply_fields(rq, errors);
    return reply_content_error(rq);
}

struct reply handle_images_create(struct request *rq, const struct service *svc)
{
    struct wish wish = {.layout = NULL};
    struct field_errors errors = {.count = 0};
    struct image_set set = {.count = 0};
    struct image_record record = {.id = ""};
    enum err e = read_wish(rq, &wish, &errors);
    if (!e) e = build(svc, wish.credential, wish.layout, &set, &errors);
    if (!e) e = keep(svc, &wish, &record);
    struct reply r;
    if (e) {
        r = refuse(rq, &errors);
    } else {
        r = reply_json(201, describe(&record, json_incref(wish.layout), &set));
        reply_header(&r, "Location", "/v1/images/%s", record.id);
    }
    json_decref(wish.layout);
    image_set_dispose(&set);
    image_record_dispose(&record);
    return r;
}

/* A kept set, built anew. @param layout_out  json_decref() it */
static enum err load(const struct request *rq, const struct service *svc, struct image_record *r,
                     json_t **layout_out, struct image_set *set)
{
    struct field_errors errors = {.count = 0};
    const char *id = request_var(rq, "id");
    *r = (struct image_record){.id = ""};
    *set = (struct image_set){.count = 0};
    *layout_out = NULL;
    enum err e = store_image_get(svc->store, id, r);
    if (e) return e;
    *layout_out = json_loads(r->layout_json, JSON_DECODE_ANY, NULL);
    if (!*layout_out) return err_set(ERR_INTERNAL, "the layout of %s cannot be read", id);
    return build(svc, r->credential, *layout_out, set, &errors);
}

struct reply handle_images_get(struct request *rq, const struct service *svc)
{
    struct image_record record;
    struct image_set set;
    json_t *layout;
    struct reply r;
    if (load(rq, svc, &record, &layout, &set))
        r = reply_error(rq);
    else
        r = reply_json(200, describe(&record, json_incref(layout), &set));
    json_decref(layout);
    image_set_dispose(&set);
    image_record_dispose(&record);
    return r;
}

static struct reply reply_image(const struct request *rq, const struct image *image)
{
    struct buf bytes;
    char etag[SHA256_HEX + 2];
    buf_init_secret(&bytes, image->bytes.len);
    if (buf_append(&bytes, image->bytes.data, image->bytes.len)) return reply_error(rq);
    struct reply r = reply_bytes(200, "application/octet-stream", &bytes);
    snprintf(etag, sizeof etag, "\"%s\"", image->sha256);
    reply_header(&r, "Content-Disposition", "attachment; filename=\"%s\"", image->file);
    return reply_with_etag(rq, r, etag);
}

struct reply handle_image_file(struct request *rq, const struct service *svc)
{
    struct image_record record;
    struct image_set set;
    json_t *layout;
    const struct image *found = NULL;
    const char *file = request_var(rq, "file");
    enum err e = load(rq, svc, &record, &layout, &set);
    for (size_t i = 0; !e && i < set.count; i++)
        if (strcmp(set.items[i].file, file) == 0) found = &set.items[i];
    if (!e && !found)
        err_fail(ERR_NOT_FOUND, "image_not_found", "GET the set: it names its files.",
                 "there is no such file in image set %s", record.id);
    struct reply r = found ? reply_image(rq, found) : reply_error(rq);
    json_decref(layout);
    image_set_dispose(&set);
    image_record_dispose(&record);
    return r;
}
