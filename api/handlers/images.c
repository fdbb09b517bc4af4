/* images: a credential as what a layout wants in flash, and with a firmware the whole flash. */
#include <stdio.h>
#include <string.h>

#include "api/handlers.h"
#include "api/json_out.h"
#include "service/base/clock.h"
#include "service/base/digest.h"
#include "service/base/json_in.h"
#include "service/base/limits.h"
#include "service/firmware/compose.h"
#include "service/jobs/kept_images.h"
#include "service/jobs/layout_json.h"
#include "service/jobs/target_json.h"

#define FACTORY_FILE "factory.bin"

/* --- building --- */

struct built {
    struct kept_images *kept;
    struct buf flash;     /* the whole of it, with the key; empty: no firmware, or not asked for */
    struct image factory; /* the same bytes, borrowed; of no partition */
};

static void built_dispose(struct built *b)
{
    kept_images_free(b->kept);
    buf_dispose(&b->flash);
}

static enum err build_flash(struct built *b)
{
    uint8_t digest[SHA256_BYTES];
    uint32_t flash_bytes = b->kept->source->info.flash_bytes;
    enum err e = content_compose(b->kept->content, flash_bytes, &b->flash);
    if (e) return e;
    digest_sha256(b->flash.data, b->flash.len, digest);
    b->factory = (struct image){.file = FACTORY_FILE,
                                .partition_size = flash_bytes,
                                .bytes = {b->flash.data, b->flash.len},
                                .holds_key = true};
    digest_hex(digest, sizeof digest, b->factory.sha256);
    return ERR_OK;
}

/* @param file  the only one that is wanted; NULL: all
 * @param[out] out  built_dispose() it in any case */
static enum err build(const struct service *svc, const struct image_record *r, const char *file,
                      struct built *out, struct field_errors *errors)
{
    bool whole = !file || strcmp(file, FACTORY_FILE) == 0;
    *out = (struct built){.kept = NULL};
    buf_init_secret(&out->flash, LIMIT_IMAGE_BYTES);
    enum err e = kept_images_build(svc->store, svc->data_dir, r, errors, &out->kept);
    return e || !out->kept->content || !whole ? e : build_flash(out);
}

/* --- what is answered --- */

/* The layout that a firmware has, as one could have asked for it. */
static json_t *partitions_of(const struct layout *layout)
{
    json_t *all = layout_to_json(layout);
    json_t *rows = json_pack("{s:O}", "partitions", json_object_get(all, "partitions"));
    json_decref(all);
    return rows;
}

static json_t *warnings_of(const struct kept_images *k)
{
    json_t *list = json_array();
    if (k->trouble)
        json_array_append_new(
            list, json_pack("{s:s, s:s}", "code", "key_not_usable", "detail", k->trouble));
    return list;
}

static json_t *describe(const struct image_record *r, const struct built *b)
{
    const struct kept_images *k = b->kept;
    json_t *list = json_array();
    if (b->flash.len) json_array_append_new(list, json_out_image(&b->factory, r->id));
    for (size_t i = 0; i < k->set.count; i++)
        json_array_append_new(list, json_out_image(&k->set.items[i], r->id));
    json_t *layout = r->firmware[0] ? partitions_of(&k->layout)
                                    : json_loads(r->layout_json, JSON_DECODE_ANY, NULL);
    return json_pack("{s:s, s:s, s:o, s:o, s:o, s:o, s:o}", "id", r->id, "credential",
                     r->credential, "firmware", json_text_or_null(r->firmware), "layout", layout,
                     "target", target_to_json(&k->target), "images", list, "warnings",
                     warnings_of(k));
}

/* --- what is asked --- */

/* "layout" as it is kept, owned by the caller; null beside a firmware, which has its own. */
static json_t *layout_asked(const struct image_record *r, const json_t *object, const char *name)
{
    if (r->firmware[0]) return json_null();
    return object ? json_deep_copy(object) : json_string(name);
}

/* @param[out] out  image_record_dispose() it in any case */
static enum err read_order(const struct request *rq, struct image_record *out,
                           struct field_errors *errors)
{
    json_t *body, *object = NULL, *target = NULL;
    char name[64] = LAYOUT_USUAL;
    struct target which = {.kind = TARGET_MQTT};
    enum err e = request_json(rq, &body);
    if (e) return e;
    /* "layout" is a name or an object: the row is chosen by what is there */
    const json_t *layout = json_object_get(body, "layout");
    const struct json_field named = JSON_STR("layout", name, JSON_OPTIONAL, 1, sizeof name - 1);
    const struct json_field table = JSON_OBJECT_AT("layout", &object, JSON_OPTIONAL);
    const struct json_field fields[] = {
        JSON_STR("credential", out->credential, JSON_REQUIRED, 1, ID_TEXT - 1),
        JSON_STR("firmware", out->firmware, JSON_OPTIONAL, 1, ID_TEXT - 1),
        JSON_OBJECT_AT("target", &target, JSON_OPTIONAL),
        json_is_object(layout) ? table : named,
        JSON_FIELDS_END,
    };
    json_in(body, "", fields, errors);
    if (target) target_from_json(target, "/target", &which, errors);
    if (layout && out->firmware[0])
        field_errors_add(errors, "/layout", "must not stand beside a firmware, which has its own");
    target_text(&which, out->target);
    json_t *asked = layout_asked(out, object, name);
    out->layout_json = json_dumps(asked, JSON_COMPACT | JSON_ENCODE_ANY);
    json_decref(asked);
    json_decref(body);
    return out->layout_json ? field_errors_result(errors) : err_set(ERR_MEM, "out of memory");
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
    struct image_record record = {.created_ms = clock_now_ms()};
    struct field_errors errors = {.count = 0};
    struct built built = {.kept = NULL};
    id_new("img", record.id);
    enum err e = read_order(rq, &record, &errors);
    if (!e) e = build(svc, &record, NULL, &built, &errors);
    if (!e) e = store_image_add(svc->store, &record);
    struct reply r;
    if (e) {
        r = refuse(rq, &errors);
    } else {
        r = reply_json(201, describe(&record, &built));
        reply_header(&r, "Location", "/v1/images/%s", record.id);
    }
    built_dispose(&built);
    image_record_dispose(&record);
    return r;
}

/* A kept set, built anew. @param[out] r, out  dispose both in any case */
static enum err rebuild(const struct request *rq, const struct service *svc, const char *file,
                        struct image_record *r, struct built *out)
{
    struct field_errors errors = {.count = 0};
    *out = (struct built){.kept = NULL};
    enum err e = store_image_get(svc->store, request_var(rq, "id"), r);
    return e ? e : build(svc, r, file, out, &errors);
}

struct reply handle_images_get(struct request *rq, const struct service *svc)
{
    struct image_record record;
    struct built built;
    enum err e = rebuild(rq, svc, NULL, &record, &built);
    struct reply r = e ? reply_error(rq) : reply_json(200, describe(&record, &built));
    built_dispose(&built);
    image_record_dispose(&record);
    return r;
}

static struct reply reply_image(const struct request *rq, const struct image *image,
                                struct buf *bytes)
{
    char etag[SHA256_HEX + 2];
    struct reply r = reply_bytes(200, "application/octet-stream", bytes);
    snprintf(etag, sizeof etag, "\"%s\"", image->sha256);
    reply_header(&r, "Content-Disposition", "attachment; filename=\"%s\"", image->file);
    return reply_with_etag(rq, r, etag);
}

static struct reply reply_file(const struct request *rq, struct built *b, const char *file)
{
    struct buf bytes;
    if (b->flash.len) return reply_image(rq, &b->factory, &b->flash);
    for (size_t i = 0; i < b->kept->set.count; i++) {
        const struct image *m = &b->kept->set.items[i];
        if (strcmp(m->file, file) != 0) continue;
        buf_init_secret(&bytes, m->bytes.len);
        if (buf_append(&bytes, m->bytes.data, m->bytes.len)) return reply_error(rq);
        return reply_image(rq, m, &bytes);
    }
    err_fail(ERR_NOT_FOUND, "image_not_found", "GET the set: it names its files.",
             "there is no such file in the image set");
    return reply_error(rq);
}

struct reply handle_image_file(struct request *rq, const struct service *svc)
{
    struct image_record record;
    struct built built;
    const char *file = request_var(rq, "file");
    enum err e = rebuild(rq, svc, file, &record, &built);
    struct reply r = e ? reply_error(rq) : reply_file(rq, &built, file);
    built_dispose(&built);
    image_record_dispose(&record);
    return r;
}
