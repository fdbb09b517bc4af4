#include "api/body_file.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "api/field.h"
#include "service/base/file.h"
#include "service/firmware/shelf.h"

enum {
    FORM_BUFFER = 32 * 1024,      /* what a form's parts are handed on in */
    FLUSH_EACH = 4 * 1024 * 1024, /* the disk starts early, so that the sync at the end is short */
};

struct body_sink {
    char data_dir[SHELF_PATH], path[SHELF_PATH];
    int fd;
    struct sha256 *sum;
    struct MHD_PostProcessor *form; /* NULL: the body is the file */
    bool found;                     /* the form has a file */
    struct err_info why;            /* why the form's reader was stopped; kind ERR_OK: not by us */
    uint64_t flushed;
};

static const char form_hint[] = "Send one file: curl -F file=@NAME, or --data-binary @NAME with "
                                "Content-Type: application/octet-stream.";

static enum err bad_form(const char *why)
{
    return err_fail(ERR_ARG, "bad_multipart", form_hint, "%s", why);
}

static enum err put(struct body_file *b, const void *data, size_t n)
{
    struct body_sink *s = b->sink;
    enum err e = file_write(s->fd, s->path, data, n);
    if (e) return e;
    sha256_add(s->sum, data, n);
    b->size += n;
    if (b->size - s->flushed >= FLUSH_EACH) {
        (void)sync_file_range(s->fd, (off_t)s->flushed, 0, SYNC_FILE_RANGE_WRITE);
        s->flushed = b->size;
    }
    return ERR_OK;
}

static enum err take_part(struct body_file *b, const char *file, const char *data, uint64_t at,
                          size_t n)
{
    if (!file) return bad_form("the form has a field that is not a file");
    if (at != b->size) return bad_form("the form has more than one file");
    b->sink->found = true;
    snprintf(b->name, sizeof b->name, "%s", file);
    return put(b, data, n);
}

/* MHD_PostDataIterator. */
static enum MHD_Result on_part(void *cls, enum MHD_ValueKind kind, const char *key,
                               const char *file, const char *type, const char *encoding,
                               const char *data, uint64_t at, size_t n)
{
    struct body_file *b = cls;
    (void)kind;
    (void)key;
    (void)type;
    (void)encoding;
    if (!take_part(b, file, data, at, n)) return MHD_YES;
    b->sink->why = *err_last();
    return MHD_NO;
}

static enum err open_form(struct body_file *b, struct MHD_Connection *conn, const char *type)
{
    char boundary[FIELD_BOUNDARY_MAX + 1];
    if (!field_media_is(type, "multipart/form-data")) return ERR_OK;
    if (field_boundary(type, boundary))
        b->sink->form = MHD_create_post_processor(conn, FORM_BUFFER, on_part, b);
    return b->sink->form ? ERR_OK : bad_form("the Content-Type names no legal boundary");
}

static enum err open_file(struct body_file *b)
{
    struct body_sink *s = b->sink;
    enum err e = shelf_make(s->data_dir, b->id);
    if (e) return e;
    s->fd = open(s->path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    return s->fd < 0 ? file_error(s->path) : ERR_OK;
}

enum err body_file_new(const char *data_dir, struct MHD_Connection *conn, struct body_file **out)
{
    const char *type = MHD_lookup_connection_value(conn, MHD_HEADER_KIND, "Content-Type");
    struct body_file *b = calloc(1, sizeof *b);
    struct body_sink *s = calloc(1, sizeof *s);
    *out = NULL;
    if (!b || !s) {
        free(b);
        free(s);
        return err_set(ERR_MEM, "out of memory");
    }
    b->sink = s;
    s->fd = -1;
    s->sum = sha256_new();
    id_new("fw", b->id);
    snprintf(s->data_dir, sizeof s->data_dir, "%s", data_dir);
    shelf_path(data_dir, b->id, "upload", s->path);
    enum err e = s->sum ? open_form(b, conn, type) : err_set(ERR_MEM, "out of memory");
    if (!e) e = open_file(b);
    if (e) {
        struct err_info saved = *err_last();
        body_file_free(b);
        return err_restore(&saved);
    }
    *out = b;
    return ERR_OK;
}

enum err body_file_take(struct body_file *b, const void *data, size_t n)
{
    struct body_sink *s = b->sink;
    if (!s->form) return put(b, data, n);
    if (MHD_post_process(s->form, data, n) == MHD_YES) return ERR_OK;
    return s->why.kind ? err_restore(&s->why) : bad_form("the parts of the form are broken");
}

static enum err end_form(struct body_file *b)
{
    struct body_sink *s = b->sink;
    if (!s->form) return ERR_OK;
    enum MHD_Result whole = MHD_destroy_post_processor(s->form);
    s->form = NULL;
    if (s->why.kind) return err_restore(&s->why);
    if (whole != MHD_YES) return bad_form("the closing boundary is missing: the body is cut off");
    return s->found ? ERR_OK : bad_form("there is no file in the form");
}

enum err body_file_end(struct body_file *b)
{
    uint8_t digest[SHA256_BYTES];
    enum err e = end_form(b);
    if (e) return e;
    sha256_end(b->sink->sum, digest);
    digest_hex(digest, sizeof digest, b->sha256);
    return ERR_OK;
}

void body_file_free(struct body_file *b)
{
    if (!b) return;
    struct body_sink *s = b->sink;
    if (s->form) MHD_destroy_post_processor(s->form);
    if (s->fd >= 0) close(s->fd);
    sha256_free(s->sum);
    if (!b->kept) shelf_remove(s->data_dir, b->id);
    free(s);
    free(b);
}
