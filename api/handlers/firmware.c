/* firmware: files that go into a flash come in, and what they are is told. A file's bytes lie on
 * the shelf; one content is kept once, under the name that it came with first. */
#include "service/firmware/firmware.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/body_file.h"
#include "api/handlers.h"
#include "api/json_out.h"
#include "service/base/clock.h"
#include "service/firmware/shelf.h"
#include "service/store/text.h"

/* What GET answers. */
static json_t *describe(const struct firmware_record *r)
{
    json_t *out =
        json_pack("{s:s, s:s, s:o, s:I, s:s}", "id", r->id, "name", r->name, "created_at",
                  json_time(r->created_ms), "size", (json_int_t)r->size, "sha256", r->sha256);
    json_t *info = json_loads(r->info_json, 0, NULL);
    if (json_object_update(out, info) != 0) {
        json_decref(out);
        out = NULL;
    }
    json_decref(info);
    return out;
}

/* @param r  released */
static struct reply reply_firmware(int status, struct firmware_record *r)
{
    struct reply reply = reply_json(status, describe(r));
    if (status == 201) reply_header(&reply, "Location", "/v1/firmware/%s", r->id);
    firmware_record_dispose(r);
    return reply;
}

/* ?name=, or what its form calls the file. */
static enum err read_name(const struct request *rq, char *out, size_t cap)
{
    const char *asked = request_query(rq, "name");
    if (asked && (!*asked || strlen(asked) >= cap))
        return err_fail(ERR_ARG, "bad_query", NULL,
                        "query parameter name must have 1 to %zu characters", cap - 1);
    const char *name = asked ? asked : rq->file->name[0] ? rq->file->name : "firmware";
    snprintf(out, cap, "%s", name);
    for (char *c = out; *c; c++)
        if ((unsigned char)*c < 0x20 || *c == 0x7f) *c = '?';
    text_clean(out);
    return ERR_OK;
}

/* Find out what it is, and have all of it on the disk. */
static enum err study(const struct service *svc, struct firmware_record *r)
{
    char upload[SHELF_PATH], content[SHELF_PATH];
    struct firmware_info *info = calloc(1, sizeof *info);
    if (!info) return err_set(ERR_MEM, "out of memory");
    shelf_path(svc->data_dir, r->id, "upload", upload);
    shelf_path(svc->data_dir, r->id, "content", content);
    enum err e = firmware_read(upload, content, r->name, info);
    if (!e) e = shelf_sync(svc->data_dir, r->id);
    json_t *json = e ? NULL : firmware_to_json(info);
    r->info_json = json ? json_dumps(json, JSON_COMPACT) : NULL;
    if (!e && !r->info_json) e = err_set(ERR_MEM, "out of memory");
    json_decref(json);
    free(info);
    return e;
}

/* @param r  its name filled; the rest is filled here */
static enum err keep(const struct service *svc, struct body_file *file, struct firmware_record *r)
{
    memcpy(r->id, file->id, sizeof r->id);
    r->created_ms = clock_now_ms();
    r->size = file->size;
    memcpy(r->sha256, file->sha256, sizeof r->sha256);
    enum err e = study(svc, r);
    if (!e) e = store_firmware_add(svc->store, r);
    file->kept = e == ERR_OK;
    return e;
}

struct reply handle_firmware_create(struct request *rq, const struct service *svc)
{
    struct firmware_record found, made = {.id = ""};
    if (read_name(rq, made.name, sizeof made.name)) return reply_error(rq);
    enum err e = store_firmware_find(svc->store, rq->file->sha256, &found);
    if (!e) return reply_firmware(200, &found);
    if (e == ERR_NOT_FOUND) e = keep(svc, rq->file, &made);
    if (!e) return reply_firmware(201, &made);
    firmware_record_dispose(&made);
    /* the same content came twice at once, and the other one was first */
    if (err_is(e, "store_conflict") &&
        store_firmware_find(svc->store, rq->file->sha256, &found) == ERR_OK)
        return reply_firmware(200, &found);
    return reply_content_error(rq);
}

static bool is_firmware(const char *text)
{
    return request_is_id_of(text, "fw_");
}

struct reply handle_firmware_list(struct request *rq, const struct service *svc)
{
    struct store_page page;
    struct firmware_record *list = NULL;
    size_t n;
    if (request_page(rq, is_firmware, &page) || store_firmware_list(svc->store, &page, &list, &n))
        return reply_error(rq);
    json_t *items = json_array();
    for (size_t i = 0; i < n; i++) {
        json_array_append_new(items, describe(&list[i]));
        firmware_record_dispose(&list[i]);
    }
    free(list);
    return reply_list(rq, items, page.next);
}

struct reply handle_firmware_get(struct request *rq, const struct service *svc)
{
    struct firmware_record record;
    char etag[SHA256_HEX + 2];
    if (store_firmware_get(svc->store, request_var(rq, "id"), &record)) return reply_error(rq);
    snprintf(etag, sizeof etag, "\"%s\"", record.sha256); /* nothing else of it can change */
    return reply_with_etag(rq, reply_firmware(200, &record), etag);
}

struct reply handle_firmware_delete(struct request *rq, const struct service *svc)
{
    const char *id = request_var(rq, "id");
    if (store_firmware_delete(svc->store, id)) return reply_error(rq);
    /* without its row it is removed at the next start at the latest */
    shelf_remove(svc->data_dir, id);
    return reply_empty(204);
}
