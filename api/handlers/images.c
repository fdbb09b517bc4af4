/* images: a credential as what a layout wants in flash, and with a firmware the whole flash. Only
 * which credential and which layout or firmware is kept: the images are built anew from the sealed
 * credential at each call, so no second copy of a key lies anywhere. */
#include <stdio.h>
#include <stdlib.h>
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
#include "service/jobs/source.h"
#include "service/pki/image.h"

#define FACTORY_FILE "factory.bin"

/* --- building --- */

/* What is asked for, or was: a credential in a layout or in a firmware. */
struct wish {
    char credential[ID_TEXT], firmware[ID_TEXT], name[64];
    json_t *layout; /* owned; null when the firmware says it */
};

static void wish_dispose(struct wish *w)
{
    json_decref(w->layout);
}

struct built {
    struct layout layout;
    struct image_set set;
    struct buf flash;     /* the whole of it, with the key; empty: no firmware, or not asked for */
    struct image factory; /* the same bytes, borrowed; of no partition */
};

static void built_free(struct built *b)
{
    if (!b) return;
    image_set_dispose(&b->set);
    buf_dispose(&b->flash);
    free(b);
}

static enum err build_flash(const struct source *s, struct built *b)
{
    uint8_t digest[SHA256_BYTES];
    struct content *content;
    buf_init_secret(&b->flash, LIMIT_IMAGE_BYTES);
    enum err e = firmware_content(&s->info, s->fd, &b->set, &content);
    if (!e) e = content_compose(content, s->info.flash_bytes, &b->flash);
    content_free(content);
    if (e) return e;
    digest_sha256(b->flash.data, b->flash.len, digest);
    b->factory = (struct image){.file = FACTORY_FILE,
                                .partition_size = s->info.flash_bytes,
                                .bytes = {b->flash.data, b->flash.len},
                                .holds_key = true};
    digest_hex(digest, sizeof digest, b->factory.sha256);
    return ERR_OK;
}

/* @param[out] source_out  NULL without a firmware */
static enum err find_layout(const struct service *svc, const struct wish *w,
                            struct source **source_out, struct layout *out,
                            struct field_errors *errors)
{
    *source_out = NULL;
    if (!w->firmware[0]) return layout_from_json(w->layout, out, errors);
    enum err e = source_open(svc->store, svc->data_dir, w->firmware, source_out);
    return e ? e : firmware_layout(&(*source_out)->info, out);
}

/* @param file  the only one that is wanted; NULL: all
 * @param[out] out  NULL on error */
static enum err build(const struct service *svc, const struct wish *w, const char *file,
                      struct built **out, struct field_errors *errors)
{
    struct credential *c = NULL;
    struct source *source = NULL;
    struct built *b = calloc(1, sizeof *b);
    *out = NULL;
    enum err e =
        b ? find_layout(svc, w, &source, &b->layout, errors) : err_set(ERR_MEM, "out of memory");
    if (!e) e = credential_load(svc->store, w->credential, &c);
    if (!e)
        e = image_set_build(c, &b->layout, &(struct target){.kind = TARGET_MQTT}, NULL, &b->set);
    if (!e && source && (!file || strcmp(file, FACTORY_FILE) == 0)) e = build_flash(source, b);
    credential_free(c);
    source_close(source);
    if (e)
        built_free(b);
    else
        *out = b;
    return e;
}

/* The layout that a firmware has, as one could have asked for it. */
static json_t *partitions_of(const struct layout *layout)
{
    json_t *all = layout_to_json(layout);
    json_t *rows = json_pack("{s:O}", "partitions", json_object_get(all, "partitions"));
    json_decref(all);
    return rows;
}

static json_t *describe(const char *id, const struct wish *w, const struct built *b)
{
    json_t *list = json_array();
    if (b->flash.len) json_array_append_new(list, json_out_image(&b->factory, id));
    for (size_t i = 0; i < b->set.count; i++)
        json_array_append_new(list, json_out_image(&b->set.items[i], id));
    json_t *layout = w->firmware[0] ? partitions_of(&b->layout) : json_incref(w->layout);
    return json_pack("{s:s, s:s, s:o, s:o, s:o}", "id", id, "credential", w->credential, "firmware",
                     json_text_or_null(w->firmware), "layout", layout, "images", list);
}

/* --- what is asked --- */

static enum err read_wish(const struct request *rq, struct wish *out, struct field_errors *errors)
{
    json_t *body, *object = NULL;
    enum err e = request_json(rq, &body);
    if (e) return e;
    *out = (struct wish){.name = LAYOUT_USUAL};
    /* "layout" is a name or an object: the row is chosen by what is there */
    const json_t *layout = json_object_get(body, "layout");
    const struct json_field name = JSON_STR("layout", out->name, JSON_OPTIONAL, 1, 63);
    const struct json_field table = JSON_OBJECT_AT("layout", &object, JSON_OPTIONAL);
    const struct json_field fields[] = {
        JSON_STR("credential", out->credential, JSON_REQUIRED, 1, ID_TEXT - 1),
        JSON_STR("firmware", out->firmware, JSON_OPTIONAL, 1, ID_TEXT - 1),
        json_is_object(layout) ? table : name,
        JSON_FIELDS_END,
    };
    e = json_in(body, "", fields, errors);
    if (!e && layout && out->firmware[0]) {
        field_errors_add(errors, "/layout", "must not stand beside a firmware, which has its own");
        e = field_errors_result(errors);
    }
    if (!e)
        out->layout = out->firmware[0] ? json_null()
                      : object         ? json_incref(object)
                                       : json_string(out->name);
    json_decref(body);
    return e;
}

static enum err keep(const struct service *svc, const struct wish *w, struct image_record *r)
{
    id_new("img", r->id);
    r->created_ms = clock_now_ms();
    memcpy(r->credential, w->credential, sizeof r->credential);
    memcpy(r->firmware, w->firmware, sizeof r->firmware);
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
    struct built *built = NULL;
    struct image_record record = {.id = ""};
    enum err e = read_wish(rq, &wish, &errors);
    if (!e) e = build(svc, &wish, NULL, &built, &errors);
    if (!e) e = keep(svc, &wish, &record);
    struct reply r;
    if (e) {
        r = refuse(rq, &errors);
    } else {
        r = reply_json(201, describe(record.id, &wish, built));
        reply_header(&r, "Location", "/v1/images/%s", record.id);
    }
    wish_dispose(&wish);
    built_free(built);
    image_record_dispose(&record);
    return r;
}

/* A kept set. @param out  wish_dispose() it in any case */
static enum err recall(const struct service *svc, const char *id, struct wish *out)
{
    struct image_record r;
    *out = (struct wish){.layout = NULL};
    enum err e = store_image_get(svc->store, id, &r);
    if (e) return e;
    memcpy(out->credential, r.credential, sizeof out->credential);
    memcpy(out->firmware, r.firmware, sizeof out->firmware);
    out->layout = json_loads(r.layout_json, JSON_DECODE_ANY, NULL);
    image_record_dispose(&r);
    return out->layout ? ERR_OK : err_set(ERR_INTERNAL, "the layout of %s cannot be read", id);
}

/* A kept set, built anew. */
static enum err rebuild(const struct service *svc, const char *id, const char *file,
                        struct wish *wish, struct built **built)
{
    struct field_errors errors = {.count = 0};
    *built = NULL;
    enum err e = recall(svc, id, wish);
    return e ? e : build(svc, wish, file, built, &errors);
}

struct reply handle_images_get(struct request *rq, const struct service *svc)
{
    struct wish wish;
    struct built *built;
    const char *id = request_var(rq, "id");
    enum err e = rebuild(svc, id, NULL, &wish, &built);
    struct reply r = e ? reply_error(rq) : reply_json(200, describe(id, &wish, built));
    wish_dispose(&wish);
    built_free(built);
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
    for (size_t i = 0; i < b->set.count; i++) {
        const struct image *m = &b->set.items[i];
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
    struct wish wish;
    struct built *built;
    const char *file = request_var(rq, "file");
    enum err e = rebuild(svc, request_var(rq, "id"), file, &wish, &built);
    struct reply r = e ? reply_error(rq) : reply_file(rq, built, file);
    wish_dispose(&wish);
    built_free(built);
    return r;
}
