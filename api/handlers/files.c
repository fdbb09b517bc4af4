#include "api/handlers/files.h"

#include <stdlib.h>
#include <string.h>

#include "api/field.h"

enum { TEXTS = 3 };

enum err files_read_parts(const struct request *rq, struct multipart_part **parts_out,
                          size_t *n_out)
{
    char boundary[FIELD_BOUNDARY_MAX + 1];
    *n_out = 0;
    *parts_out = NULL;
    if (!field_boundary(rq->content_type, boundary))
        return err_fail(ERR_ARG, "bad_multipart", "Let the HTTP library set Content-Type.",
                        "the Content-Type names no legal boundary");
    struct multipart_part *parts = calloc(LIMIT_UPLOAD_PARTS, sizeof *parts);
    if (!parts) return err_set(ERR_MEM, "out of memory");
    struct multipart_list list = {.parts = parts, .cap = LIMIT_UPLOAD_PARTS};
    enum err e = multipart_parse(rq->body.data, rq->body.len, boundary, &list);
    *n_out = list.count;
    for (size_t i = 0; !e && i < *n_out; i++)
        if (parts[i].len > LIMIT_PEM_BYTES)
            e = err_fail(ERR_TOO_LARGE, "file_too_large", NULL,
                         "file %zu has %zu bytes; at most %d are allowed", i + 1, parts[i].len,
                         (int)LIMIT_PEM_BYTES);
    if (!e && !*n_out)
        e = err_fail(ERR_ARG, "empty_upload", NULL, "there is no file in the upload");
    if (e) {
        free(parts);
        return e;
    }
    *parts_out = parts;
    return ERR_OK;
}

static enum err from_parts(const struct request *rq, struct files *out)
{
    size_t n;
    enum err e = files_read_parts(rq, &out->parts, &n);
    if (e) return e;
    out->inputs = calloc(LIMIT_UPLOAD_PARTS, sizeof *out->inputs);
    if (!out->inputs) return err_set(ERR_MEM, "out of memory");
    for (size_t i = 0; i < n; i++) {
        const struct multipart_part *p = &out->parts[i];
        const char *name = p->file[0] ? p->file : p->name;
        out->inputs[i] = (struct credential_input){name, p->data, p->len};
    }
    out->count = n;
    return ERR_OK;
}

static enum err from_json(const struct request *rq, struct files *out, struct field_errors *errors)
{
    static const char *const names[TEXTS] = {"certificate", "private_key", "root_ca"};
    json_t *body;
    enum err e = request_json(rq, &body);
    if (e) return e;
    out->texts = calloc(TEXTS, sizeof *out->texts);
    out->inputs = calloc(TEXTS, sizeof *out->inputs);
    if (!out->texts || !out->inputs) {
        json_decref(body);
        return err_set(ERR_MEM, "out of memory");
    }
    const struct json_field fields[] = {
        JSON_STR(names[0], out->texts[0], JSON_REQUIRED, 0, LIMIT_PEM_BYTES),
        JSON_STR(names[1], out->texts[1], JSON_REQUIRED, 0, LIMIT_PEM_BYTES),
        JSON_STR(names[2], out->texts[2], JSON_REQUIRED, 0, LIMIT_PEM_BYTES),
        JSON_FIELDS_END,
    };
    e = json_in(body, "", fields, errors);
    json_decref(body);
    for (size_t i = 0; i < TEXTS; i++)
        out->inputs[i] = (struct credential_input){names[i], (const uint8_t *)out->texts[i],
                                                   strlen(out->texts[i])};
    out->count = TEXTS;
    return e;
}

enum err files_read_credential(const struct request *rq, struct files *out,
                               struct field_errors *errors)
{
    *out = (struct files){.count = 0};
    if (field_media_is(rq->content_type, "application/json")) return from_json(rq, out, errors);
    return from_parts(rq, out);
}

void files_dispose(struct files *u)
{
    for (size_t i = 0; u->texts && i < TEXTS; i++)
        explicit_bzero(u->texts[i], strlen(u->texts[i]));
    free(u->texts);
    free(u->parts);
    free(u->inputs);
    *u = (struct files){.count = 0};
}
