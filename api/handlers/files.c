#include "api/handlers/files.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/field.h"

enum { PASSWORD_MAX = 1024 };

/* How much a request may hold. */
struct room {
    size_t parts, file_bytes;
};
static const struct room usual_room = {LIMIT_UPLOAD_PARTS, LIMIT_PEM_BYTES};
/* One more for the password; a file may be a zip as large as the body. */
static const struct room drop_room = {LIMIT_DROP_FILES + 1, LIMIT_DROP_BODY};

static enum err read_parts(const struct request *rq, const struct room *room,
                           struct multipart_part **parts_out, size_t *n_out)
{
    char boundary[FIELD_BOUNDARY_MAX + 1];
    *n_out = 0;
    *parts_out = NULL;
    if (!field_boundary(rq->content_type, boundary))
        return err_fail(ERR_ARG, "bad_multipart", "Let the HTTP library set Content-Type.",
                        "the Content-Type names no legal boundary");
    struct multipart_part *parts = calloc(room->parts, sizeof *parts);
    if (!parts) return err_set(ERR_MEM, "out of memory");
    struct multipart_list list = {.parts = parts, .cap = room->parts};
    enum err e = multipart_parse(rq->body.data, rq->body.len, boundary, &list);
    *n_out = list.count;
    for (size_t i = 0; !e && i < *n_out; i++)
        if (parts[i].len > room->file_bytes)
            e = err_fail(ERR_TOO_LARGE, "file_too_large",
                         "See whether it is the right file: certificates and keys are small.",
                         "file %zu has %zu bytes; at most %zu are allowed", i + 1, parts[i].len,
                         room->file_bytes);
    if (!e && !*n_out)
        e = err_fail(ERR_ARG, "empty_upload",
                     "Send each file as a part of the form, as curl -F name=@FILE does.",
                     "there is no file in the upload");
    if (e) {
        free(parts);
        return e;
    }
    *parts_out = parts;
    return ERR_OK;
}

enum err files_read_parts(const struct request *rq, struct multipart_part **parts_out,
                          size_t *n_out)
{
    return read_parts(rq, &usual_room, parts_out, n_out);
}

static enum err keep_password(const void *text, size_t n, struct files *out)
{
    if (n > PASSWORD_MAX || memchr(text, 0, n))
        return err_fail(ERR_ARG, "bad_body", NULL, "the password has more than %d bytes, or NUL",
                        PASSWORD_MAX);
    buf_reset(&out->password);
    return n ? buf_append(&out->password, text, n) : ERR_OK;
}

static enum err from_parts(const struct request *rq, const struct room *room, struct files *out)
{
    size_t n;
    enum err e = read_parts(rq, room, &out->parts, &n);
    if (e) return e;
    out->inputs = calloc(room->parts, sizeof *out->inputs);
    if (!out->inputs) return err_set(ERR_MEM, "out of memory");
    for (size_t i = 0; !e && i < n; i++) {
        const struct multipart_part *p = &out->parts[i];
        const char *name = p->file[0] ? p->file : p->name;
        if (!strcmp(p->name, "password") && !p->file[0])
            e = keep_password(p->data, p->len, out);
        else
            out->inputs[out->count++] = (struct credential_input){name, p->data, p->len};
    }
    return e;
}

/* What is in which member is found from its content, as with files; but what has a meaning by its
 * name must be text. */
static enum err from_json(const struct request *rq, struct files *out, struct field_errors *errors)
{
    static const char *const names[] = {"certificate", "private_key", "root_ca", "pkcs12",
                                        "password"};
    json_t *body;
    enum err e = request_json(rq, &body);
    if (e) return e;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        json_t *value = json_object_get(body, names[i]);
        char pointer[16];
        snprintf(pointer, sizeof pointer, "/%s", names[i]);
        if (value && !json_is_string(value)) field_errors_add(errors, pointer, "must be a string");
    }
    e = field_errors_result(errors);
    const json_t *password = json_object_get(body, "password");
    if (!e && password)
        e = keep_password(json_string_value(password), json_string_length(password), out);
    json_decref(body);
    if (!e) out->inputs = calloc(1, sizeof *out->inputs);
    if (!e && !out->inputs) e = err_set(ERR_MEM, "out of memory");
    if (e) return e;
    out->inputs[0] = (struct credential_input){"the body", rq->body.data, rq->body.len};
    out->count = 1;
    return ERR_OK;
}

static enum err read_files(const struct request *rq, const struct room *room, struct files *out,
                           struct field_errors *errors)
{
    *out = (struct files){.count = 0};
    buf_init_secret(&out->password, PASSWORD_MAX);
    if (field_media_is(rq->content_type, "application/json")) return from_json(rq, out, errors);
    return from_parts(rq, room, out);
}

enum err files_read_credential(const struct request *rq, struct files *out,
                               struct field_errors *errors)
{
    return read_files(rq, &usual_room, out, errors);
}

enum err files_read_drop(const struct request *rq, struct files *out, struct field_errors *errors)
{
    return read_files(rq, &drop_room, out, errors);
}

void files_dispose(struct files *u)
{
    buf_dispose(&u->password);
    free(u->parts);
    free(u->inputs);
    *u = (struct files){.count = 0};
}
